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

from oneshot_emotic import (  # noqa: E402
    InputError,
    evaluate,
    evaluate_encoder,
    load_task,
    open_pictures,
)
from oneshot_emotic.encoders.named import _arguments, load_encoder  # noqa: E402
from oneshot_emotic.encoders.network import first_line, weights_digest  # noqa: E402
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
    assert "timm:test_vit@vit, 1-shot" in first
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
    "timm:test_vit@{}/convnext.pth": "convnext.pth: its weights are not of this network: it lacks "
    "cls_token, pos_embed and 76 more; it has besides stem.0.weight, stem.0.bias and ",
    "timm:test_vit@{}/convnext.pth?img_size": "?img_size: model arguments are KEY=VALUE, each key",
    "timm:test_vit@{}/vit.safetensors?img_size=96&img_size=9": "each key once",
    "timm:test_vit@{}/vit.safetensors?size=96": "unexpected keyword argument 'size'",
    "timm:test_vit@{}/vit.safetensors?img_size=96": "of other shapes are pos_embed "
    "(1, 101, 64) for (1, 37, 64). Model arguments may help",
    "timm:test_vit@{}/vit/config.json": "config.json: cannot be loaded",
    "hf:./nothing": "./nothing: there is no such folder",
    "hf:{}": "config.json is missing in {}",
}


@pytest.mark.parametrize(("name", "message"), WRONG.items(), ids=WRONG)
def test_what_cannot_be_loaded(made, name, message):
    with pytest.raises(InputError) as caught:
        load_encoder(name.format(made))
    assert message.format(made) in str(caught.value) and len(str(caught.value)) < 500


@torch.inference_mode()
@pytest.mark.parametrize("key", ["state_dict", "model", None])
def test_a_prefix_of_all_keys_is_taken_off(made, tmp_path, key):
    torch.manual_seed(0)
    network = timm.create_model("test_vit")
    for prefix in ("model.", "module.", "network.", "model._orig_mod."):
        weights = {f"{prefix}{name}": x for name, x in network.state_dict().items()}
        if prefix.startswith("model."):
            weights["criterion.weight"] = torch.ones(3)  # of Lightning's module beside it
        torch.save({key: weights} if key else weights, tmp_path / "a.ckpt")
        found = load_encoder(f"timm:test_vit@{tmp_path}/a.ckpt", device="cpu")
        plain = load_encoder(f"timm:test_vit@{made}/vit.safetensors", device="cpu")
        assert found.identity == plain.identity
    twice = {f"{x}.{name}": value for x in "ab" for name, value in network.state_dict().items()}
    torch.save(twice, tmp_path / "twice.pth")
    with pytest.raises(InputError, match=r"several times, under a\., b\.\. Save one"):
        load_encoder(f"timm:test_vit@{tmp_path}/twice.pth")


@torch.inference_mode()
def test_model_arguments(tmp_path, rng):
    model = timm.create_model("test_vit", img_size=96, class_token=False, global_pool="avg")
    torch.save(model.state_dict(), tmp_path / "own.pth")
    name = f"timm:test_vit@{tmp_path}/own.pth?img_size=96&class_token=false&global_pool=avg"
    found = load_encoder(name, device="cpu", view="image")
    picture = Image.fromarray(rng.integers(0, 256, (120, 150, 3), dtype=np.uint8))
    config = timm.data.resolve_data_config({"img_size": 96}, model=model)
    pixels = timm.data.create_transform(**config)(picture)
    model.reset_classifier(0)
    expected = unit(model.eval()(pixels[None])[0].numpy())
    np.testing.assert_allclose(found.embed([picture], [picture])[0], expected, atol=2e-5)
    arguments = "?img_size=96&class_token=false&global_pool=avg"
    assert found.card["name"] == f"timm:test_vit@own{arguments}"
    assert json.loads(found.identity)["name"] == f"timm:test_vit{arguments}"
    given = "a=1&b=-0.5&c=true&d=false&e=NaN&f=[1]&g=1_0"
    values = [1, -0.5, True, False, "NaN", "[1]", "1_0"]
    assert _arguments(given) == dict(zip("abcdefg", values, strict=True))


def test_files_of_weights_give_different_names(made, tmp_path):
    for stem in ("A", "B", "C" * 100):
        (tmp_path / f"{stem}.safetensors").write_bytes((made / "vit.safetensors").read_bytes())
        card = load_encoder(f"timm:test_vit@{tmp_path}/{stem}.safetensors").card
        assert card["name"] == f"timm:test_vit@{stem}"[:80]


def test_a_folder_without_a_processor(made, tmp_path):
    transformers.ViTModel.from_pretrained(made / "vit").save_pretrained(tmp_path)
    with pytest.raises(InputError) as caught:
        load_encoder(f"hf:{tmp_path}")
    remedy = "AutoImageProcessor.from_pretrained(NAME).save_pretrained(FOLDER)"
    assert str(caught.value) == (
        f"preprocessor_config.json is missing in {tmp_path}. Put it there: {remedy}"
    )


def test_a_folder_that_is_not_there_nor_on_the_hub(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError) as caught:
        load_encoder("hf:nosuch")
    text = str(caught.value)
    assert text.startswith("hf:nosuch: there is no such folder, and it could not be fetched: ")
    assert len(text) < 450 and (text.endswith((" ...", "file")))


def test_a_long_message_is_cut_between_words():
    error = ValueError("several words " * 40 + "\nmore")
    assert first_line(error).endswith(("words ...", "several ...")) and len(first_line(error)) > 280


def test_torch_vectors_of_ones_own_are_taken_as_evaluate_takes_them(small_copy, tmp_path):
    root, dataset = small_copy

    class Own:
        def embed(self, images, bodies):
            found = torch.tensor([[*body.size, 1.0] for body in bodies])
            return self.of(found)

    encoder = Own()
    for of in (lambda x: x.requires_grad_(), lambda x: x.bfloat16(), lambda x: x.double()):
        encoder.of = of
        scores = evaluate_encoder(encoder, root, dataset=dataset, tasks=["cat-6-6"], shots=1)
        task, pictures = load_task("cat-6-6", dataset), open_pictures(root)
        plain = {x: of(torch.tensor([*pictures[x].body.size, 1.0])) for x in task.novel.sample_ids}
        assert scores.to_dict() == evaluate(plain, task).to_dict()


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
