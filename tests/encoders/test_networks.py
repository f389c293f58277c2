"""timm's and transformers' networks from files made here, against plain loops."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")
from safetensors.torch import save_file  # noqa: E402

from oneshot_emotic import InputError, evaluate, load_task, open_pictures  # noqa: E402
from oneshot_emotic.encoders.named import load_encoder  # noqa: E402
from oneshot_emotic.encoders.network import weights_digest  # noqa: E402
from oneshot_emotic.processes import available_processors  # noqa: E402
from oneshot_emotic.submission.embeddings_file import read_embeddings_file  # noqa: E402

VISION = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}
TEXT = {key: VISION[key] for key in list(VISION)[:4]} | {
    "vocab_size": 100,
    "bos_token_id": 98,
    "eos_token_id": 99,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Small networks, saved as their users save them."""
    folder = tmp_path_factory.mktemp("networks")
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit").state_dict(), folder / "vit.safetensors")
    torch.save(timm.create_model("test_convnext").state_dict(), folder / "convnext.pth")
    side = {"height": 32, "width": 32}
    t = transformers
    clip = t.CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=16)
    siglip = t.SiglipConfig(vision_config=VISION, text_config=TEXT)
    clip_processor = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=side)
    for name, network, processor in (
        ("vit", t.ViTModel(t.ViTConfig(**VISION)), t.ViTImageProcessor(size=side)),
        (
            "unpooled",
            t.ViTForImageClassification(t.ViTConfig(**VISION)),
            t.ViTImageProcessor(size=side),
        ),
        ("clip", t.CLIPModel(clip), clip_processor),
        ("siglip", t.SiglipModel(siglip), t.SiglipImageProcessor(size=side)),
    ):
        network.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    return folder


def timm_vectors(name, file):
    """As timm's own documentation does it."""
    weights = torch.load(file) if file.suffix == ".pth" else None
    model = timm.create_model(name)
    if weights is None:
        timm.models.load_checkpoint(model, str(file))
    else:
        model.load_state_dict(weights)
    model.reset_classifier(0)
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=model))
    return lambda picture: model.eval()(transform(picture)[None])[0]


def hf_vectors(folder):
    """As transformers' documentation does it, for each kind of network."""
    kind = {"clip": transformers.CLIPModel, "siglip": transformers.SiglipModel}
    model = kind.get(folder.name, transformers.ViTModel).from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)

    def vector(picture):
        pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
        if folder.name == "clip":
            return model.visual_projection(model.vision_model(pixels).pooler_output)[0]
        if folder.name == "siglip":
            return model.vision_model(pixels).pooler_output[0]
        found = model(pixels)
        # Weights without a pooler would get a random one.
        return (
            found.pooler_output[0] if folder.name == "vit" else found.last_hidden_state[0].mean(0)
        )

    return vector


ALL = {
    "timm:test_vit@{}/vit.safetensors": lambda x: timm_vectors("test_vit", x / "vit.safetensors"),
    "timm:test_convnext@{}/convnext.pth": lambda x: timm_vectors(
        "test_convnext", x / "convnext.pth"
    ),
    **{f"hf:{{}}/{n}": lambda x, n=n: hf_vectors(x / n) for n in ("vit", "unpooled", "clip")},
    "hf:{}/siglip": lambda x: hf_vectors(x / "siglip"),
}


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("view", ["both", "body", "image"])
@pytest.mark.parametrize(("name", "plain"), ALL.items(), ids=[x.replace("{}/", "") for x in ALL])
@torch.inference_mode()
def test_vectors_are_those_of_a_plain_loop(made, name, plain, view, rng):
    pixels = rng.integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
    images = [Image.fromarray(x) for x in pixels]
    images.append(images[0])  # two persons in an image
    boxes = [(3, 4, 30, 44), (0, 0, 1, 1), (0, 0, 64, 48), (10, 10, 60, 13)]
    bodies = [image.crop(box) for image, box in zip(images, boxes, strict=True)]
    found = load_encoder(name.format(made), view=view, device="cpu").embed(images, bodies)
    vector = plain(made)
    for row, body, image in zip(found, bodies, images, strict=True):
        parts = {"body": [body], "image": [image], "both": [body, image]}[view]
        expected = unit(np.concatenate([unit(vector(part).numpy()) for part in parts]))
        np.testing.assert_allclose(row, expected, atol=2e-5)


