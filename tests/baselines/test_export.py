"""A checkpoint goes out as a plain folder and comes back the same, or not at all."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

import yaml  # noqa: E402
from oneshot_emotic_baselines.checkpoint import load_checkpoint, write_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402
from safetensors import safe_open  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, small):
    folder = tmp_path_factory.mktemp("run")
    return train(tiny.settings("b-dml"), base_split(tiny.task()), tiny.data(), folder).checkpoint


@pytest.fixture
def folder(checkpoint, tmp_path, run):
    run("export", checkpoint, "-o", tmp_path / "out")
    return tmp_path / "out"


def test_what_is_exported(checkpoint, folder):
    """The same bytes of tensors, and JSON and a card that need no library of ours to read."""
    names = ["README.md", "checkpoint.safetensors", "config.json"]
    assert sorted(tiny.files_of(folder)) == names
    assert (folder / names[1]).read_bytes() == checkpoint.read_bytes()
    with safe_open(folder / names[1], framework="np") as file:
        assert "network.embedder.weight" in file.keys()  # noqa: SIM118
        assert not any(name.startswith("optimiser") for name in file.keys())  # noqa: SIM118
    config = json.loads((folder / names[2]).read_text())
    assert config["settings"]["recipe"] == "b-dml" and len(config["classes"]) == 6
    assert config["model"]["name"] == "B-DML" and config["size"] == tiny.SIZE
    _, front, text = (folder / names[0]).read_text().split("---\n", 2)
    front = yaml.safe_load(front)
    assert front["library_name"] == "oneshot-emotic" and "license" not in front
    assert "# B-DML on cat-6-6" in text and config["dataset"]["fingerprint"] in text


def test_a_strangers_words_are_text_on_the_card(checkpoint, tmp_path, run):
    """They are in a checkpoint whose digest is right."""
    content = load_checkpoint(checkpoint)
    words = "</x>\n# head\n---\nlicense: mit\n[a](javascript:alert(1)) <script>"
    hostile = {"classes": [words, "b"], "pretraining": {"body": words}}
    hostile |= {"dataset": {**content["dataset"], "name": words}}
    write_checkpoint(tmp_path / "a.safetensors", content | hostile)
    run("export", tmp_path / "a.safetensors", "-o", tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text()
    assert "<script" not in text and "\n# head" not in text and "\nlicense" not in text
    assert "[a](" not in text


def test_it_embeds_as_the_checkpoint_does(checkpoint, folder, tmp_path, run):
    data = ("--data", tiny.stand_in(), "--dataset", tiny.dataset())
    found = []
    for number, place in enumerate((checkpoint, folder)):
        run("embed", place, *data, "-o", tmp_path / str(number))
        found.append((tmp_path / str(number) / "cat-6-6.safetensors").read_bytes())
    assert found[0] == found[1]


def changed(folder, name, function):
    (folder / name).write_bytes(function((folder / name).read_bytes()))


def with_digest(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda x: (x / "config.json").unlink(), "holds no config.json"),
        (lambda x: (x / "checkpoint.safetensors").unlink(), "holds no checkpoint.safetensors"),
        (lambda x: changed(x, "config.json", lambda _: b"{"), "config.json cannot be used"),
        (lambda x: changed(x, "config.json", lambda _: b"[" * 9999), "config.json cannot be used"),
        (lambda x: changed(x, "config.json", lambda _: b"[]"), "config.json cannot be used"),
        (lambda x: changed(x, "config.json", lambda y: y + b" " * (1 << 20)), "more than the 1,0"),
        (lambda x: with_digest(x, sha256="0" * 64), "is not the file that config.json names"),
        (lambda x: with_digest(x, format="x/9"), "is not the file that config.json names"),
        (
            lambda x: changed(x, "checkpoint.safetensors", lambda y: y[:-1] + b"x"),
            "is not the file that config.json names",
        ),
    ],
)
def test_what_is_not_as_it_was_written(folder, run, tmp_path, damage, message):
    damage(folder)
    data = ("--data", tiny.stand_in(), "--dataset", tiny.dataset(), "-o", tmp_path)
    output = run("embed", folder, *data, status=2).output
    assert message in output and output.count("\n") == 1


def test_a_pickle_in_its_place_is_not_read(folder, run, tmp_path):
    """Whoever makes the folder can make its digest right; still nothing in it is run."""
    import hashlib

    class Calls:
        def __reduce__(self):
            return print, ("owned",)

    torch.save({"network": Calls()}, folder / "checkpoint.safetensors")
    digest = hashlib.sha256((folder / "checkpoint.safetensors").read_bytes()).hexdigest()
    with_digest(folder, sha256=digest)
    data = ("--data", tiny.stand_in(), "--dataset", tiny.dataset(), "-o", tmp_path)
    output = run("embed", folder, *data, status=2).output
    assert "is not a checkpoint of this version, or is damaged" in output and "owned" not in output


def test_what_cannot_be_exported(checkpoint, tmp_path, run):
    assert "give -o DIR, --upload" in run("export", checkpoint, status=2).output
    shutil.copy(checkpoint, tmp_path / "a.safetensors")
    changed(tmp_path, "a.safetensors", lambda x: x[:100])
    result = run("export", tmp_path / "a.safetensors", "-o", tmp_path / "b", status=2)
    assert "is not a checkpoint" in result.output and not (tmp_path / "b").exists()
    for name in ("x", "../x", "a/b/c", "a/b@v1"):
        result = run("export", checkpoint, "--upload", name, status=2)
        assert f"a repository is OWNER/NAME, not {name!r}" in result.output
    data = ("--data", tiny.stand_in(), "-o", tmp_path)
    for name in ("hf:x", "hf:../x", "hf:a/b@../c"):
        assert "hf:OWNER/NAME[@REVISION]" in run("embed", name, *data, status=2).output
