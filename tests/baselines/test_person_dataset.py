"""`PersonDataset` in torch's own loaders, and with torchvision's transforms of several things."""

from __future__ import annotations

import multiprocessing

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
import tiny  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from oneshot_emotic import PersonDataset, open_pictures  # noqa: E402


def to_tensor(image):
    """As a loader's worker needs it: a function of a module."""
    return torch.from_numpy(np.asarray(image.resize((16, 16))).copy())


@pytest.fixture(scope="module")
def data():
    return PersonDataset(tiny.task().base, open_pictures(tiny.stand_in()), to_tensor)


CUT = v2.CenterCrop(24)
WORKERS = pytest.mark.parametrize(
    ("workers", "start"), [(0, None), (2, "fork"), (2, "spawn")], ids=["none", "fork", "spawn"]
)


@WORKERS
def test_a_loader_gives_every_person_once(data, workers, start):
    context = multiprocessing.get_context(start) if start else None
    loader = DataLoader(data, batch_size=32, num_workers=workers, multiprocessing_context=context)
    batches = list(loader)
    assert [x for batch in batches for x in batch["sample_id"]] == list(tiny.task().base.sample_ids)
    assert torch.cat([batch["body"] for batch in batches]).shape == (len(data), 16, 16, 3)
    assert torch.equal(batches[0]["body"][3], data[3]["body"])
    assert batches[0]["label"].tolist() == [data[place]["label"] for place in range(32)]


@WORKERS
def test_prepared_pictures_in_a_loader(workers, start, monkeypatch):
    tiny.prepared()
    pictures = open_pictures(tiny.stand_in(), size=tiny.SIZE)
    monkeypatch.setattr("oneshot_emotic.pictures.open_image", None)  # but for spawn: no decoding
    data = PersonDataset(tiny.task().base, pictures, np.array)
    context = multiprocessing.get_context(start) if start else None
    loader = DataLoader(data, batch_size=32, num_workers=workers, multiprocessing_context=context)
    bodies = torch.cat([batch["body"] for batch in loader])
    rows = [pictures._prepared.body_row[name] for name in tiny.task().base.sample_ids]
    assert np.array_equal(bodies, pictures._prepared.bodies[rows])


def test_image_and_box_are_mirrored_together(data):
    base = tiny.task().base
    plain = PersonDataset(base, open_pictures(tiny.stand_in()))
    mirrored = PersonDataset(
        base, open_pictures(tiny.stand_in()), joint_transform=v2.RandomHorizontalFlip(p=1.0)
    )
    one, other = plain[5], mirrored[5]
    assert np.array_equal(np.asarray(one["image"])[:, ::-1], np.asarray(other["image"]))
    assert np.array_equal(np.asarray(one["body"])[:, ::-1], np.asarray(other["body"]))
    x1, y1, x2, y2 = other["box"][0].tolist()
    crop = np.asarray(other["image"])[int(y1) : int(y2), int(x1) : int(x2)]
    assert np.array_equal(crop, np.asarray(other["body"]))


class Shift:
    """A joint transform of one's own."""

    def __call__(self, views):
        assert views["box"] == tuple(map(int, views["box"]))  # no tensor, whatever is imported
        return views


def test_a_box_is_torchvision_s_only_for_its_transforms():
    base, pictures = tiny.task().base, open_pictures(tiny.stand_in())
    item = PersonDataset(base, pictures, joint_transform=Shift())[5]
    assert item["box"] == pictures[item["sample_id"]].box


def test_a_cut_moves_the_box_and_leaves_the_body():
    base, pictures = tiny.task().base, open_pictures(tiny.stand_in())
    cut = v2.CenterCrop(200)
    plain = PersonDataset(base, pictures)[5]
    moved = PersonDataset(base, pictures, views=("image",), joint_transform=cut)[5]
    x1, y1, x2, y2 = moved["box"][0].tolist()
    left, top = ((side - 200) // 2 for side in plain["image"].size)
    x3, y3, x4, y4 = pictures[moved["sample_id"]].box
    assert (x1, y1) == (max(x3 - left, 0), max(y3 - top, 0))
    assert (x2, y2) == (min(x4 - left, 200), min(y4 - top, 200))
    both = PersonDataset(base, pictures, joint_transform=v2.RandomCrop(24))
    with pytest.raises(ValueError, match="Found multiple HxW dimensions"):
        both[5]
    # Squares: the body gets the same cut as the image; it is not the box of the image that is left.
    squares = PersonDataset(base, open_pictures(tiny.stand_in(), size=32))[5]["body"]
    one = PersonDataset(base, open_pictures(tiny.stand_in(), size=32), joint_transform=CUT)[5]
    assert np.array_equal(one["body"], np.asarray(squares)[4:28, 4:28])
