"""Numbers that cannot be scored are refused wherever embeddings are read, by person."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from made import SAID
from safetensors.numpy import save_file

from oneshot_emotic import InputError, evaluate, write_submission
from oneshot_emotic.scoring.embeddings import embeddings_digest

LARGEST = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]  # of float32


@pytest.fixture
def vectors(task, rng):
    return rng.normal(size=(len(task.novel), 4))


def header(task):
    dataset = {"name": "synthetic", "fingerprint": task.dataset.fingerprint}
    return {"format": "oneshot-emotic/1", "task": task.name, "dataset": dataset}


def write_file(path, task, array):
    """By hand: the package's own writer refuses such values."""
    ids = list(task.novel.sample_ids)
    text = json.dumps(header(task))
    if path.suffix == ".json":
        rows = dict(zip(ids, array.tolist(), strict=True))
        path.write_text(json.dumps({**header(task), "embeddings": rows}))
    elif path.suffix == ".npz":
        np.savez(path, ids=np.array(ids), embeddings=array, header=np.array(text))
    else:
        metadata = {"header": json.dumps({**header(task), "ids": ids})}
        save_file({"embeddings": array}, path, metadata=metadata)
    return path


@pytest.mark.parametrize("value", [1e39, -1e39, 1e165, 1e200, np.nextafter(LARGEST, np.inf)])
class TestHugeNumbers:
    def test_evaluate(self, task, vectors, value):
        """One vector of 1e200 made every distance infinite, and every score chance."""
        ids = task.novel.sample_ids
        vectors[7, 2] = value
        with pytest.raises(
            InputError, match=r"values beyond the range of float32, .* in 1 embedding:"
        ) as e:
            evaluate((ids, vectors), task)
        assert ids[7] in str(e.value) and len(e.value.problems) == 1

    def test_write_submission(self, task, vectors, value, tmp_path):
        vectors[7, 2] = value
        for dtype in ("float32", "float64"):
            with pytest.raises(InputError, match=r"beyond the range of float32, 3\.4e\+38"):
                write_submission(
                    tmp_path / "a.npz", (task.novel.sample_ids, vectors), task, dtype=dtype
                )
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("suffix", [".json", ".npz", ".safetensors"])
    def test_files(self, task, vectors, value, suffix, tmp_path, run):
        vectors[[3, 7], 2] = value
        file = write_file(tmp_path / f"a{suffix}", task, vectors)
        (tmp_path / "submissions").mkdir()
        submit = ("submit", "--root", tmp_path, "--name", "A", *SAID)
        for command in (("score",), ("check-submission",), submit):
            output = run(*command, file, status=2).output
            assert "values beyond the range of float32" in output
            assert task.novel.sample_ids[3] in output and task.novel.sample_ids[7] in output
        assert list((tmp_path / "submissions").iterdir()) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_float32_is_scored(task, dtype):
    """Where classes are told apart by the largest numbers there are."""
    vectors = np.where(np.eye(6)[task.novel_labels] == 1, LARGEST, -LARGEST).astype(dtype)
    scores = evaluate((task.novel.sample_ids, vectors), task, intervals=False)
    assert scores[1].balanced_accuracy.mean == 1.0


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize(
    ("value", "dtype", "taken"),
    [
        (2**53, np.int64, True),
        (-(2**53), np.int64, True),
        (2**53 + 1, np.int64, False),
        (2**53 + 2, np.int64, False),
        (-(2**53) - 1, np.int64, False),
        (-(2**63), np.int64, False),
        (2**53, np.uint64, True),
        (2**53 + 1, np.uint64, False),
        (2**64 - 1, np.uint64, False),
    ],
)
def test_integers_beyond_2_53(task, tmp_path, run, suffix, value, dtype, taken):
    """As in JSON: not every program would read the same number."""
    ids = task.novel.sample_ids
    array = np.ones((len(ids), 2), dtype)
    array[5, 1] = value
    file = write_file(tmp_path / f"a{suffix}", task, array)
    output = run("check-submission", file, status=0 if taken else 2).output
    assert ("integers beyond 2^53" in output and ids[5] in output) != taken
    if not taken:
        with pytest.raises(InputError, match=r"integers beyond 2\^53"):
            evaluate((ids, array), task)


def test_everything_wrong_with_numbers_at_once(task, vectors):
    ids = task.novel.sample_ids
    vectors[0, 0], vectors[1, 1], vectors[2, 2], vectors[3] = np.nan, -np.inf, 1e300, np.nan
    vectors[3, 0] = 1e300
    with pytest.raises(InputError) as error:
        evaluate((ids, vectors), task)
    texts = [str(problem) for problem in error.value.problems]
    assert len(texts) == 3
    assert f"NaN values in 2 embeddings: {ids[0]}, {ids[3]}" in texts[0]
    assert f"infinite values in 1 embedding: {ids[1]}" in texts[1]
    assert f"values beyond the range of float32, 3.4e+38 in 2 embeddings: {ids[2]}" in texts[2]


