"""From an encoder to scores: features of all persons, made once, and protocol 1."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from oneshot_emotic.dataset.folder import read_task
from oneshot_emotic.dataset.locate import dataset_folder
from oneshot_emotic.encoders.features import Features, make_features
from oneshot_emotic.encoders.launched import ALONE, Processes, join_processes
from oneshot_emotic.encoders.named import load_encoder
from oneshot_emotic.encoders.protocol import VIEWS, Encoder, View
from oneshot_emotic.errors import InputError
from oneshot_emotic.pictures import open_pictures
from oneshot_emotic.scoring.embeddings import aligned_embeddings
from oneshot_emotic.scoring.evaluate import check_scorable, checked_shots, evaluate_aligned
from oneshot_emotic.scoring.scores import Scores, merged
from oneshot_emotic.splits import Task
from oneshot_emotic.tasks import TASKS


def evaluate_encoder(
    encoder: Encoder | str,
    root: str | Path,
    *,
    tasks: Sequence[str] | None = None,
    dataset: str | Path = "synthetic",
    shots: int | Iterable[int] = (1, 5),
    view: View = "both",
    features: str | Path | None = None,
    device: str = "auto",
    batch_size: int = 64,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scores:
    """Score a frozen encoder on the tasks of a data set, from pictures to figures.

    The vectors of all persons of `root`, base ones too, are made once and kept. Processes of
    `accelerate launch` or `torchrun` share the making; each returns the scores.

    Args:
        encoder: `timm:NAME[@FILE][?ARGUMENTS]`, `hf:NAME_OR_FOLDER`, `MODULE:FACTORY`, or an object
            with `embed(images, bodies)` (see `encoders.protocol.Encoder`).
        root: The EMOTIC copy or stand-in that holds the images.
        tasks: Default: every task that can be scored.
        dataset: As for `load_task`.
        shots: As for `evaluate`.
        view: What a timm or transformers network is shown: `body`, `image`, or `both`.
        features: Where the vectors are kept; default `root/features`.
        device: `auto`, `cpu`, `cuda`, or another of torch's.
        batch_size: Persons at once.
        progress: Told the persons done and all of them.

    Raises:
        InputError: There is no such encoder, it gives no vectors, or there are no pictures.

    Example:
        >>> evaluate_encoder("timm:resnet50.a1_in1k", "stand-in")  # doctest: +SKIP
    """
    checked_shots(shots)
    processes = join_processes(device)
    chosen = chosen_tasks(tasks or (), dataset)
    found = features_of(
        encoder,
        root,
        chosen,
        view=view,
        features=features,
        device=device,
        batch_size=batch_size,
        progress=progress,
        processes=processes,
    )
    return score_features(found, chosen, shots)


def score_features(found: Features, tasks: Sequence[Task], shots: int | Iterable[int]) -> Scores:
    """The scores of features on tasks that can be scored, from the file one task after the other.

    Vectors of a task are let go as soon as they have been put in order.
    """
    return merged(
        [
            evaluate_aligned(aligned_embeddings(found.of(task.novel.sample_ids), task), task, shots)
            for task in tasks
        ]
    )


def chosen_tasks(names: Sequence[str], dataset: str | Path) -> list[Task]:
    """Tasks by name; every task that can be scored where none is named.

    Raises:
        InputError: There is no such task or data set, or one that is named cannot be scored or
            comes twice.
    """
    if twice := [name for name in names if [*names].count(name) > 1]:
        raise InputError(f"task {twice[0]} comes more than once")
    folder = dataset_folder(dataset)
    loaded = [read_task(folder, name) for name in (names or TASKS)]
    chosen = [task for task in loaded if names or not task.unscorable]
    for task in chosen:
        check_scorable(task)
    if not chosen:
        raise InputError("no task of it can be scored", dataset)
    return chosen


def features_of(
    encoder: Encoder | str,
    root: str | Path,
    tasks: Sequence[Task],
    *,
    view: View = "both",
    features: str | Path | None = None,
    device: str = "auto",
    batch_size: int = 64,
    annotations: Path | None = None,
    loaded: Callable[[Encoder], None] = lambda encoder: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    processes: Processes = ALONE,
) -> Features:
    """The vectors of all persons of `root`; other arguments as for `evaluate_encoder`.

    Args:
        encoder: Which.
        root: The EMOTIC copy or stand-in.
        tasks: Whose novel persons must be in it.
        view: What a network is shown.
        features: Where the vectors are kept.
        device: For a network.
        batch_size: Likewise.
        annotations: The annotations file, where it is not under `root`.
        loaded: Told the encoder before it is at work.
        progress: Told the persons done and all of them, of this process.
        processes: From `join_processes`, before a network is put on its device.

    Raises:
        InputError: As `evaluate_encoder` does.
    """
    if view not in VIEWS:
        raise InputError(f"a view is {', '.join(VIEWS)}, not {view!r}")
    pictures = open_pictures(root, annotations=annotations)
    for task in tasks:
        pictures.check(task.novel.sample_ids)
    if isinstance(encoder, str):
        encoder = load_encoder(encoder, view=view, device=device, batch_size=batch_size)
    if not callable(getattr(encoder, "embed", None)):
        what = f"a {type(encoder).__name__} is no encoder: it has no embed(images, bodies)"
        raise InputError(what)
    loaded(encoder)
    identity = getattr(encoder, "identity", None)
    if identity is None and processes.world > 1:
        raise InputError("an encoder without `identity` runs in one process alone")
    if identity is None:
        folder = Path(tempfile.mkdtemp(prefix="oneshot-emotic-features-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    else:
        folder = Path(features or Path(root) / "features")
    return make_features(encoder, str(identity), pictures, folder, progress, processes)