@torch.inference_mode()
def test_from_a_file_of_weights_to_figures_and_files(small_copy, made, run, tmp_path, monkeypatch):
    root, dataset = small_copy
    name = f"timm:test_vit@{made}/vit.safetensors"
    command = ["run", name, "--data", root, "--dataset", dataset, "--task", "cat-6-6"]
    command += ["--view", "body", "--features", tmp_path / "kept", "-o", tmp_path / "out.npz"]
    first = run(*command, "--json", tmp_path / "scores.json").output
    assert "timm:test_vit, 1-shot" in first
    task, pictures = load_task("cat-6-6", dataset), open_pictures(root)
    vector = timm_vectors("test_vit", made / "vit.safetensors")
    plain = {x: unit(vector(pictures[x].body).numpy()) for x in task.novel.sample_ids}
    file = read_embeddings_file(tmp_path / "out.npz")
    names, array = file.embeddings
    np.testing.assert_allclose(array, [plain[x] for x in names], atol=2e-5)
    assert file.model["modalities"] == ["body"] and file.model["base"] == "none"
    scores = json.loads((tmp_path / "scores.json").read_text())
    mean = scores["tasks"]["cat-6-6"]["1"]["balanced_accuracy"]["mean"]
    assert mean == pytest.approx(evaluate(plain, task)[1].balanced_accuracy.mean, abs=0.01)

    def forward(self, pixels):
        raise AssertionError("a forward pass")

    monkeypatch.setattr(timm.models.VisionTransformer, "forward", forward)
    assert run(*command).output.split("out:")[0] in first


THREADS = """
import sys, torch
from oneshot_emotic.encoders.features import make_features
from oneshot_emotic import open_pictures
from pathlib import Path
class Own:
    threads = set()
    def transform(self, picture):
        self.threads.add(torch.get_num_threads())
        return picture.size
    def embed(self, images, bodies):
        return torch.full((len(images), 1), torch.get_num_threads())
found = make_features(Own(), "own", open_pictures(sys.argv[1]), Path(sys.argv[2]))
assert Own.threads == {1} and set(found.array.ravel().tolist()) == {float(sys.argv[3])}
"""


def test_a_thread_a_picture_and_all_of_them_for_the_encoder(small_copy, tmp_path):
    threads = str(min(2, available_processors()))
    command = [sys.executable, "-c", THREADS, small_copy[0], tmp_path, threads]
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(command, check=True, env=environment)


def test_identity_changes_with_all_that_changes_vectors(made, tmp_path):
    file = made / "vit.safetensors"
    identity = load_encoder(f"timm:test_vit@{file}").identity
    (tmp_path / "moved.safetensors").write_bytes(file.read_bytes())
    assert load_encoder(f"timm:test_vit@{tmp_path}/moved.safetensors").identity == identity
    assert load_encoder(f"timm:test_vit@{file}", batch_size=2).identity == identity
    assert load_encoder(f"timm:test_vit@{file}", view="body").identity != identity
    network = timm.create_model("test_vit")
    timm.models.load_checkpoint(network, str(file))
    digest = weights_digest(network)
    with torch.no_grad():
        network.norm.bias[3] += 1e-6
    assert weights_digest(network) != digest
    save_file(network.state_dict(), tmp_path / "other.safetensors")
    assert load_encoder(f"timm:test_vit@{tmp_path}/other.safetensors").identity != identity


WRONG = {
    "timm:test_vt": "Near ones: test_vit",
    "timm:test_vit.nothing": "There are test_vit.r160_in1k",
    "timm:test_vit@nowhere.bin": "nowhere.bin: there is no such file of weights",
    "timm:test_vit@{}/convnext.pth": "convnext.pth: its weights are not of this network",
    "timm:test_vit@{}/vit/config.json": "config.json: cannot be loaded",
    "hf:./nothing": "./nothing: there is no such folder",
    "hf:{}": "cannot be loaded: OSError",
}


@pytest.mark.parametrize(("name", "message"), WRONG.items(), ids=WRONG)
def test_what_cannot_be_loaded(made, name, message):
    with pytest.raises(InputError) as caught:
        load_encoder(name.format(made))
    assert message in str(caught.value) and len(str(caught.value)) < 500


def test_weights_that_lack_some_of_the_network(made, tmp_path):
    network = transformers.ViTModel.from_pretrained(made / "vit")
    weights = network.state_dict()
    del weights["layernorm.bias"]
    network.save_pretrained(tmp_path, state_dict=weights)
    for path in (made / "vit").glob("preprocessor*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"lacks weights of its network: layernorm\.bias"):
        load_encoder(f"hf:{tmp_path}")


def test_a_device_that_is_not_there(made):
    with pytest.raises(InputError, match="no device 'abacus'"):
        load_encoder(f"timm:test_vit@{made}/vit.safetensors", device="abacus")
