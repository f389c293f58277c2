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


@pytest.mark.parametrize(("workers", "start"), [(0, None), (2, "fork"), (2, "spawn")])
def test_a_loader_gives_every_person_once(data, workers, start):
    context = multiprocessing.get_context(start) if start else None
    loader = DataLoader(data, batch_size=32, num_workers=workers, multiprocessing_context=context)
    batches = list(loader)
    assert [x for batch in batches for x in batch["sample_id"]] == list(tiny.task().base.sample_ids)
    assert torch.cat([batch["body"] for batch in batches]).shape == (len(data), 16, 16, 3)
    assert torch.equal(batches[0]["body"][3], data[3]["body"])
    assert batches[0]["label"].tolist() == [data[place]["label"] for place in range(32)]


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
