"""Sem2Vec from a segmenter: image by image, from maps of class indices."""

from __future__ import annotations

import shutil
from functools import cache

import numpy as np
import pytest
import tiny
from oneshot_emotic_baselines.sem2vec import find_table, presence_vectors, read_table
from PIL import Image

from oneshot_emotic.ade20k import ADE20K_CLASSES
from oneshot_emotic.errors import InputError


class TestTables:
    """Reading needs no torch."""

    def test_all_problems_at_once(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text("image_id,ade20k_classes\na,0 149\nb,150\nc,-1\na,3\nd\ne,\n")
        with pytest.raises(InputError) as caught:
            read_table(path)
        where = [problem.where.rsplit(":")[-1] for problem in caught.value.problems]
        assert where == ["3", "4", "5", "6"]
        path.write_text("image_id,ade20k_classes\na,0 149\ne,\n")
        assert read_table(path) == {"a": (0, 149), "e": ()}
        with pytest.raises(InputError, match="1 of 2 images are not in the Sem2Vec table"):
            presence_vectors(read_table(path), ["a", "x"])
        for content in (b"", b"x,y\n", b"\xff\xfe"):
            path.write_bytes(content)
            with pytest.raises(InputError, match=r"t\.csv"):
                read_table(path)

    def test_none_or_several(self, tmp_path):
        with pytest.raises(InputError, match=r"has no Sem2Vec table.*oneshot-emotic sem2vec"):
            find_table(tmp_path)
        for name in ("sem2vec-a", "sem2vec-b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "sem2vec.csv").write_text("image_id,ade20k_classes\n")
        with pytest.raises(InputError, match=r"holds 2 Sem2Vec tables.*--sem2vec"):
            find_table(tmp_path)
        assert find_table(tmp_path, tmp_path / "sem2vec-a") == {}


@cache
def few():
    """A stand-in of few and small pictures: enlarging 150 maps of each takes its time."""
    root = tiny.folder() / "few"
    tiny.cli("synth", root, "--persons", 14, "--workers", 1)
    for path in root.rglob("*.jpg"):
        with Image.open(path) as opened:
            opened.reduce(4).save(path)
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny SegFormer with random weights, saved as transformers saves models."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from oneshot_emotic_baselines import segment

    segment.PART = 4
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny-segformer"
    config = transformers.SegformerConfig(
        num_labels=150,
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        decoder_hidden_size=16,
        num_attention_heads=[1, 1, 2, 2],
        id2label=dict(enumerate(ADE20K_CLASSES)),
        label2id={name: index for index, name in enumerate(ADE20K_CLASSES)},
    )
    network = transformers.SegformerForSemanticSegmentation(config)
    # Random weights give one class everywhere; stronger ones give many.
    for weights in network.parameters():
        weights.data.mul_(4).add_(torch.randn_like(weights), alpha=0.2)
    network.save_pretrained(folder)
    transformers.SegformerImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(tmp_path):
    """A copy with pictures but without a table."""
    made = shutil.ignore_patterns("prepared-*", "sem2vec*")
    return shutil.copytree(few(), tmp_path / "copy", ignore=made)


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory):
    """The folder of a run that nothing disturbed."""
    from oneshot_emotic_baselines.segment import segment

    out = tmp_path_factory.mktemp("whole") / "out"
    segment(few(), str(model), out, device="cpu")
    return out


def maps_of(model, names):
    """The class maps of single images, made without any of our code."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

    network = AutoModelForSemanticSegmentation.from_pretrained(model).eval()
    processor = AutoImageProcessor.from_pretrained(model)
    for name in names:
        with Image.open(few() / "emotic" / name) as opened:
            picture = opened.convert("RGB")
        with torch.inference_mode():
            logits = network(**processor(images=picture, return_tensors="pt")).logits
        size = picture.size[::-1]
        logits = torch.nn.functional.interpolate(logits, size=size, mode="bilinear")
        yield logits[0].argmax(dim=0).numpy()


def test_presence_and_areas_of_single_images(whole, model):
    table = read_table(whole / "sem2vec.csv")
    areas = np.load(whole / "areas.npy")
    names = list(table)
    assert len(set(table.values())) > 3  # not one vector for all
    chosen = names[::2]
    for name, found in zip(chosen, maps_of(model, chosen), strict=True):
        assert table[name] == tuple(np.unique(found).tolist())
        counts = np.bincount(found.ravel(), minlength=150)
        assert np.allclose(areas[names.index(name)], counts / found.size, atol=1e-6)


def test_min_area_in_pixels_and_as_a_share(whole, model, tmp_path, run):
    shutil.copytree(whole, tmp_path / "out")
    areas = np.load(whole / "areas.npy")
    sizes = [int(x.split(",")[1]) for x in (whole / "images.csv").read_text().splitlines()[1:]]
    for text, least in (("50", [50 / n for n in sizes]), ("0.1", [0.1] * len(sizes))):
        arguments = ("--model", model, "-o", tmp_path / "out", "--min-area", text)
        run("sem2vec", few(), *arguments)
        table = read_table(tmp_path / "out/sem2vec.csv")
        for row, classes in enumerate(table.values()):
            assert classes == tuple(np.flatnonzero(areas[row] >= least[row] * (1 - 1e-6)).tolist())
    result = run("sem2vec", few(), "--model", model, "--min-area", 0, status=2)
    assert "more than 0" in result.output


def test_kill_9_and_again(whole, model, copy):
    from oneshot_emotic_baselines.segment import segment

    code = (
        "import sys, time, torch\nfrom pathlib import Path\n"
        "from oneshot_emotic_baselines import segment\ntorch.set_num_threads(1)\nsegment.PART = 4\n"
        "segment.segment(Path(sys.argv[1]), sys.argv[2], device='cpu',"
        " progress=lambda done, total: time.sleep(done and 60))"
    )
    folder = copy / "sem2vec-tiny-segformer"
    tiny.kill_when(folder / "parts/0000000.json", "-c", code, copy, model)
    assert {path.name for path in folder.iterdir()} == {"parts"}
    seen = []
    segment(copy, str(model), device="cpu", progress=lambda done, total: seen.append(done))
    assert seen[0] == 4
    assert tiny.files_of(folder) == tiny.files_of(whole)


def test_broken_pictures_have_no_classes_and_are_counted(model, copy, run):
    pictures = sorted(copy.rglob("*.jpg"))
    pictures[3].write_bytes(b"not a picture")
    result = run("sem2vec", copy, "--model", model, "--device", "cpu")
    assert "warning: 1 images are missing or broken" in result.output
    table = find_table(copy)
    name = f"{pictures[3].parent.parent.name}/images/{pictures[3].name}"
    assert [key for key, classes in table.items() if not classes] == [name]


def test_models_that_will_not_do(model, copy, tmp_path, run):
    pytest.importorskip("torch")
    from oneshot_emotic_baselines.segment import check_classes

    with pytest.raises(InputError, match="has 19 classes"):
        check_classes("city", dict.fromkeys(range(19), "road"))
    shuffled = dict(enumerate(reversed(ADE20K_CLASSES)))
    with pytest.raises(InputError, match="in ADE20K's order: 0 is 'flag', not 'wall'"):
        check_classes("other", shuffled)
    check_classes("nameless", {place: f"LABEL_{place}" for place in range(150)})
    (tmp_path / "empty").mkdir()
    result = run("sem2vec", copy, "--model", tmp_path / "empty", status=2)
    assert "could not be loaded" in result.output
    run("sem2vec", copy, "--model", model, "-o", tmp_path / "out", "--device", "cpu")
    shutil.copytree(model, tmp_path / "other")
    result = run("sem2vec", copy, "--model", tmp_path / "other", "-o", tmp_path / "out", status=2)
    assert "is of another model" in result.output
