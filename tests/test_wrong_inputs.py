"""Wrong inputs, each with the words that its user needs to find."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oneshot_emotic import combine, evaluate, load_task, write_submission
from oneshot_emotic.errors import InputError

VECTORS = np.arange(8.0)


@pytest.fixture(scope="module")
def given(task):
    """What the wrong calls are made of."""
    ids = list(task.novel.sample_ids)
    return {"task": task, "ids": ids, "array": np.ones((len(ids), 4)), "n": len(ids)}


def changed(given, value):
    """The embeddings with a value in the place of one vector."""
    vectors: dict[str, object] = dict.fromkeys(given["ids"], VECTORS)
    return {**vectors, given["ids"][0]: value}


def with_value(given, value):
    array = given["array"].copy()
    array[1, 2] = value
    return given["ids"], array


#: A call in Python and what its message must say.
CALLS = {
    "a task's name": (
        lambda g: evaluate((g["ids"], g["array"]), "cat-6-6"),
        "'cat-6-6' is a task's name, not a task. Give load_task('cat-6-6')",
    ),
    "arguments swapped": (
        lambda g: evaluate(g["task"], (g["ids"], g["array"])),
        "the task stands where the embeddings belong. Give embeddings, then task",
    ),
    "array before ids": (
        lambda g: evaluate((g["array"], g["ids"]), g["task"]),
        "the tuple is (array, sample_ids). Give (sample_ids, array)",
    ),
    "an array alone": (
        lambda g: evaluate(g["array"], g["task"]),
        "embeddings are a ndarray. Give a mapping from sample_id to vector",
    ),
    "numbers for ids": (
        lambda g: evaluate((list(range(g["n"])), g["array"]), g["task"]),
        "sample_ids not of text, such as",
    ),
    "vectors of shape (1, d)": (
        lambda g: evaluate(dict.fromkeys(g["ids"], VECTORS[None]), g["task"]),
        "the shape (1, 8), not (dimensions,), in 793 embeddings",
    ),
    "pictures of one size": (
        lambda g: evaluate((g["ids"], np.ones((g["n"], 3, 2, 2))), g["task"]),
        "the array has the shape (793, 3, 2, 2), not (793 sample_ids, dimensions). Give one vector",
    ),
    "pictures of many sizes": (
        lambda g: evaluate(
            (g["ids"], [np.ones((3, 2 + n % 7, 2)) for n in range(g["n"])]), g["task"]
        ),
        "the shapes (3, 2, 2), (3, 3, 2), (3, 4, 2) and 4 more, not (dimensions,), in 793 embedd",
    ),
    "ragged vectors in a tuple": (
        lambda g: evaluate((g["ids"], (np.ones(3), *[VECTORS] * (g["n"] - 1))), g["task"]),
        "3 dimensions, not 8 like most, in 1 embedding",
    ),
    "one vector longer": (
        lambda g: evaluate(changed(g, np.ones(9)), g["task"]),
        "9 dimensions, not 8 like most, in 1 embedding",
    ),
    "text for a vector": (
        lambda g: evaluate(changed(g, "zero"), g["task"]),
        "no list of numbers in 1 embedding",
    ),
    "a person missing": (
        lambda g: evaluate((g["ids"][1:], g["array"][1:]), g["task"]),
        "no embedding for 1 of the 793 novel persons of cat-6-6, such as",
    ),
    "a person twice": (
        lambda g: evaluate((g["ids"] + g["ids"][:1], np.ones((g["n"] + 1, 4))), g["task"]),
        "1 sample_id given more than once, such as",
    ),
    "base persons": (
        lambda g: evaluate(
            ([*g["ids"], g["task"].base.sample_ids[0]], np.ones((g["n"] + 1, 4))), g["task"]
        ),
        "1 sample_id of nobody novel in cat-6-6 (1 of base persons)",
    ),
    "NaN": (
        lambda g: evaluate(with_value(g, np.nan), g["task"]),
        "NaN values in 1 embedding",
    ),
    "infinity": (
        lambda g: evaluate(with_value(g, np.inf), g["task"]),
        "infinite values in 1 embedding",
    ),
    "beyond float32": (
        lambda g: evaluate(with_value(g, 1e200), g["task"]),
        "values beyond the range of float32",
    ),
    "complex numbers": (
        lambda g: evaluate((g["ids"], g["array"] * 1j), g["task"]),
        "of type complex128, not real numbers",
    ),
    "an array with too few rows": (
        lambda g: evaluate((g["ids"], g["array"][1:]), g["task"]),
        "the array has the shape",
    ),
    "no dimensions": (
        lambda g: evaluate((g["ids"], g["array"][:, :0]), g["task"]),
        "the embeddings have no dimensions",
    ),
    "six shots": (
        lambda g: evaluate((g["ids"], g["array"]), g["task"], 6),
        "shots must be from 1 to 5, not 6",
    ),
    "half a shot": (
        lambda g: evaluate((g["ids"], g["array"]), g["task"], 0.5),
        "shots must be from 1 to 5, not 0.5",
    ),
    "shots that were not computed": (
        lambda g: evaluate((g["ids"], g["array"]), g["task"], 1)[5],
        "no figures at 5 shots, only at 1",
    ),
    "weights for other parts": (
        lambda g: combine([(g["ids"], g["array"])] * 2, [1]),
        "1 weight for 2 parts. Give one each, in the order of the parts",
    ),
    "a weight of nothing": (
        lambda g: combine([(g["ids"], g["array"])] * 2, [1, 0]),
        "weights are from 1e-09 to 1e+09, not 1, 0",
    ),
    "parts of other persons": (
        lambda g: combine([(g["ids"], g["array"]), (g["ids"][1:], g["array"][1:])]),
        "part 2: is of other persons than part 1: 1 person in one of them alone, such as",
    ),
    "an unknown task": (lambda g: load_task("cat-66"), "Did you mean 'cat-6-6'?"),
    "no data set": (
        lambda g: load_task("cat-6-6", None),
        "a data set is a name, a folder or a repository, not None. Leave it out for the synthetic",
    ),
    "a data set that is not there": (
        lambda g: load_task("cat-6-6", "no/such/folder"),
        "no/such/folder: there is no such folder",
    ),
    "an unknown suffix": (
        lambda g: write_submission("x.pkl", (g["ids"], g["array"]), g["task"]),
        "x.pkl: its name ends in none of .json, .json.gz, .npz, .safetensors, .parquet",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_in_python(name, given):
    call, words = CALLS[name]
    with pytest.raises((InputError, KeyError)) as caught:
        call(given)
    assert words in str(caught.value)


@pytest.fixture(scope="module")
def folder(given, tmp_path_factory):
    """Files that are wrong, beside two that are right."""
    folder = tmp_path_factory.mktemp("wrong")
    task, other = given["task"], load_task("cat-6-4")
    write_submission(folder / "a.npz", (given["ids"], given["array"]), task, model={"name": "A"})
    array = np.ones((len(other.novel), 4))
    write_submission(folder / "b.npz", (other.novel.sample_ids, array), other, model={"name": "B"})
    write_submission(folder / "a.json", (given["ids"], given["array"]), task)
    document = json.loads((folder / "a.json").read_text())
    dataset = document["dataset"]
    for name, change in {
        "splits": {"dataset": {**dataset, "fingerprint": "0" * 64}},
        "task": {"task": "cat-66"},
        "field": {"modle": {}},
        "outside": {"embeddings": {"file": "../a.npz", "sha256": "0" * 64}},
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(document | change))
    texts = {
        "bare.json": json.dumps(document["embeddings"]),
        "cut.json": '{"format": ',
        "twice.json": '{"format": 1, "format": 2}',
        "nan.json": '{"a": NaN}',
        "notes.txt": "notes",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "latin.json").write_bytes(b'{"format": "\xe9"}')
    (folder / "cut.npz").write_bytes((folder / "a.npz").read_bytes()[:500])
    objects = np.array(["a", None], dtype=object)
    np.savez(folder / "objects.npz", ids=objects, embeddings=np.ones((2, 2)))
    for name in ("empty", "checkout/submissions", "stand-in"):
        (folder / name).mkdir(parents=True)
    (folder / "stand-in/SYNTHETIC.json").write_text("{}")
    return folder


#: A command line and what its message must say.
COMMANDS = {
    "score missing.json": "missing.json: there is no such file",
    "score notes.txt": "notes.txt: its name ends in none of .json,",
    "score bare.json": "Write it with oneshot_emotic.write_submission(path, embeddings, task)",
    "score cut.json": "cut.json: is not JSON: Input data was truncated",
    "score latin.json": "latin.json: is not JSON in UTF-8",
    "score twice.json": "twice.json: 1 key comes more than once, such as format",
    "score nan.json": "nan.json: is not JSON: holds 1 NaN or Infinity, the first for a",
    "score cut.npz": "cut.npz: is not a valid .npz file",
    "score objects.npz": "objects.npz: `ids` holds Python objects (a pickle), which are never read",
    "score empty": "empty: holds no files of embeddings. Their names end in",
    "score splits.json": "with the fingerprint 000000000000..., but 'synthetic' (argmax) here has",
    "score task.json": "task.json: task: 'cat-66' is not one of",
    "score field.json": "field.json: Additional properties are not allowed ('modle'",
    "score outside.json": "outside.json: embeddings.file: '../a.npz' does not match",
    "score a.npz --task cat-6-4": "a.npz: is for the task 'cat-6-6', not 'cat-6-4'",
    "score a.npz --shots 6": "6 is not in the range 1<=x<=5",
    "score a.npz --json a.npz": "a.npz: is read by this command too. Give another file to write",
    "score a.npz --dataset nowhere": "the data set 'nowhere' is not here. With a copy,",
    "score stand-in": "stand-in: is a stand-in that `synth` made, and holds no embeddings",
    "compare a.npz": "two submissions are compared, not 1",
    "compare a.npz b.npz a.json": "not 3. Put the files of each, its tasks and runs, into a folder",
    "compare a.npz b.npz": "no task in common: cat-6-6 and cat-6-4",
    "combine a.npz": "two or more are combined, not 1",
    "combine" + 9 * " a.npz": "at most 8 submissions are combined, not 9",
    "combine a.npz b.npz": "no task in common: A has cat-6-6; B has cat-6-4",
    "combine a.npz a.npz": "a.npz: holds the same embeddings as A. Give it once, with its weight",
    "combine a.npz b.npz --weight 2": "1 weight for 2 parts. Give one each, in the order of the",
    "combine a.npz b.npz --weight 2 --weight nan": "weights are from 1e-09 to 1e+09, not 2.0, nan",
    "combine a.npz gone.npz --weight 1 --weight 1e10": "are from 1e-09 to 1e+09, not 1.0, 10000",
    "combine a.npz gone.npz --weight 1e-320 --weight 1": "are from 1e-09 to 1e+09, not 1e-320, 1.0",
    "combine a.npz b.npz --weight 1 --weight 1e9 --task cat-6-6": "b.npz: is for the task 'cat-6",
    "combine a.npz notes.txt": "notes.txt: its name ends in none of .json,",
    "combine a.npz splits.json": "with the fingerprint 000000000000..., but 'synthetic' (argmax)",
    "combine a.npz b.npz -o out --submit A --root checkout": "-o and --submit do not go together",
    "combine a.npz b.npz --licence MIT": "a model card, --slug and --replace go with --submit",
    "ids cat-66": "Did you mean 'cat-6-6'?",
    "tasks --dataset empty": "empty: there is no manifest.json: this is not a dataset folder",
    "submit a.npz --root checkout": "the model card must say 'seen_unseen_names'",
    "submit a.npz b.npz --root checkout": "the files are of several models: A, B",
    "submit a.npz --root checkout --slug ../x": "not '../x'. Give another --slug",
    "submit a.npz --root nowhere": "nowhere/submissions: there is no such folder",
    "check-submission empty": "empty/submission.json: there is no such file",
    "leaderboard empty": "empty/submissions: there is no such folder. Run the command in a check",
    "leaderboard checkout": "checkout/leaderboard/reported.json: there is no such file",
    "build empty -o out": "empty: no Annotations.mat found in it or in 6 levels of folders below",
    "build nowhere -o out": "nowhere: there is no such folder. Give the folder that EMOTIC was",
    "synth a.npz": "a.npz: is not a folder. Give another output folder",
    "synth new --persons -3": "persons: must be from 1 to 1,000,000, not -3",
    "skore a.npz": "No such command 'skore'. Did you mean 'score'?",
    "submit a.npz --seen-test-images maybe": "'maybe' is not one of 'yes', 'no'.",
    "run m:f --data stand-in --licence MIT": "a model card, --slug and --replace go with --submit",
    "run m:f --data stand-in -o out": "out: its name ends in none of .json,",
    "run timm:x --data stand-in --submit A --root checkout": "must say 'seen_unseen_names'",
    "run timm:x --data stand-in --submit A": "submissions: there is no such folder",
}


@pytest.mark.parametrize("line", COMMANDS)
def test_on_the_command_line(line, folder, run, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    output = run(*line.split(), status=2).output
    assert COMMANDS[line] in output.replace("\n", " ")
    assert "Traceback" not in output
    assert sorted(folder.rglob("*")) == before
