"""Pretraining on drawings: on the stand-in, the counterpart of ImageNet weights.

    FOLDER/image-resnet18.safetensors, FOLDER/body-resnet18.safetensors, FOLDER/body-maxvit_64...

each a state_dict of torchvision's ResNet, or of one of `BACKBONES`, so that they are read as other
weights of it are. What was drawn for it are people of no stand-in, held, lit and placed at random:
no emotion decides anything in these pictures, and none is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
import torchvision
from safetensors.torch import save
from torch import nn

from oneshot_emotic.emotic.places import square
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import write_bytes
from oneshot_emotic.prepared import Pixels
from oneshot_emotic.processes import available_processors
from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.drawing import body_box, draw
from oneshot_emotic.synthetic.population import generate
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.spec import ARMS, BACKDROPS, PROPS, Figure, Light, Picture, Pose
from oneshot_emotic.worklist import in_processes
from oneshot_emotic_baselines.data import normalised, random_changes, seed_of, shifted
from oneshot_emotic_baselines.distributed import join_processes
from oneshot_emotic_baselines.recipes import Backbone, Branch
from oneshot_emotic_baselines.settings import PretrainSettings
from oneshot_emotic_baselines.weights import ABOUT, about, other_trunk

BRANCHES: tuple[Branch, ...] = ("image", "body")

_HELD_OUT = 0.05  # share of the pictures that the figure at the end is of
_SHIFT, _WIDE_SHIFT = 1 / 16, 1 / 8  # of the side; the wide one without labels
_TEMPERATURE = 0.1  # of the contrastive loss, without labels


@dataclass(frozen=True)
class Drawn:
    """Pictures and what is in them, a row each.

    Attributes:
        pixels: uint8 (pictures, side, side, 3).
        kinds: int64 (pictures, questions), a class each: of a body the left and right hand's
            place, of an image its setting.
        numbers: float32 (pictures, 3), from -1 to 1: smile, energy and stature, or warmth,
            brightness and vividness.
        objects: float32 (pictures, objects), 1 for what is there; of a body none.
    """

    pixels: Pixels
    kinds: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.float32]
    objects: npt.NDArray[np.float32]


def trunk_files(folder: Path, backbone: str, branches: Sequence[Branch]) -> dict[str, Path]:
    """Pretraining -> file, as `train` takes them, of the trunks that the branches need.

    Raises:
        InputError: They are not there.
    """
    names = [name for name in branches if name in BRANCHES]
    files = {f"stand-in-{name}": _file(folder, name, backbone) for name in names}
    if missing := [path.name for path in files.values() if not path.is_file()]:
        remedy = "`oneshot-emotic pretrain` makes it; in another folder: --weights stand-in=FOLDER"
        raise InputError(Problem(f"there is no pretrained {some(missing)}", str(folder), remedy))
    return files


def described(path: Path) -> str:
    """What a trunk's file says of itself."""
    words = about(path)
    return f"{words.get('about')}; of held-out pictures {words.get('found')}"


def default_folder(root: Path, size: int) -> Path:
    """Where the trunks for a stand-in are, unless somebody says otherwise."""
    return root / f"pretrained-{size}"


def _file(folder: Path, branch: Branch, backbone: str) -> Path:
    return folder / f"{branch}-{backbone}.safetensors"


