"""Encoders of one's own, features kept, and what is refused; no torch needed."""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
import time

import numpy as np
import pytest
from conftest import REPOSITORY
from made import python
from PIL import Image

from oneshot_emotic import InputError, evaluate, evaluate_encoder, load_task, open_pictures
from oneshot_emotic.encoders.features import read_features
from oneshot_emotic.processes import available_processors
from oneshot_emotic.submission.embeddings_file import read_embeddings_file


class Small:
    """Few pixels of the body and the image, told apart by its name."""

    batch_size = 24

    def __init__(self, identity="small 1", fails_at=None):
        self.identity, self.fails_at, self.persons, self.calls = identity, fails_at, 0, 0

    def embed(self, images, bodies):
        if self.calls == self.fails_at:
            raise RuntimeError("power cut")
        assert len(images) == len(bodies) <= 24
        self.calls, self.persons = self.calls + 1, self.persons + len(images)
        return np.stack([vector(*pair) for pair in zip(images, bodies, strict=True)])


def vector(image, body):
    return np.r_[np.ravel(image.resize((2, 2))), np.ravel(body.resize((2, 4)))].astype(float)


def scored(encoder, small_copy, folder, **options):
    root, dataset = small_copy
    return evaluate_encoder(
        encoder, root, dataset=dataset, tasks=["cat-6-6"], features=folder, shots=1, **options
    )


def test_scores_are_those_of_a_plain_loop_and_are_made_once(small_copy, tmp_path):
    root, dataset = small_copy
    task, pictures = load_task("cat-6-6", dataset), open_pictures(root)
    plain = {x: vector(pictures[x].image, pictures[x].body) for x in task.novel.sample_ids}
    first, told = Small(), []
    scores = scored(first, small_copy, tmp_path, progress=lambda *counts: told.append(counts))
    assert scores.to_dict() == evaluate(plain, task).to_dict()
    assert first.persons == len(pictures) and told[-1] == (160, 160)
    again = Small()
    assert scored(again, small_copy, tmp_path).to_dict() == scores.to_dict() and not again.calls
    other = Small("small 2")  # other weights
    scored(other, small_copy, tmp_path)
    assert other.persons == len(pictures) and len(list(tmp_path.iterdir())) == 2


