"""The file formats: all carry the same, damaged ones are refused with one message."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from oneshot_emotic import evaluate, write_submission
from oneshot_emotic.errors import InputError
from oneshot_emotic.submission.embeddings_file import SUFFIXES, read_embeddings_file

MODEL = {"name": "A model", "modalities": ["body"]}


@pytest.fixture
def vectors(task, rng):
    return rng.normal(size=(len(task.novel), 6)).astype(np.float32)


def write(path, task, array, **options):
    write_submission(path, (task.novel.sample_ids, array), task, MODEL, **options)
    return path


def header(task, /, **changes):
    content = {
        "format": "oneshot-emotic/1",
        "task": task.name,
        "dataset": {"name": "synthetic", "fingerprint": task.dataset.fingerprint},
        "model": MODEL,
    }
    return {**content, **changes}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_format_gives_the_same_bytes_of_scores(task, vectors, tmp_path, run, dtype):
    outputs = set()
    for suffix in SUFFIXES:
        path = write(tmp_path / f"p{suffix}", task, vectors, dtype=dtype)
        run("score", path, "--json", tmp_path / "s.json")
        outputs.add((tmp_path / "s.json").read_bytes())
    assert len(outputs) == 1
    name = json.loads(outputs.pop())["submission"]["name"]
    assert name == "A model"


def test_written_again_the_bytes_are_the_same(task, vectors, tmp_path):
    for suffix in SUFFIXES:
        first = write(tmp_path / f"a{suffix}", task, vectors).read_bytes()
        for _ in range(3):
            assert write(tmp_path / f"b{suffix}", task, vectors).read_bytes() == first


def test_hand_written_files(task, vectors, tmp_path):
    """Files as a user would write them without this package."""
    ids = list(task.novel.sample_ids)
    text = json.dumps(header(task))
    array = vectors.astype(np.float64)
    document = {**header(task), "embeddings": dict(zip(ids, array.tolist(), strict=True))}
    (tmp_path / "a.json").write_text(json.dumps(document))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    np.savez(tmp_path / "a.npz", ids=np.array(ids), embeddings=vectors, header=np.array(text))
    save_file(
        {"embeddings": vectors},
        tmp_path / "a.safetensors",
        metadata={"header": json.dumps({**header(task), "ids": ids})},
    )
    table = pa.table({"sample_id": ids, "embedding": list(vectors)})
    pq.write_table(table.replace_schema_metadata({"header": text}), tmp_path / "a.parquet")
    expected = evaluate((ids, vectors), task).digest
    for suffix in SUFFIXES:
        predictions = read_embeddings_file(tmp_path / f"a{suffix}")
        assert predictions.tasks == ("cat-6-6",)
        assert predictions.model == MODEL
        assert evaluate(predictions.embeddings, task).digest == expected


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".parquet"])
def test_without_a_header_task_and_data_set_are_asked_for(task, vectors, tmp_path, run, suffix):
    ids = list(task.novel.sample_ids)
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, ids=np.array(ids), embeddings=vectors)
    elif suffix == ".parquet":
        pq.write_table(pa.table({"sample_id": ids, "embedding": list(vectors)}), path)
    else:
        save_file({"embeddings": vectors}, path, metadata={"header": json.dumps({"ids": ids})})
    result = run("score", path, status=2)
    assert "names no task" in result.output and "names no data set" in result.output
    assert "balanced" in run("score", path, "--task", "cat-6-6", "--dataset", "synthetic").output


def test_bfloat16(task, tmp_path, run):
    """As torch stores it: the upper half of each float32."""
    ids = list(task.novel.sample_ids)
    values = np.random.default_rng(3).integers(-100, 100, (len(ids), 4)) / 8  # exact in bfloat16
    halves = values.astype("<f4").view("<u4") >> 16
    inner = json.dumps({**header(task), "ids": ids})
    size = halves.size * 2
    tensor = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [0, size]}
    text = json.dumps({"__metadata__": {"header": inner}, "embeddings": tensor}).encode()
    content = struct.pack("<Q", len(text)) + text + halves.astype("<u2").tobytes()
    (tmp_path / "a.safetensors").write_bytes(content)
    found = read_embeddings_file(tmp_path / "a.safetensors").embeddings
    assert evaluate(found, task).digest == evaluate((ids, values), task).digest


class TestReference:
    @pytest.fixture
    def made(self, task, vectors, tmp_path):
        path = write(tmp_path / "e.safetensors", task, vectors)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()

        def document(**changes):
            reference = {"file": "e.safetensors", "sha256": digest, **changes}
            file = tmp_path / "preds.json"
            file.write_text(json.dumps({**header(task), "embeddings": reference}))
            return file

        return document

    def test_beside(self, made, task, vectors):
        found = read_embeddings_file(made()).embeddings
        expected = evaluate((task.novel.sample_ids, vectors), task)
        assert evaluate(found, task).digest == expected.digest

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"sha256": "0" * 64}, "has the SHA-256"),
            ({"file": "other.npz"}, "there is no such file"),
            ({"file": "link.safetensors"}, "is a link"),
            *(
                ({"file": name}, "embeddings")
                for name in ("../e.safetensors", "/etc/passwd.npz", "a/e.safetensors", "e",
                             ".e.safetensors", "e.json", "e.parquet")
            ),
        ],
    )  # fmt: skip
    def test_refused(self, made, tmp_path, changes, message):
        (tmp_path / "link.safetensors").symlink_to(tmp_path / "e.safetensors")
        with pytest.raises(InputError, match=message):
            read_embeddings_file(made(**changes))

    def test_for_another_task(self, made, tmp_path):
        file = made()
        content = json.loads(file.read_text())
        file.write_text(json.dumps({**content, "task": "cat-6-4"}))
        with pytest.raises(InputError, match="says it is for the task 'cat-6-6'"):
            read_embeddings_file(file)


class TestMetadata:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"format": "oneshot-emotic/2"}, "format: 'oneshot-emotic/1' was expected"),
            ({"task": "cat-9-9"}, "task: 'cat-9-9' is not one of"),
            ({"dataset": {"name": "synthetic"}}, "'fingerprint' is a required property"),
            ({"dataset": {"name": "synthetic", "fingerprint": "abc"}}, "dataset.fingerprint"),
            ({"model": {"name": ""}}, "model.name"),
            ({"model": {"colour": "red"}}, "'colour' was unexpected"),
            ({"model": {"modalities": ["smell"]}}, "model.modalities.0"),
            ({"extra": 1}, "'extra' was unexpected"),
        ],
    )
    @pytest.mark.parametrize("suffix", [".json", ".npz"])
    def test_against_the_schema(self, task, vectors, tmp_path, changes, message, suffix):
        content = header(task, **changes)
        path = tmp_path / f"a{suffix}"
        if suffix == ".json":
            path.write_text(json.dumps({**content, "embeddings": {}}))
        else:
            text = np.array(json.dumps(content))
            np.savez(path, ids=np.array(["a"]), embeddings=vectors, header=text)
        with pytest.raises(InputError) as error:
            read_embeddings_file(path)
        assert message in str(error.value) and str(path) in str(error.value)

    def test_all_at_once(self, tmp_path):
        (tmp_path / "a.json").write_text(json.dumps({"format": "x", "task": 3}))
        with pytest.raises(InputError) as error:
            read_embeddings_file(tmp_path / "a.json")
        assert len(error.value.problems) == 4

    def test_other_fingerprint(self, task, vectors, tmp_path, run):
        path = write(tmp_path / "a.json", task, vectors)
        text = path.read_text().replace(task.dataset.fingerprint, "0" * 64)
        path.write_text(text)
        result = run("score", path, status=2)
        assert result.output.count("\n") == 1
        assert "fingerprint 000000000000..." in result.output

    def test_a_vector_that_is_no_vector(self, task, tmp_path, run):
        ids = task.novel.sample_ids
        content = {name: [1, 2] for name in ids} | {ids[4]: [1, None], ids[5]: "x", ids[6]: [[1]]}
        (tmp_path / "a.json").write_text(json.dumps({**header(task), "embeddings": content}))
        output = run("score", tmp_path / "a.json", status=2).output
        assert f"no list of numbers in 3 embeddings: {ids[4]}, {ids[5]}, {ids[6]}" in output


class TestDamage:
    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"3", b'"x"', b"\xff\xfe\x00", b"[" * 100_000, b'{"a": 1, "a": 2}'],
    )
    def test_json(self, tmp_path, content):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.json"):
            read_embeddings_file(tmp_path / "a.json")

    def test_duplicate_sample_ids_in_json(self, task, tmp_path):
        text = json.dumps({**header(task), "embeddings": {"x": [1]}}).replace(
            '{"x": [1]}', '{"a/b.jpg#0": [1], "a/b.jpg#0": [2]}'
        )
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(InputError, match=r"more than once, such as a/b\.jpg#0"):
            read_embeddings_file(tmp_path / "a.json")

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_truncated(self, task, vectors, tmp_path, suffix):
        path = write(tmp_path / f"a{suffix}", task, vectors)
        whole = path.read_bytes()
        for cut in (0, 3, 50, len(whole) // 3, len(whole) // 2, len(whole) - 9):
            path.write_bytes(whole[:cut])
            with pytest.raises(InputError, match=f"a{suffix}"):
                read_embeddings_file(path)

    def test_pickles_are_never_read(self, tmp_path):
        class Boom:
            def __reduce__(self):
                return (pytest.fail, ("a pickle was run",))

        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.array([Boom()], dtype=object), allow_pickle=True)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("ids.npy", stream.getvalue())
            archive.writestr("embeddings.npy", stream.getvalue())
        with pytest.raises(InputError, match=r"pickle.*never read"):
            read_embeddings_file(tmp_path / "a.npz")
        (tmp_path / "b.npz").write_bytes(pickle.dumps({1: 2}))
        with pytest.raises(InputError, match=r"not a valid \.npz"):
            read_embeddings_file(tmp_path / "b.npz")

    def test_a_bomb(self, tmp_path):
        zeros = np.zeros((1, 90_000))
        np.savez_compressed(tmp_path / "a.npz", ids=np.array(["a"]), embeddings=zeros)
        (tmp_path / "a.json.gz").write_bytes(gzip.compress(b" " * 200_000))
        (tmp_path / "a.json").write_bytes(b" " * 200_000)
        for name in ("a.npz", "a.json.gz"):
            with pytest.raises(InputError, match="unpacks to more than 100,000 bytes"):
                read_embeddings_file(tmp_path / name, 100_000)
        with pytest.raises(InputError, match="more than the 100,000 that are read"):
            read_embeddings_file(tmp_path / "a.json", 100_000)

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"sample_id": ["a"]}, "has the columns sample_id, not sample_id, embedding"),
            ({"sample_id": ["a"], "embedding": ["x"]}, "is of type"),
            ({"sample_id": [1], "embedding": [[1.0]]}, "is of type int64, not text"),
            ({"sample_id": [b"a"], "embedding": [[1.0]]}, "is of type .*binary.*, not text"),
            ({"sample_id": ["a"], "embedding": [[["x"]]]}, "not lists of float16"),
            ({"sample_id": ["a"], "embedding": [[[1.0]]]}, "not lists of float16"),
            ({"sample_id": ["a"], "embedding": [[{"x": 1.0}]]}, "not lists of float16"),
            ({"sample_id": ["a"], "embedding": [[1]]}, "type .*int64.*, not lists of float16"),
            ({"sample_id": [None], "embedding": [[1.0]]}, "is of type null"),
            ({"sample_id": ["a", None], "embedding": [[1.0]] * 2}, "`sample_id` has empty cells"),
            ({"sample_id": ["a"], "embedding": [[1.0]], "x": [1]}, "has the columns"),
            ({"sample_id": ["a", "b"], "embedding": [[1.0], None]}, "has empty cells"),
            ({"sample_id": ["a", "b"], "embedding": [[1.0], [None]]}, "has empty cells"),
        ],
    )
    def test_parquet(self, tmp_path, columns, message):
        pq.write_table(pa.table(columns), tmp_path / "a.parquet")
        with pytest.raises(InputError, match=message):
            read_embeddings_file(tmp_path / "a.parquet")

    def test_ragged_parquet_names_the_person(self, task, vectors, tmp_path, run):
        ids = list(task.novel.sample_ids)
        rows = vectors.tolist()
        rows[5] = [1.0]
        table = pa.table({"sample_id": ids, "embedding": rows})
        table = table.replace_schema_metadata({"header": json.dumps(header(task))})
        pq.write_table(table, tmp_path / "a.parquet")
        assert ids[5] in run("score", tmp_path / "a.parquet", status=2).output

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"ids": np.array(["a"])}, "must hold the arrays"),
            ({"ids": np.array([1]), "embeddings": np.eye(1)}, "not a list of text"),
            ({"ids": np.array([["a"]]), "embeddings": np.eye(1)}, "not a list of text"),
            (
                {"ids": np.array(["a"]), "embeddings": np.eye(1), "header": np.eye(2)},
                "`header` is not a text",
            ),
        ],
    )
    def test_npz(self, tmp_path, arrays, message):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(InputError, match=message):
            read_embeddings_file(tmp_path / "a.npz")

    @pytest.mark.parametrize(
        ("tensors", "metadata", "message"),
        [
            ({"x": np.eye(2)}, {}, "must hold a tensor"),
            ({"embeddings": np.eye(2)}, None, "must hold the sample_ids"),
            ({"embeddings": np.eye(2)}, {"header": "[1]"}, "not an object"),
            ({"embeddings": np.eye(2)}, {"header": '{"ids": [1, 2]}'}, "not all text"),
        ],
    )
    def test_safetensors(self, tmp_path, tensors, metadata, message):
        save_file(tensors, tmp_path / "a.safetensors", metadata=metadata)
        with pytest.raises(InputError, match=message):
            read_embeddings_file(tmp_path / "a.safetensors")

    @pytest.mark.parametrize("name", ["a.txt", "a.pkl", "a.npy", "json"])
    def test_other_names(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InputError, match=r"its name ends in none of \.json, "):
            read_embeddings_file(tmp_path / name)
        (tmp_path / name).unlink()
        with pytest.raises(InputError, match="there is no such file"):
            read_embeddings_file(tmp_path / name)

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_missing_or_a_folder(self, tmp_path, suffix):
        with pytest.raises(InputError, match="there is no such file"):
            read_embeddings_file(tmp_path / f"a{suffix}")
        (tmp_path / f"b{suffix}").mkdir()
        with pytest.raises(InputError, match="is a folder, not a file"):
            read_embeddings_file(tmp_path / f"b{suffix}")


class TestWriting:
    @pytest.mark.parametrize(
        ("suffix", "persons", "value", "options", "message"),
        [
            (".npz", None, 1e6, {"dtype": "float16"}, "beyond the range of float16"),
            (".npz", -1, 0, {}, "no embedding for"),
            (".npz", None, 0, {"model": {"colour": "red"}}, "'colour' was unexpected"),
            (".txt", None, 0, {}, "its name ends in none of"),
        ],
    )
    def test_refuses_what_would_not_score(
        self, task, tmp_path, suffix, persons, value, options, message
    ):
        ids = task.novel.sample_ids[:persons]
        vectors = (ids, np.full((len(ids), 2), value))
        with pytest.raises(InputError, match=message):
            write_submission(tmp_path / f"a{suffix}", vectors, task, **options)
        assert list(tmp_path.iterdir()) == []