def pretrain(
    folder: Path,
    settings: PretrainSettings,
    *,
    branches: Sequence[Branch] = BRANCHES,
    device: str = "auto",
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Draw figures and train a trunk a branch on them; one that is there is kept.

    Args:
        folder: Where they go.
        settings: What decides them.
        branches: Which trunks.
        device: `auto`, `cpu`, `cuda`.
        workers: Trunks that are made at the same time; on a CPU they share its cores.
        progress: Told the trunks made and all of them.

    Returns:
        The files.

    Raises:
        InputError: The folder holds a trunk of other settings.
    """
    files = {branch: _file(folder, branch, settings.backbone) for branch in branches}
    identity = json.dumps(asdict(settings))
    for path in files.values():
        if path.is_file() and about(path).get("settings") != identity:
            remedy = "Give another folder with -o, or remove it"
            raise InputError(Problem("was pretrained with other settings", str(path), remedy))
    wanted = [(x, path, settings, device) for x, path in files.items() if not path.is_file()]
    several = 1 if join_processes(device).device.type == "cuda" else min(workers, len(wanted))
    threads = max(1, available_processors() // max(1, several))
    jobs = [(*job, threads) for job in wanted]
    for done, _ in enumerate(in_processes(_make, jobs, several)):
        progress(done + 1, len(jobs))
    return list(files.values())


def _make(job: tuple[Branch, Path, PretrainSettings, str, int]) -> None:
    """Draw, train and write the trunk of a branch."""
    branch, path, settings, device, threads = job
    torch.set_num_threads(threads)
    drawn = _drawn(settings, branch)
    with torch.random.fork_rng(devices=[]):  # the first weights, and layers that draw
        torch.manual_seed(seed_of("pretraining", branch, settings.seed))
        state, found = _trained(drawn, branch, settings, join_processes(device).device)
    text = f"{settings.persons:,} drawn figures, labels: {_WHAT[branch, settings.labels]}"
    about_it = {"about": text, "found": found, "settings": json.dumps(asdict(settings))}
    write_bytes(path, save(state, {ABOUT: json.dumps(about_it)}))


_WHAT = {
    ("body", "drawn"): "hands, posture",
    ("image", "drawn"): "setting, objects, light",
    ("body", "none"): "none",
    ("image", "none"): "none",
}


def _pictures(settings: PretrainSettings) -> Iterator[Picture]:
    """Pictures in which nothing follows an emotion, and each hand is where it is by itself."""
    cues = StandInSettings(settings.persons, settings.seed, 0.0, 0.0, 0.0)
    for number, image in enumerate(generate(cues, "pretraining")):
        stream = CounterStream(f"oneshot-emotic/pretraining/{settings.seed}/{number}/held")
        light = Light(stream.uniform(), stream.uniform(), stream.uniform())
        figures = tuple(replace(figure, pose=_any_pose(stream)) for figure in image.picture.figures)
        yield replace(
            image.picture, scene=replace(image.picture.scene, light=light), figures=figures
        )


def _any_pose(stream: CounterStream) -> Pose:
    smile, energy, stature = stream.uniform(-1.0, 1.0), stream.uniform(), stream.uniform()
    left, right = (ARMS[stream.below(len(ARMS))] for _ in range(2))
    return Pose(smile, energy, stature, left, right)


def _drawn(settings: PretrainSettings, branch: Branch) -> Drawn:
    rows: list[tuple[Any, ...]] = []
    for picture in _pictures(settings):
        image = draw(picture)
        if branch == "image":
            rows.append((square(image, settings.size), *_in_image(picture)))
        else:
            for figure in picture.figures:
                crop = square(image, settings.size, body_box(picture, figure))
                rows.append((crop, *_in_body(figure)))
    kinds = (np.uint8, np.int64, np.float32, np.float32)
    columns = zip(zip(*rows, strict=True), kinds, strict=True)
    return Drawn(*(np.array(values, kind) for values, kind in columns))


def _in_image(picture: Picture) -> tuple[list[int], list[float], list[bool]]:
    scene = picture.scene
    names = {item.name for item in scene.objects}
    light = (scene.light.warmth, scene.light.brightness, scene.light.vividness)
    kind = list(BACKDROPS).index(scene.setting)
    return [kind], [2 * value - 1 for value in light], [name in names for name in PROPS]


def _in_body(figure: Figure) -> tuple[list[int], list[float], list[bool]]:
    pose = figure.pose
    hands = [ARMS.index(pose.left_arm), ARMS.index(pose.right_arm)]
    return hands, [pose.smile, 2 * pose.energy - 1, 2 * pose.stature - 1], []


def _trained(
    drawn: Drawn, branch: Branch, settings: PretrainSettings, device: torch.device
) -> tuple[dict[str, torch.Tensor], str]:
    """The trunk's weights, and how well it did on held-out pictures, in words."""
    count = len(BACKDROPS) if branch == "image" else len(ARMS)
    questions = drawn.kinds.shape[1]
    outputs = questions * count + 3 + drawn.objects.shape[1] if settings.labels == "drawn" else 128
    if settings.backbone in get_args(Backbone):
        network: Any = torchvision.models.get_model(settings.backbone, weights=None)
    else:
        network = other_trunk(settings.backbone, None, {})
    network.fc = nn.Linear(network.fc.in_features, outputs)
    network.to(device, memory_format=torch.channels_last).train()
    kept = round(len(drawn.pixels) * (1 - _HELD_OUT))
    steps = max(1, kept // settings.batch_size)
    optimiser = torch.optim.AdamW(network.parameters())
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * steps
    )
    random = torch.Generator().manual_seed(seed_of("pretraining", branch, settings.seed, "order"))
    for _ in range(settings.epochs):
        order = torch.randperm(kept, generator=random)
        for places in order[: steps * settings.batch_size].view(steps, -1):
            if settings.labels == "drawn":
                loss = _label_loss(network, drawn, places, count, random, device)
            else:
                loss = _view_loss(network, drawn, places, random, device)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            rates.step()
    state = {
        name.removeprefix("network."): values.cpu().contiguous()
        for name, values in network.state_dict().items()
        if not name.startswith("fc.")
    }
    if settings.labels == "none":
        return state, "nothing was asked"
    right = _right(network.eval(), drawn, kept, count, device)
    what = "hands" if branch == "body" else "settings"
    return state, f"{100 * right:.1f} % of the {what} right"


def _label_loss(
    network: nn.Module,
    drawn: Drawn,
    places: torch.Tensor,
    count: int,
    random: torch.Generator,
    device: torch.device,
) -> torch.Tensor:
    """Cross entropy of kinds and objects, squared error of numbers."""
    chosen = places.numpy()
    pixels = torch.from_numpy(drawn.pixels[chosen]).to(device)
    mirrored, moved = random_changes(len(chosen), pixels.shape[1], 0.5, _SHIFT, random)
    outputs = network(normalised(shifted(pixels, mirrored, moved[:, 0]))).float()
    kinds, numbers, objects = (
        torch.from_numpy(values[chosen]).to(device)
        for values in (drawn.kinds, drawn.numbers, drawn.objects)
    )
    # In a mirror the left hand is the right one; of an image there is one question.
    kinds = torch.where(mirrored.to(device)[:, None], kinds.flip(1), kinds)
    many = kinds.shape[1] * count
    loss = nn.functional.cross_entropy(outputs[:, :many].reshape(-1, count), kinds.reshape(-1))
    loss = loss + nn.functional.mse_loss(outputs[:, many : many + 3], numbers)
    if objects.shape[1]:
        said = outputs[:, many + 3 :]
        each = nn.functional.binary_cross_entropy_with_logits(said, objects, reduction="none")
        loss = loss + each.sum(dim=1).mean() / objects.sum(dim=1).mean()
    return loss


def _view_loss(
    network: nn.Module,
    drawn: Drawn,
    places: torch.Tensor,
    random: torch.Generator,
    device: torch.device,
) -> torch.Tensor:
    """Two views of each picture, moved and in other colours, are to be nearer than any others."""
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    pixels = torch.from_numpy(drawn.pixels[places.numpy()]).to(device)
    views = []
    for _ in range(2):
        _, moved = random_changes(len(places), pixels.shape[1], 0.0, _WIDE_SHIFT, random)
        tint = 0.6 + 0.8 * torch.rand(len(places), 3, 1, 1, generator=random).to(device)
        still = torch.zeros(len(places), dtype=torch.bool)
        views.append(network(normalised(shifted(pixels, still, moved[:, 0])) * tint).float())
    loss: torch.Tensor = SelfSupervisedLoss(NTXentLoss(_TEMPERATURE))(*views)
    return loss


def _right(network: nn.Module, drawn: Drawn, kept: int, count: int, device: torch.device) -> float:
    """Share of the kinds of held-out pictures that are told right."""
    right = []
    with torch.inference_mode():
        for start in range(kept, len(drawn.pixels), 64):
            pixels = torch.from_numpy(drawn.pixels[start : start + 64]).to(device)
            kinds = torch.from_numpy(drawn.kinds[start : start + 64])
            said = network(normalised(pixels)).cpu()[:, : kinds.shape[1] * count]
            right.append((said.reshape(*kinds.shape, count).argmax(dim=2) == kinds).flatten())
    return float(torch.cat(right).float().mean()) if right else float("nan")
