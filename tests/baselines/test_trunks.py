"""What frozen trunks make of the pictures: computed once, kept, never taken for another's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import trunks  # noqa: E402
from oneshot_emotic_baselines.data import PersonBatches, network_inputs  # noqa: E402
from oneshot_emotic_baselines.model import build_network  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402

CPU = torch.device("cpu")
SETTINGS = Settings("ib-dml", "cat-6-6", trunk_lr=0.0, precision="float32")


@pytest.fixture
def data(tmp_path):
    """The small pictures, as if they lay in a folder of their own."""
    found = tiny.data()
    folder = tmp_path / "prepared-32"
    folder.mkdir()
    (folder / "prepared.json").write_bytes((found.folder / "prepared.json").read_bytes())
    return replace(found, folder=folder)


def network(seed=0):
    torch.manual_seed(seed)
    return build_network(SETTINGS, 6, pretrained=False).eval()


def files_in(data):
    return sorted((data.folder.parent / trunks.FOLDER).iterdir())


def test_the_network_goes_on_from_what_its_trunks_made(data):
    """The same embeddings as of the pictures themselves, person by person."""
    made = network()
    seen = trunks.seen_by_trunks(made, data, SETTINGS, CPU)
    assert seen.images.shape == (len(data.images), 512) and seen.bodies.dtype == np.float32
    people = list(data.body_row)[:12]
    places = [np.arange(12)]
    found = []
    for source in (data, seen):
        (batch,) = PersonBatches(source, people, ("image", "body"), CPU).batches(places)
        with torch.inference_mode():
            found.append(made(network_inputs(batch)).embedding)
    assert torch.allclose(found[0], found[1], atol=1e-5)


def test_they_are_kept_and_another_network_has_its_own(data, monkeypatch):
    first = trunks.seen_by_trunks(network(), data, SETTINGS, CPU)
    assert len(files_in(data)) == 2
    with monkeypatch.context() as patched:
        patched.setattr(trunks, "_outputs", None)  # a call would fail
        again = trunks.seen_by_trunks(network(), data, SETTINGS, CPU)
    assert np.array_equal(first.images, again.images)
    other = trunks.seen_by_trunks(network(1), data, SETTINGS, CPU)
    assert len(files_in(data)) == 4 and not np.array_equal(first.images, other.images)
    (data.folder / "prepared.json").write_text("other pictures")
    trunks.seen_by_trunks(network(), data, SETTINGS, CPU)
    assert len(files_in(data)) == 6


def test_a_damaged_file_is_made_again(data):
    trunks.seen_by_trunks(network(), data, SETTINGS, CPU)
    before = [path.read_bytes() for path in files_in(data)]
    for path in files_in(data):
        path.write_bytes(path.read_bytes()[:-7])
    trunks.seen_by_trunks(network(), data, SETTINGS, CPU)
    assert [path.read_bytes() for path in files_in(data)] == before
