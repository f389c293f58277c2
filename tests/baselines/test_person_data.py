"""Pictures reach the network as they should, and nothing of a novel person does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")

from oneshot_emotic_baselines.data import (  # noqa: E402
    PersonBatches,
    base_split,
    network_inputs,
    normalised,
    random_changes,
)

from oneshot_emotic.draws import draw_supports  # noqa: E402
from oneshot_emotic.errors import InputError  # noqa: E402

CPU = torch.device("cpu")


def test_batches_are_the_persons_asked_for():
    data, persons = tiny.data(), tiny.task().base.sample_ids[:20]
    branches = ("image", "body", "semantic")
    batches = PersonBatches(data, persons, branches, CPU)
    held = PersonBatches(data, persons, branches, CPU, resident=True)
    assert not batches.resident and held.resident
    places = [np.array([3, 3, 19]), np.array([0])]
    for chosen, one, two in zip(places, batches.batches(places), held.batches(places), strict=True):
        assert list(one) == list(branches)
        for row, place in enumerate(chosen):
            image = data.image_row[persons[place]]
            body = data.body_row[persons[place]]
            assert np.array_equal(one["image"][row].numpy(), data.images[image])
            assert np.array_equal(one["body"][row].numpy(), data.bodies[body])
            assert np.array_equal(one["semantic"][row].numpy(), data.semantic[image])
        assert all(torch.equal(one[name], two[name]) for name in branches)


def test_semantic_vectors_are_the_known_truth():
    data = tiny.data()
    lines = (tiny.stand_in() / "sem2vec.csv").read_text().splitlines()[1:]
    truth = {
        name: set(map(int, indices.split())) for name, indices in (x.split(",") for x in lines)
    }
    for row, image_id in enumerate(data.image_ids):
        assert set(np.flatnonzero(data.semantic[row]).tolist()) == truth[image_id]


def test_augmentation_against_a_loop():
    """Mirrored, then moved by whole pixels with the edge repeated; nothing else."""
    pixels = torch.randint(0, 256, (6, 12, 12, 3), dtype=torch.uint8)
    changes = random_changes(6, 12, 0.5, 0.25, torch.Generator().manual_seed(4))
    flip, shift = changes
    assert flip.any() and not flip.all() and shift.abs().max() == 3
    result = network_inputs({"image": pixels, "body": pixels}, changes)
    for place, name in enumerate(("image", "body")):
        for person in range(6):
            down, right = shift[person, place].tolist()
            padded = np.pad(pixels[person].numpy(), ((3, 3), (3, 3), (0, 0)), mode="edge")
            if flip[person]:
                padded = padded[:, ::-1]
            moved = padded[3 - down : 15 - down, 3 - right : 15 - right]
            expected = normalised(torch.from_numpy(moved.copy())[None])[0]
            assert torch.equal(result[name][person], expected)


def test_no_change_without_augmentation():
    pixels = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    still = random_changes(2, 8, 0.0, 0.0, torch.Generator().manual_seed(0))
    one, two = network_inputs({"body": pixels}), network_inputs({"body": pixels}, still)
    assert torch.equal(one["body"], two["body"])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = (pixels.numpy() / 255 - mean) / std
    assert np.allclose(one["body"].permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
    assert one["body"].is_contiguous(memory_format=torch.channels_last)


def test_persons_that_are_not_prepared(tmp_path):
    with pytest.raises(InputError, match="1 persons of the task are not among the prepared"):
        PersonBatches(tiny.data(), ("train/x/y.jpg#0",), ("body",), CPU)
    without = replace(tiny.data(), semantic=None)
    with pytest.raises(InputError, match="needs a Sem2Vec table"):
        PersonBatches(without, tiny.task().base.sample_ids, ("semantic",), CPU)


@pytest.mark.parametrize("name", ["cat-6-6", "lev-6-4-valence"])
def test_episodes_are_drawn_as_ever(name):
    """From held-out base persons, as for the committed rows: a stream for each class by name."""
    split = base_split(tiny.task(name))
    assert split.subset([0]).hold_out(0.4, 0, 9)[1] is None
    kept, episodes = split.hold_out(0.4, 0, 9)
    rows = zip(split.sample_ids, split.persons.labels, strict=True)
    order = [row for row in rows if row[0] not in kept.sample_ids]
    counts = Counter(label for _, label in order)
    assert list(episodes.classes) == [x for x in split.classes if counts[x] >= 2]
    persons = [sample_id for sample_id, label in order if counts[label] >= 2]
    assert list(episodes.novel.sample_ids) == persons
    for place, label in enumerate(episodes.classes):
        members = [sample_id for sample_id, other in order if other == label]
        drawn = draw_supports(f"{name}/validation", label, len(members), 9)
        for draw in range(9):
            wanted = [members[number] for number in drawn[draw]]
            found = [x for x in episodes.support[draw, :, place] if x >= 0]
            assert [persons[number] for number in found] == wanted