def test_a_run_that_failed_goes_on(small_copy, tmp_path):
    scored(Small(), small_copy, tmp_path / "whole")
    failing = Small(fails_at=4)
    with pytest.raises(RuntimeError, match="power cut"):
        scored(failing, small_copy, tmp_path / "cut")
    rest = Small()
    scored(rest, small_copy, tmp_path / "cut")
    assert failing.persons == 64 + 24 and rest.persons == 160 - 64  # the first part is kept
    (whole,), (cut,) = ((tmp_path / x).iterdir() for x in ("whole", "cut"))
    for name in ("features.npy", "features.json"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes()
    assert sorted(x.name for x in cut.iterdir()) == ["features.json", "features.npy"]
    assert isinstance(read_features(cut).array, np.memmap)


MODULE = """
import os, signal
import numpy as np
class Make:
    identity, card = "made", {"name": "Made", "modalities": ["body"]}
    def embed(self, images, bodies):
        with open("calls", "a") as calls:
            print(len(bodies), file=calls)
        if os.path.getsize("calls") == int(os.environ.get("KILL_AT", 0)):
            os.kill(os.getpid(), signal.SIGKILL)
        return np.stack([np.ravel(body.resize((3, 3))) for body in bodies])
"""


def test_the_command_killed_and_gone_on(small_copy, tmp_path, monkeypatch):
    root, dataset = small_copy
    (tmp_path / "made_here.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    command = ["-m", "oneshot_emotic", "run", "made_here:Make", "--data", root]
    command += ["--task", "cat-6-6", "--dataset", dataset, "--features", "kept"]
    command += ["-o", "out.safetensors", "--json", "scores.json"]

    def run(status):
        return python(*command, cwd=tmp_path, status=status).stdout

    monkeypatch.setenv("KILL_AT", "6")  # in the second part
    run(-9)
    monkeypatch.delenv("KILL_AT")
    assert "Made, 5-shot" in run(0)
    assert (tmp_path / "calls").read_text().split() == ["64", "64", "64", "32"]
    scores = (tmp_path / "scores.json").read_text()
    run(0)
    assert (tmp_path / "calls").read_text().split() == ["64", "64", "64", "32"]
    assert (tmp_path / "scores.json").read_text() == scores
    file = read_embeddings_file(tmp_path / "out.safetensors")
    task = load_task("cat-6-6", dataset)
    found = evaluate(file.embeddings, task, (1, 5)).to_dict()["tasks"]["cat-6-6"]
    assert found == json.loads(scores)["tasks"]["cat-6-6"] and file.model["name"] == "Made"


def test_without_an_identity_nothing_is_kept(small_copy, tmp_path):
    for _ in range(2):
        encoder = Small()
        del encoder.identity
        scored(encoder, small_copy, tmp_path)
        assert encoder.persons == 160 and not list(tmp_path.iterdir())


def test_the_example_of_the_document_gives_unit_vectors():
    page = (REPOSITORY / "docs/models.md").read_text()
    names = {}
    exec(next(x for x in re.findall(r"```python\n(.*?)```", page, re.S) if "MyEncoder" in x), names)
    bodies = [Image.new("RGB", (30, 50), colour) for colour in ("black", "red")]
    found = names["MyEncoder"]().embed(bodies, bodies)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)


class Transforming(Small):
    """`Small` in two steps: the resizing beside the reading."""

    def __init__(self, view="both"):
        super().__init__(f"transforming {view}")
        self.view, self.transformed = view, []

    def transform(self, picture):
        assert threading.current_thread() is not threading.main_thread()
        self.transformed.append(picture.size)
        return np.ravel(picture.resize((2, 2))), np.ravel(picture.resize((2, 4)))

    def embed(self, images, bodies):
        self.images = images
        if self.view == "body":
            return np.stack([small for _, small in bodies])
        assert len({id(x) for x in images}) < len(images)  # shared by the persons of an image
        pairs = zip(images, bodies, strict=True)
        return np.stack([np.r_[image[0], body[1]].astype(float) for image, body in pairs])


def test_a_transform_is_applied_beside_the_reading(small_copy, tmp_path):
    plain = scored(Small(), small_copy, tmp_path).to_dict()
    encoder = Transforming()
    assert scored(encoder, small_copy, tmp_path).to_dict() == plain
    pictures = open_pictures(small_copy[0])
    images = {name.split("#")[0] for name in pictures}
    # An image once, but where a batch of 24 ends between its persons.
    assert (
        len(pictures) + len(images) <= len(encoder.transformed) <= len(pictures) + 1.1 * len(images)
    )


def test_the_view_that_is_not_looked_at_is_not_transformed(small_copy, tmp_path):
    encoder = Transforming("body")
    scored(encoder, small_copy, tmp_path)
    bodies = [picture.body.size for picture in open_pictures(small_copy[0]).values()]
    assert sorted(encoder.transformed) == sorted(bodies)
    assert all(isinstance(image, Image.Image) for image in encoder.images)


def test_reading_keeps_to_a_batch_or_so_ahead(small_copy, tmp_path):
    class Counting(Transforming):
        most = embedded = 0

        def embed(self, images, bodies):
            time.sleep(0.1)  # let the readers run as far as they would
            self.embedded += len(bodies)
            self.most = max(self.most, len(self.transformed) / 2 - self.embedded)
            return super().embed(images, bodies)

    encoder = Counting()
    scored(encoder, small_copy, tmp_path)
    assert encoder.most <= 1.5 * max(24, 2 * available_processors())


WRONG = {
    "an array of the shape (24,), not (persons, dimensions)": lambda n: np.zeros(n),
    "an array of the shape (24, 0), not (persons, dimensions)": lambda n: np.zeros((n, 0)),
    "23 rows for 24 persons": lambda n: np.zeros((n - 1, 4)),
    "NaN or infinite values for 1 of 24 persons": lambda n: [[1.0]] * (n - 1) + [[np.nan]],
    "NaN or infinite values for 24 of 24 persons": lambda n: [[1e39]] * n,
    "no array: ": lambda n: [[1.0]] * (n - 1) + [[1.0, 2.0]],
    "no array": lambda n: {"vectors": 1},
    "no array: Cannot cast array data from dtype('complex128')": lambda n: np.ones((n, 4)) * 1j,
    "5 dimensions, after 3 before": lambda n: np.ones((n, 3 if n == 24 else 5)),
}


@pytest.mark.parametrize(("message", "make"), WRONG.items(), ids=WRONG)
def test_wrong_vectors_are_refused(small_copy, tmp_path, message, make):
    encoder = Small()
    encoder.embed = lambda images, bodies: make(len(bodies))
    with pytest.raises(InputError) as caught:
        scored(encoder, small_copy, tmp_path)
    assert f"the encoder gave {message}" in str(caught.value)


def test_wrong_vectors_late_leave_what_was_kept(small_copy, tmp_path):
    class Late(Small):
        def embed(self, images, bodies):
            good = super().embed(images, bodies)
            return good if self.persons <= 100 else good * np.nan

    with pytest.raises(InputError, match="NaN"):
        scored(Late(), small_copy, tmp_path)
    rest = Small()
    scored(rest, small_copy, tmp_path)
    assert rest.persons == 160 - 64


def test_the_card_is_kept_or_refused_before_any_work(small_copy, tmp_path):
    encoder = Small()
    encoder.card = {"name": "Mine", "parameters": np.int64(3)}
    with pytest.raises(InputError, match="the encoder's card is no JSON"):
        scored(encoder, small_copy, tmp_path)
    assert not encoder.calls
    encoder.card = {"name": "Mine"}
    scored(encoder, small_copy, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert read_features(folder).card == {"name": "Mine"}
    document = json.loads((folder / "features.json").read_text())
    del document["card"]  # as it was before cards were kept
    (folder / "features.json").write_text(json.dumps(document))
    scored(encoder, small_copy, tmp_path)
    assert read_features(folder).card == {} and encoder.persons == 160


def test_pictures_missing(small_copy, tmp_path):
    root, dataset = small_copy
    shutil.copytree(root, tmp_path / "root")
    kept = tmp_path / "kept"
    scored(Small(), small_copy, kept)
    people = open_pictures(root)
    first = next(iter(people))
    next((tmp_path / "root").rglob(first.split("/")[-1].split("#")[0])).unlink()
    encoder = Small()
    scored(encoder, (tmp_path / "root", dataset), kept)
    assert encoder.persons == 160  # other pictures, other features
    grey = [read_features(folder).without_picture for folder in kept.iterdir()]
    image = first.split("#")[0]
    assert sorted(grey) == [(), tuple(sorted(x for x in people if x.startswith(f"{image}#")))]
    for path in (tmp_path / "root").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(InputError, match="holds no image of these annotations"):
        scored(Small(), (tmp_path / "root", dataset), kept)
    with pytest.raises(InputError, match="persons not in these annotations"):
        evaluate_encoder(Small(), root, features=kept)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("card", card) for card in (None, ["name"], "name", {"parameters": "many"})],
        *[("batch_size", size) for size in ("x", 2.5, None)],
        ("identity", "half \ud800"),
    ],
)
def test_what_an_encoder_says_of_itself_is_checked_first(small_copy, tmp_path, field, value):
    encoder = Small()
    setattr(encoder, field, value)
    with pytest.raises(InputError, match=f"the encoder's {field} is no"):
        scored(encoder, small_copy, tmp_path)
    assert not encoder.calls and not list(tmp_path.iterdir())


