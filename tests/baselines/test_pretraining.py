"""Trunks pretrained on drawings: of nobody's stand-in, cached, read as other weights are."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import pretraining, reproduce  # noqa: E402
from oneshot_emotic_baselines.pretraining import PretrainSettings, pretrain, trunk_files  # noqa: E402
from oneshot_emotic_baselines.recipes import BACKBONES, RECIPES  # noqa: E402
from oneshot_emotic_baselines.systems.maxvit import MaxViTTrunk  # noqa: E402
from oneshot_emotic_baselines.weights import (  # noqa: E402
    about,
    describe,
    other_trunk,
    read_weights,
    resnet,
)

from oneshot_emotic.errors import InputError  # noqa: E402
from oneshot_emotic.submission.folder import read_submission_folder  # noqa: E402
from oneshot_emotic.synthetic.population import generate  # noqa: E402
from oneshot_emotic.synthetic.settings import StandInSettings  # noqa: E402
from oneshot_emotic.synthetic.spec import ARMS  # noqa: E402

SETTINGS = PretrainSettings(persons=48, size=tiny.SIZE, epochs=1, batch_size=8)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The trunks of both branches."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trunks")
    return folder, pretrain(folder, SETTINGS, device="cpu")


def test_people_of_no_stand_in():
    """Not those of the same seed either; and a stand-in is as it always was."""
    settings = StandInSettings(40)
    ours = [image.persons[0].figure.look for image in generate(settings, "pretraining")]
    theirs = [image.persons[0].figure.look for image in generate(settings)]
    assert not set(ours) & set(theirs) and theirs[:2] == [10548, 29916]


def test_each_hand_is_where_it_is_by_itself():
    """Every pair of places is drawn about equally often, those of novel classes no more."""
    many = PretrainSettings(persons=4000)
    pairs = np.zeros((7, 7))
    for picture in pretraining._pictures(many):
        for figure in picture.figures:
            pairs[ARMS.index(figure.pose.left_arm), ARMS.index(figure.pose.right_arm)] += 1
    assert pairs.sum() == 4000
    expected = 4000 / 49
    assert ((pairs - expected) ** 2 / expected).sum() < 84  # chi squared, 48 degrees, p = 0.001


def test_labels_are_of_their_pictures():
    drawn = {branch: pretraining._drawn(SETTINGS, branch) for branch in pretraining.BRANCHES}
    pictures = list(pretraining._pictures(SETTINGS))
    figures = [figure for picture in pictures for figure in picture.figures]
    bodies, images = drawn["body"], drawn["image"]
    assert len(bodies.pixels) == len(figures) == 48 and len(images.pixels) == len(pictures)
    for figure, hands, numbers in zip(figures, bodies.kinds, bodies.numbers, strict=True):
        assert [ARMS[hand] for hand in hands] == [figure.pose.left_arm, figure.pose.right_arm]
        assert numbers[0] == np.float32(figure.pose.smile)
    objects = images.objects.sum(axis=1)
    assert objects.tolist() == [len(picture.scene.objects) for picture in pictures]
    assert all(abs(found.numbers).max() <= 1 for found in drawn.values())


def test_a_trunk_is_read_as_other_weights_are(made):
    folder, files = made
    found = trunk_files(folder, "resnet18", ("image", "body", "semantic"))
    assert list(found.values()) == files
    network = resnet("resnet18", "stand-in-body", found)
    for name, value in read_weights(files[1]).items():
        assert torch.equal(network.state_dict()[name], value)
    origin = describe({"body": "stand-in-body"}, found)["body"]
    assert origin.startswith("stand-in-body (48 drawn figures, labels: hands, posture, sha256 ")
    with pytest.raises(InputError, match=r"no pretrained image-resnet50.*emotic pretrain"):
        trunk_files(folder, "resnet50", ("image", "semantic"))


def test_the_same_settings_give_the_same_trunk_and_others_are_refused(made, tmp_path):
    folder, files = made
    before = tiny.files_of(folder)
    assert pretrain(folder, SETTINGS, device="cpu") == files and tiny.files_of(folder) == before
    pretrain(tmp_path, SETTINGS, branches=["body"], device="cpu")
    assert (tmp_path / files[1].name).read_bytes() == files[1].read_bytes()
    other = PretrainSettings(**{**vars(SETTINGS), "seed": 1})
    with pytest.raises(InputError, match="was pretrained with other settings"):
        pretrain(folder, other, device="cpu")
    with pytest.raises(InputError) as caught:
        PretrainSettings(persons=0, batch_size=1)
    assert len(caught.value.problems) == 2


def test_a_trunk_that_is_no_resnet(tmp_path, monkeypatch):
    """Of any backbone by name: read as its weights are, the same every time, though it draws."""
    little = partial(MaxViTTrunk, tiny.SIZE, (32, 64), (1, 1), 0.1)
    monkeypatch.setitem(BACKBONES, "little", lambda pretrained: little())
    settings = replace(SETTINGS, backbone="little", persons=16)
    (path,) = pretrain(tmp_path / "a", settings, branches=["body"], device="cpu")
    assert path.name == "body-little.safetensors"
    torch.manual_seed(5)
    (again,) = pretrain(tmp_path / "b", settings, branches=["body"], device="cpu")
    assert path.read_bytes() == again.read_bytes()
    files = trunk_files(tmp_path / "a", "little", ("body",))
    state = other_trunk("little", "stand-in-body", files).network.state_dict()
    written = read_weights(path)
    assert set(state) == set(written) and all(torch.equal(state[x], written[x]) for x in state)
    with pytest.raises(InputError, match=r"must be resnet18, .*maxvit_64.*, not 'timm:vit'"):
        replace(SETTINGS, backbone="timm:vit")


def test_without_labels(tmp_path):
    unlabelled = PretrainSettings(**{**vars(SETTINGS), "labels": "none"})
    (path,) = pretrain(tmp_path, unlabelled, branches=["body"], device="cpu")
    assert about(path)["about"] == "48 drawn figures, labels: none"
    resnet("resnet18", "stand-in-body", {"stand-in-body": path})


def test_the_loss_of_somebody_who_knows_nothing():
    """All places of a hand alike, every number 0, every object there or not: worked by hand."""
    for branch, count in (("body", 7), ("image", 6)):
        drawn = pretraining._drawn(SETTINGS, branch)
        outputs = torch.zeros(8, drawn.kinds.shape[1] * count + 3 + drawn.objects.shape[1])
        places, random = torch.arange(8), torch.Generator().manual_seed(0)
        device = torch.device("cpu")
        loss = pretraining._label_loss(lambda _: outputs, drawn, places, count, random, device)  # noqa: B023
        wanted = np.log(count) + (drawn.numbers[:8] ** 2).mean()
        if branch == "image":
            wanted += 8 * drawn.objects.shape[1] * np.log(2) / drawn.objects[:8].sum()
        assert loss.item() == pytest.approx(wanted, rel=1e-5)


def test_what_says_nothing_of_itself(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"x")
    assert about(path) == {} and about(tmp_path / "b.pth") == {}


def test_reproduce_discloses_it(tmp_path, monkeypatch):
    """The command makes the trunks, the runs begin with them, the card says so."""
    quick = reproduce.SCALES["quick"]
    changes = {**quick.changes, "epochs": 1, "persons_per_epoch": 32, "validation_draws": 5}
    tasks = ("cat-6-6", "lev-7-3-valence")
    small = replace(quick, size=tiny.SIZE, tasks=tasks, changes=changes, drawings=48)
    little = partial(MaxViTTrunk, tiny.SIZE, (32, 64), (1, 1), 0.1)
    monkeypatch.setitem(BACKBONES, "little", lambda pretrained: little())
    reduced = {**RECIPES["cage"].reduced, "backbone": "little"}
    monkeypatch.setitem(RECIPES, "cage", replace(RECIPES["cage"], reduced=reduced))
    monkeypatch.setitem(reproduce.SCALES, "quick", small)
    tiny.prepared()
    (tmp_path / "stand-in").symlink_to(tiny.stand_in())
    output = tiny.cli(
        *("reproduce", "--synthetic", "--quick", "--device", "cpu"),
        *(f"--baseline={name}" for name in ("b-dml", "cage", "mt-clar", "frozen")),
        *("--jobs", 1, "--workers", 1, "-o", tmp_path),
    )
    assert "b-dml" in output
    _, decoded = output.split("Not the protocol's classifier")
    assert "mt-clar-resnet18  lev-7-3-valence  1" in decoded and "cat-6-6" not in decoded
    done = (tmp_path / f"runs/mt-clar-resnet18/{x}/seed-0/done.json" for x in tasks)
    of_categories, of_levels = (json.loads(path.read_text()) for path in done)
    assert "decoded" not in of_categories and list(of_levels["decoded"]) == list("12345")
    assert all(0 < x["balanced_accuracy"] < 1 for x in of_levels["decoded"].values())
    trunks = sorted(x.name for x in (tmp_path / "stand-in/pretrained-32-48").iterdir())
    assert trunks == [
        f"{x}.safetensors" for x in ("body-little", "body-resnet18", "image-resnet18")
    ]
    card = read_submission_folder(tmp_path / "submissions/b-dml-resnet18").model
    assert card["pretraining"].startswith("body: stand-in-body (")
    assert "hands, posture" in card["pretraining"]
    assert "trunks pretrained on drawings" in card["description"]
    done = json.loads((tmp_path / "runs/b-dml-resnet18/cat-6-6/seed-0/done.json").read_text())
    assert done["job"]["settings"]["weights"] == "stand-in"
    assert set(done["job"]["weights"]) == {"stand-in-body"}
    of_cage = read_submission_folder(tmp_path / "submissions/cage-little")
    assert of_cage.model["name"] == "CAGE (little, tuned, quick)"
    assert of_cage.model["pretraining"].startswith("body: stand-in-body (48 drawn figures")
    of_frozen = read_submission_folder(tmp_path / "submissions/frozen-resnet18")
    assert of_frozen.references.keys() == {"cat-6-6", "lev-7-3-valence"}
    names = {run["file"] for runs in of_frozen.references.values() for run in runs}
    assert names == {"shared.safetensors"} and of_frozen.model["base"] == "none"
    assert "nothing is trained" in of_frozen.model["description"]
    assert "epoch" not in of_frozen.model["description"]


def test_what_does_not_go_together(tmp_path, run):
    tiny.prepared()
    arguments = ("train", "b-dml", "--task", "cat-6-6", "--data", tiny.stand_in(), "--size", 32)
    result = run(*arguments, "--weights", "stand-in", "--weights", "none", status=2)
    assert "--weights none or stand-in does not go with other weights" in result.output
    result = run(*arguments, "--weights", f"stand-in={tmp_path}", status=2)
    assert "there is no pretrained body-resnet18.safetensors" in result.output
    result = run("reproduce", tiny.stand_in(), "--weights", "stand-in", status=2)
    assert "--weights stand-in is for --synthetic" in result.output