def test_digest_by_the_book(task):
    """The docstring followed word for word."""
    import hashlib

    for dtype, code in ((np.float32, "<f"), (np.float64, "<d")):
        array = (np.arange(2.0 * len(task.novel)) / 3).reshape(-1, 2).astype(dtype)
        ids = ",".join(f'"{name}"' for name in task.novel.sample_ids)
        text = f'["oneshot-emotic-embeddings/2","cat-6-6",[{ids}],{len(task.novel)},2]'
        values = b"".join(struct.pack(code, x) for row in array.tolist() for x in row)
        expected = hashlib.blake2b(text.encode() + values, digest_size=32).hexdigest()
        assert embeddings_digest(array, task) == expected


@pytest.mark.parametrize("ids, vectors", [(["a"], np.array(1.0)), (np.array("a"), np.ones((1, 2)))])
def test_an_array_without_dimensions(task, ids, vectors):
    """It has `__iter__` and cannot be gone through."""
    with pytest.raises(InputError):
        evaluate((ids, vectors), task)


def test_a_file_of_an_array_without_dimensions(task, tmp_path, run):
    path = tmp_path / "a.npz"
    np.savez(path, ids=np.array(task.novel.sample_ids), embeddings=np.array(1.0))
    named = ("--task", task.name, "--dataset", "synthetic")
    assert "shape ()" in run("score", path, *named, status=2).output


class TestWhatIsGiven:
    """Other ways of giving the same, and what is said of those that cannot be meant."""

    def check(self, message, *arguments, **options):
        with pytest.raises(InputError, match=message) as error:
            evaluate(*arguments, **options)
        assert len(str(error.value)) < 400

    def test_a_pandas_table(self, task, vectors, tmp_path):
        import pandas as pd

        ids = list(task.novel.sample_ids)
        expected = evaluate((ids, vectors), task, intervals=False)
        table = pd.DataFrame(vectors, index=ids).sample(frac=1, random_state=1)
        assert evaluate(table, task, intervals=False).to_dict() == expected.to_dict()
        write_submission(tmp_path / "a.npz", table, task, dtype="float64")
        write_submission(tmp_path / "b.npz", (ids, vectors), task, dtype="float64")
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
        self.check(
            f"{len(ids)} sample_ids not of text, such as 0, 1, 2 and .* Index a table by samp",
            table.reset_index(),
            task,
        )

    def test_vectors_in_a_batch_of_one(self, task, vectors):
        ids = task.novel.sample_ids
        batches = dict(zip(ids, vectors[:, None], strict=True))
        self.check(
            r"the shape \(1, 4\), not \(dimensions,\), in 793 embeddings: .*vector\[0\]",
            batches,
            task,
        )
        self.check(r"the array has the shape \(793, 1, 4\)", (ids, vectors[:, None]), task)
        one = dict(zip(ids, vectors.tolist(), strict=True)) | {ids[3]: [[[1.0]], [[2.0]]]}
        self.check(rf"the shape \(2, 1, 1\), .* in 1 embedding: {ids[3]}.*one vector", one, task)

    def test_a_tuple_the_wrong_way_round(self, task, vectors):
        ids = task.novel.sample_ids
        for array in (vectors, vectors.tolist()):
            self.check(r"the tuple is \(array, sample_ids\)", (array, ids), task)
            self.check(r"the tuple is \(array, sample_ids\)", (array, np.array(ids)), task)

    @pytest.mark.parametrize(
        "given", [None, 3, "a", [1], (None, None), (1, 2), ({1: 2},), np.eye(3)], ids=str
    )
    def test_what_are_no_embeddings(self, task, given):
        self.check("embeddings are a .* Give a mapping", given, task)

    def test_ids_that_are_no_text(self, task, vectors):
        self.check("sample_ids not of text", (vectors, vectors), task)
        self.check("1 sample_id not of text, such as b'a'", {b"a": [1.0]}, task)

    def test_a_name_or_nothing_in_place_of_the_task(self, task, vectors, tmp_path):
        given = (task.novel.sample_ids, vectors)
        for call in (evaluate, lambda *x: write_submission(tmp_path / "a.npz", *x)):
            for arguments, message in (
                ((given, "cat-6-6"), r"'cat-6-6' is a task's name.* Give load_task\('cat-6-6'\)"),
                ((task, given), "the task stands where the embeddings belong"),
                ((given, None), "the task is a NoneType. Give what load_task returns"),
            ):
                with pytest.raises(InputError, match=message):
                    call(*arguments)
        assert list(tmp_path.iterdir()) == []

    def test_one_number_of_shots(self, task, vectors):
        given = (task.novel.sample_ids, vectors)
        expected = evaluate(given, task, (2,), intervals=False).to_dict()
        for shots in (2, np.int64(2), [2], {2}, np.array([2, 2])):
            assert evaluate(given, task, shots, intervals=False).to_dict() == expected
        for shots in (0, 6, "1", 1.5, None, [], [1, "2"], [0, 1]):
            self.check("shots must be from 1 to 5, not ", given, task, shots)

    def test_a_name_in_place_of_the_card(self, task, vectors, tmp_path):
        given = (task.novel.sample_ids, vectors)
        write_submission(tmp_path / "a.npz", given, task, model="My model")
        write_submission(tmp_path / "b.npz", given, task, model={"name": "My model"})
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
        with pytest.raises(InputError, match="model card: a mapping or a name is needed, not"):
            write_submission(tmp_path / "c.npz", given, task, model=["My model"])
