"""The list of frozen encoders: as timm builds and describes them."""

from __future__ import annotations

import pytest

from oneshot_emotic.encoders.known import KNOWN


@pytest.fixture(scope="module", params=KNOWN, ids=lambda x: x.title)
def known(request):
    return request.param


def test_it_is_as_timm_builds_it(known):
    """Counted on tensors without values, of a network as `run` makes it."""
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    name = known.name.removeprefix("timm:")
    if name not in timm.list_pretrained():
        pytest.skip(f"timm {timm.__version__} does not know it")
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=0)
    config = timm.data.resolve_model_data_config(network)
    assert sum(x.numel() for x in network.parameters()) == known.parameters
    assert config["input_size"] == (3, known.size, known.size)
    pictures = torch.empty(2, *config["input_size"], device="meta")
    assert network(pictures).shape == (2, known.dimensions)


def test_its_licence_is_that_of_timms_description(known):
    timm = pytest.importorskip("timm")
    name = known.name.removeprefix("timm:")
    if name not in timm.list_pretrained():
        pytest.skip(f"timm {timm.__version__} does not know it")
    stated = timm.get_pretrained_cfg(name).license.replace("-", " ")
    assert stated in known.licence.lower().replace("-", " ")


def test_networks_taught_with_texts_say_so():
    """Those of CLIP and SigLIP, and no others."""
    for known in KNOWN:
        assert known.words == ("clip" in known.name or "siglip" in known.name)
        assert known.seen_unseen_names == ("yes" if known.words else "no")