def in_document(**fields):
    def damage(document, array):
        new = {key: change(document[key]) for key, change in fields.items()}
        return json.dumps({**document, **new}).encode(), array

    return damage


DAMAGED = {
    "cut": lambda document, array: (json.dumps(document).encode(), array[:-8]),
    "empty": lambda document, array: (json.dumps(document).encode(), b""),
    "a value": lambda document, array: (json.dumps(document).encode(), array[:-1] + b"?"),
    "deep": lambda document, array: (b"[" * 100_000, array),
    "doubled": in_document(sample_ids=lambda ids: [ids[0], *ids[:-1]]),
    "lists": in_document(sample_ids=lambda ids: [[x] for x in ids]),
    "numbers": in_document(sample_ids=lambda ids: list(range(len(ids)))),
    "strange grey": in_document(without_picture=lambda ids: [["x"]]),
    "card a list": in_document(card=lambda card: ["name"]),
    "card a text": in_document(card=lambda card: "name"),
    "card null": in_document(card=lambda card: None),
    "parameters": in_document(card=lambda card: {"parameters": "many"}),
}


@pytest.fixture(scope="module")
def kept(small_copy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    scored(Small(), small_copy, folder)
    (document,), (array,) = (folder.rglob(f"features.{x}") for x in ("json", "npy"))
    return json.loads(document.read_text()), array.read_bytes()


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_damaged_features(kept, tmp_path, damage):
    document, array = damage(*kept)
    (tmp_path / "features.json").write_bytes(document)
    (tmp_path / "features.npy").write_bytes(array)
    with pytest.raises(InputError, match=r"is damaged: .*Remove it and run again"):
        read_features(tmp_path)


def test_rows_of_other_persons_and_a_folder_without_a_digest(small_copy, tmp_path):
    scores = scored(Small(), small_copy, tmp_path)
    (document,) = tmp_path.rglob("features.json")
    content = json.loads(document.read_text())
    del content["sha256"]  # as it was before there was one
    document.write_text(json.dumps(content))
    assert scored(Small(), small_copy, tmp_path).to_dict() == scores.to_dict()
    document.write_text(json.dumps({**content, "sample_ids": content["sample_ids"][::-1]}))
    with pytest.raises(InputError, match="its sample_ids are not those of the pictures"):
        scored(Small(), small_copy, tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet50", "there is no such encoder"),
        ("timm:", "there is no such encoder"),
        ("nothing_here:make", "there is no module nothing_here"),
        ("json:nothing", "json has no callable nothing"),
        ("collections:OrderedDict", "a OrderedDict is no encoder"),
        ("timm:test_vit", "pip install 'oneshot-emotic[encoders]'"),
        ("hf:google/siglip2", "pip install 'oneshot-emotic[encoders]'"),
        ("hog-colour", "pip install 'oneshot-emotic[encoders]'"),
    ],
)
def test_names_that_are_no_encoders(small_copy, run, monkeypatch, name, message):
    for library in ("timm", "transformers", "torch", "skimage"):
        monkeypatch.setitem(sys.modules, library, None)
    root, dataset = small_copy
    found = run("run", name, "--data", root, "--dataset", dataset, status=2).output
    assert message in found and "Traceback" not in found


def test_wrong_arguments(small_copy, tmp_path):
    for options, message in (
        ({"view": "head"}, "a view is both, body, image, not 'head'"),
        ({"shots": 9}, "shots must be from 1 to 5"),
        ({"tasks": ["cat-7"]}, "cat-7"),
        ({"tasks": ["cat-6-6", "cat-6-6"]}, "task cat-6-6 comes more than once"),
    ):
        with pytest.raises(InputError, match=message):
            evaluate_encoder(
                Small(), small_copy[0], dataset=small_copy[1], features=tmp_path, **options
            )
    with pytest.raises(InputError, match="this one chooses for itself"):
        scored("json:loads", small_copy, tmp_path, view="body")
