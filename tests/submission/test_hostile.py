"""Files made to hurt: each is refused with a message, before memory is taken for what it claims."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from oneshot_emotic import write_submission
from oneshot_emotic.errors import InputError
from oneshot_emotic.submission.embeddings_file import read_embeddings_file

FINGERPRINT = "0" * 64
HEAD = {
    "format": "oneshot-emotic/1",
    "task": "cat-6-6",
    "dataset": {"name": "synthetic", "fingerprint": FINGERPRINT},
}


def identity(task):
    return {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}


def refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_embeddings_file(path)
    text = str(error.value)
    assert str(path) in text and len(text) < 1500
    assert all(line.isprintable() for line in text.splitlines())
    return text


def preds(embeddings, **fields):
    head = json.dumps({**HEAD, **fields})
    return f'{head[:-1]}, "embeddings": {embeddings}}}'.encode()


class TestJson:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"[" * 2_000_000, "nested|object"),
            (b'{"a":' * 300_000, "nested|not JSON"),
            (preds("[" * 60 + "]" * 60), "nested more than 16 deep"),
            (preds('{"a#0": ' + "[" * 60 + "]" * 60 + "}", extra=[]), "'extra' was unexpected"),
            (preds("{}", model="[" * 40), "is not of type 'object'"),
            (b"{" + b'"":0,' * 1_000_001 + b'"":0}', "some 1,000,00. keys; at most 1,000,000"),
            (b'{"a": "' + b"x" * 2_000_000 + b'"}', "bytes of metadata; at most 1,048,576"),
            (preds("{}", model={"authors": ["a"] * 1001}), "a list of 1,001 entries"),
            (b'{"task": 1, "task": 1}', "1 key comes more than once, such as task"),
            (preds('{"a#0": [1], "b#0": [1], "a#0": [1]}'), "more than once, such as a#0"),
            (preds('{"a#0": [1], "a\\u00230": [1]}'), "more than once, such as a#0"),
            (preds("{}", model={}).replace(b"{}", b'{"name": "a", "name": "b"}'), "such as name"),
            (preds('{"a#0": [1, NaN], "b#0": [-Infinity]}'), "holds 2 NaN or Infinity, .* a#0"),
            (preds("{}", model={}).replace(b"{}", b'{"parameters": NaN}', 1), "not JSON"),
            (preds('{"a#0": [1, 9007199254740993]}'), "beyond 2.53.*a#0"),
            (preds('{"a#0": [1, %s]}' % ("9" * 200)), "beyond 2.53"),
            (preds("{}", model={}).replace(b"{}", b"9" * 5000, 1), "digits|range|not JSON"),
            (preds("{}", model={"name": "\ud800"}).replace(b"d800", b"D800"), "U.D800"),
            (preds("{}", model={"name": "a\u202eb"}), r"model\.name: .*do not show, U.202E"),
            (preds("{}", model={"authors": ["a\nb"]}), r"model\.authors\.0: .* U.000A"),
            *(
                (preds("{}", model={"name": f"A{char}"}), rf"model\.name: .* U.{ord(char):04X}")
                for char in "\u3164\u2800\u115f\u1160\uffa0\u034f\ufe0f\U000e0041\U000e0100"
            ),
            (preds("{}", model={"description": "A\ufe0f"}), r"model\.description: .* U.FE0F"),
            *(
                (preds("{}", model={"name": name}), "model.name: .*no visible letter or digit")
                for name in ("\u0301\u0302", "  ", "-- !", "\u3164", "\U0001d159")
            ),
            (preds("{}", model={"authors": ["Ada", "\u0301"]}), "model.authors: .*no visible let"),
            (
                preds("{}", model={"name": "Z" + "\u0336\u0489\u0301" * 3}),
                "model.name: .*8 accents",
            ),
            (preds('{"a\u202e#0": [1]}'), r"1 sample_ids hold control .* a\\u202e#0"),
            (preds('{"a\u3164#0": [1], "\\t#0": [1]}'), "2 sample_ids hold control"),
            (preds("{}", model={"date": "2026-01-01\n"}), r"U.000A"),
            (preds("{}", dataset={"name": "synthetic", "fingerprint": FINGERPRINT + "\n"}), "000A"),
            (preds('{"\\ud800#0": [1]}'), "not JSON"),
            (preds("{}").decode().encode("utf-16"), "not JSON"),
            (b'{"a": "\xff\xfe"}', "UTF-8|not JSON"),
            (preds('{"a#0": [1]}') + b"x", "not JSON"),
            (preds("{}") + b"\x00" * 10, "not JSON"),
        ],
    )
    def test_refused(self, tmp_path, content, message):
        refused(tmp_path / "a.json", content, message)
        if len(content) < 10_000:
            path = tmp_path / "a.json.gz"
            path.write_bytes(gzip.compress(content))
            with pytest.raises(InputError, match=message):
                read_embeddings_file(path)

    def test_vectors_are_counted_before_they_are_decoded(self, tmp_path):
        vectors = ",".join(f'"{n}#0":[0.11111111]' for n in range(1_000_001))
        content = preds(f"{{{vectors}}}")
        refused(tmp_path / "a.json", content, "some 1,000,00. keys; at most 1,000,000")

    @pytest.mark.parametrize(
        ("bad", "messages"),
        [
            (
                ["[true, 1]", '["1", 2]', "[1, null]", "[[1], 2]", "9" * 400, "3", "[1]", "[]"],
                ["no list of numbers in 6 embeddings",
                 "1 dimensions, not 2 like most, in 1 embedding: {6}",
                 "0 dimensions, not 2 like most, in 1 embedding: {7}"],
            ),
            (["[1e999, 1]"], ["infinite values in 1 embedding: {0}"]),
        ],
    )  # fmt: skip
    def test_what_is_no_vector_is_named_by_person(self, task, tmp_path, run, bad, messages):
        ids = task.novel.sample_ids
        texts = dict.fromkeys(ids, "[1, 2.5]") | dict(zip(ids, bad, strict=False))
        body = ",".join(f"{json.dumps(key)}: {text}" for key, text in texts.items())
        (tmp_path / "a.json").write_bytes(preds(f"{{{body}}}", dataset=identity(task)))
        output = run("score", tmp_path / "a.json", status=2).output
        for message in messages:
            assert message.format(*ids) in output

    @pytest.mark.parametrize(
        "name", ["感情", "안녕 2", "Ünïcode", "e\u0301", "ย\u0e35\u0e49", "🙂 1", "7"]
    )
    def test_names_of_every_script_are_taken(self, tmp_path, name):
        (tmp_path / "a.json").write_bytes(preds('{"a#0": [1]}', model={"name": name}))
        assert read_embeddings_file(tmp_path / "a.json").model["name"] == name

    @pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".parquet"])
    def test_ids_that_do_not_show(self, tmp_path, suffix):
        path, ids = tmp_path / f"a{suffix}", ["a#0", "b\n#0", "c\u3164#0"]
        if suffix == ".npz":
            np.savez(path, ids=np.array(ids), embeddings=np.eye(3))
        elif suffix == ".parquet":
            pq.write_table(pa.table({"sample_id": ids, "embedding": list(np.eye(3))}), path)
        else:
            save_file({"embeddings": np.eye(3)}, path, {"header": json.dumps({"ids": ids})})
        refused(path, path.read_bytes(), r"2 sample_ids hold control .* b\\n#0, c\\u3164#0")

    def test_a_byte_order_mark_is_no_harm(self, tmp_path):
        (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + preds('{"a#0": [1, 2]}'))
        sample_ids, array = read_embeddings_file(tmp_path / "a.json").embeddings
        assert sample_ids == ["a#0"] and array.tolist() == [[1, 2]]

    def test_ids_that_look_like_paths_are_only_unknown_persons(self, task, tmp_path, run):
        body = '{"../../etc/passwd#0": [1], "/etc/shadow#1": [1], "C:\\\\x#0": [1]}'
        (tmp_path / "a.json").write_bytes(preds(body, dataset=identity(task)))
        output = run("score", tmp_path / "a.json", status=2).output
        assert "3 sample_ids of nobody novel in" in output


def npy(array=None, header=None, version=(1, 0), data=b""):
    if array is not None:
        stream = io.BytesIO()
        np.lib.format.write_array(stream, array)
        return stream.getvalue()
    text = header.encode("latin1").ljust(118 - 10 + 9) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text + data


def npz(members, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


IDS = ("ids.npy", npy(np.array(["a#0"])))
ONE = ("embeddings.npy", npy(np.eye(1)))


def lie(shape, descr="<f4", data=b"1234"):
    """An array that says it is of a shape and a type."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}"
    return [IDS, ("embeddings.npy", npy(header=header, data=data))]


BEYOND = ("(1000000000, 1000000000)", "(1, 70000)", "(99999999, 1)")
LIES = (("(900000, 50)", "<f4"), ("(1, 2)", "<f4"), ("(-1, 1)", "<f4"), ("(True,)", "<f4"),
        ("()", "<f8"), ("(9" * 500 + ")" * 500, "<f4"), ("(1, 1)", "<f0"),
        ("(1, 1)", "x"))  # fmt: skip
STRANGE = ("../x.npy", "/etc/x.npy", "embeddings", "ids.npy/", "x\x1b.npy", "a\u202e.npy")
NO_CHARACTERS = npy(np.array(["aaaa"])).replace(b"a\0\0\0" * 4, b"\xff\xff\xff\x7f" * 4)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "message"),
    [
        *((lie(shape), "are read") for shape in BEYOND),
        *((lie(shape, descr), "not a valid") for shape, descr in LIES),
        (lie("(1, 1)", "|O", b"12345678" * 9), "holds Python objects"),
        *(
            (lie("(1, 1)", descr, b"12345678" * 9), "not numbers|not a valid")
            for descr in ("<U9", "|V8", "<c16", "<M8[s]", "|b1")
        ),
        *(([IDS, ONE, (name, b"x")], "no others") for name in STRANGE),
        ([IDS, ONE, ONE], "more than once"),
        ([IDS, ONE, *((f"{n}.npy", b"") for n in range(2_000))], "list of members"),
        ([("ids.npy", NO_CHARACTERS), ONE], "not a valid"),
    ],
)
def test_npz(tmp_path, members, message):
    text = refused(tmp_path / "a.npz", npz(members), message)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.npz"] and "\x1b" not in text


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_of_other_compressions(tmp_path, compression):
    content = npz([IDS, ONE], compression=compression)
    refused(tmp_path / "a.npz", content, "neither stored nor deflated")


def test_npz_with_a_changed_byte(tmp_path):
    content = npz([IDS, ONE])
    place = content.rindex(struct.pack("<d", 1.0)) + 6
    refused(tmp_path / "a.npz", content[:place] + b"\x11" + content[place + 1 :], "CRC")


class TestSafetensors:
    def content(self, tensors, data=b"\0" * 4, length=None, header=None):
        metadata = {"header": header or json.dumps({**HEAD, "ids": ["a#0"]})}
        text = json.dumps({"__metadata__": metadata, **tensors}).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    def tensor(self, **changes):
        return {"embeddings": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4], **changes}}

    def test_the_sound_one(self, tmp_path):
        (tmp_path / "a.safetensors").write_bytes(self.content(self.tensor()))
        sample_ids, array = read_embeddings_file(tmp_path / "a.safetensors").embeddings
        assert sample_ids == ["a#0"] and array.tolist() == [[0.0]]

    @pytest.mark.parametrize("length", [0, 1, 10**6, 2**31, 2**63, 2**64 - 1])
    def test_lengths_that_lie(self, tmp_path, length):
        content = self.content(self.tensor(), length=length)
        refused(tmp_path / "a.safetensors", content, "not a valid|not JSON|tensor")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("shape", [x, x]) for x in (10**18, -1, True, 1.0, 70_000)),
            *(("shape", x) for x in ([1, 2], "ab")),
            *(("data_offsets", x) for x in ([0, 8], [4, 8], [0, 2**63], [0], None)),
            *(("dtype", x) for x in ("BF16", "F8_E4M3", [])),  # BF16: two bytes, not four
        ],
    )
    def test_headers_that_lie(self, tmp_path, field, value):
        content = self.content(self.tensor(**{field: value}))
        message = "not a valid|are read|is of type|are of type"
        refused(tmp_path / "a.safetensors", content, message)

    def test_other_tensors(self, tmp_path):
        content = self.content({**self.tensor(), "more": {}})
        refused(tmp_path / "a.safetensors", content, "and no other")

    @pytest.mark.parametrize(
        ("header", "message"),
        [
            ('{"ids": ["a"], "ids": ["b"]}', "more than once"),
            ('{"ids": {"a": 1}}', "not all text"),
            ('{"ids": [' + "[" * 5000, "not JSON|nested"),
            (json.dumps({"ids": ["a"], "task": "x" * 2_000_000}), "bytes of metadata"),
            ("{}", "must hold the sample_ids"),
        ],
    )
    def test_metadata(self, tmp_path, header, message):
        refused(tmp_path / "a.safetensors", self.content(self.tensor(), header=header), message)

    def test_a_key_twice(self, tmp_path):
        content = self.content(self.tensor())
        text = content[8:].replace(b'"dtype"', b'"dtype": "F32", "dtype"')
        text = struct.pack("<Q", len(text) - 4) + text
        refused(tmp_path / "a.safetensors", text, "duplicate field `dtype`")


PEAK = """
import sys
from pathlib import Path
from oneshot_emotic.errors import InputError
from oneshot_emotic.submission.embeddings_file import read_embeddings_file
try: read_embeddings_file(Path(sys.argv[1]), int(sys.argv[2]))
except InputError as error: print(error)
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0])
"""


def message_and_peak(path, max_bytes=512 << 20):
    """What reading says, and the peak memory of a process that does it, in MB."""
    command = [sys.executable, "-c", PEAK, str(path), str(max_bytes)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    *lines, peak = result.stdout.splitlines()
    return "\n".join(lines), int(peak) / 1000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
class TestBombs:
    def test_gzip(self, tmp_path):
        path = tmp_path / "a.json.gz"
        block = gzip.compress(b" " * (64 << 20), 1)
        path.write_bytes(block * 160)  # 10 GiB
        message, peak = message_and_peak(path)
        assert "unpacks to more than 536,870,912 bytes" in message
        assert peak < 1500

    def test_npz(self, tmp_path):
        path = tmp_path / "a.npz"
        stream = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        with stream as archive, archive.open("embeddings.npy", "w", force_zip64=True) as member:
            for _ in range(10):
                member.write(bytes(64 << 20))
        message, peak = message_and_peak(path)
        assert "unpacks to more than" in message
        assert peak < 300

    @pytest.mark.parametrize("column", ["sample_id", "embedding"])
    def test_parquet_by_repetition(self, tmp_path, column):
        """A text of a megabyte, 20,000 times, from a dictionary: 20 GB in a small file."""
        indices = pa.array(np.zeros(20_000, np.int32))
        text = pa.DictionaryArray.from_arrays(indices, ["x" * (1 << 20)])
        columns = {"sample_id": pa.array(["a#0"] * 20_000), "embedding": [[1.0]] * 20_000}
        pq.write_table(pa.table({**columns, column: text}), tmp_path / "a.parquet")
        assert (tmp_path / "a.parquet").stat().st_size < 200_000
        message, peak = message_and_peak(tmp_path / "a.parquet")
        assert ("a text of more than 1,000 char" if column == "sample_id" else "of type") in message
        assert peak < 400

    def zeros(self, path, numbers, groups=1):
        """Groups of a row, each a vector of so many zeros."""
        vectors = pa.LargeListArray.from_arrays([0, numbers], pa.array(np.zeros(numbers)))
        table = pa.table({"sample_id": ["a#0"], "embedding": vectors})
        options = {"compression": "zstd", "use_dictionary": False, "data_page_size": 1 << 30}
        with pq.ParquetWriter(path, table.schema, **options) as writer:
            for _ in range(groups):
                writer.write_table(table)
        return path

    def test_parquet_by_compression(self, tmp_path):
        path = self.zeros(tmp_path / "a.parquet", 1 << 18, 20)
        assert path.stat().st_size < 100_000
        message, peak = message_and_peak(path, 16 << 20)
        assert "unpacks to more than 16,777,216 bytes" in message
        assert peak < 200

    def test_parquet_that_lies_about_its_sizes(self, tmp_path):
        """One vector of 32 MiB that is said to be some bytes: refused when it has been met."""
        path = self.zeros(tmp_path / "a.parquet", 1 << 22)
        group = pq.ParquetFile(path).metadata.row_group(0)
        content = path.read_bytes()
        for size in {group.total_byte_size, group.column(1).total_uncompressed_size}:
            stated = varint(2 * size)
            assert stated in content
            # 1 in as many bytes, so that all else stays in its place
            content = content.replace(stated, b"\x82" + b"\x80" * (len(stated) - 2) + b"\x00")
        path.write_bytes(content)
        assert pq.ParquetFile(path).metadata.row_group(0).total_byte_size == 1
        message, peak = message_and_peak(path, 16 << 20)
        assert "4,194,304 dimensions; at most 65,536" in message
        assert peak < 400

    def test_parquet_of_many_groups(self, tmp_path):
        table = pa.table({"sample_id": ["a#0"], "embedding": [[1.0]]})
        with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
            for _ in range(5_001):
                writer.write_batch(table.to_batches()[0], row_group_size=1)
        message, _ = message_and_peak(tmp_path / "a.parquet")
        assert "has 5,001 groups of rows; at most 5,000" in message


def varint(number):
    """As in the metadata of parquet files (Thrift's compact protocol)."""
    content = bytearray()
    while number > 127:
        content.append(number & 127 | 128)
        number >>= 7
    return bytes([*content, number])


class TestStrangersParquet:
    """A submission is not made of parquet files: what pyarrow takes for one has no bound."""

    @pytest.fixture
    def file(self, tmp_path, task):
        path = tmp_path / "cat-6-6.parquet"
        write_submission(path, (task.novel.sample_ids, np.ones((len(task.novel), 2))), task)
        return path

    def test_commands_on_submissions_refuse_it(self, file, tmp_path, run):
        (tmp_path / "submissions").mkdir()
        for command in (("submit", "--root", tmp_path, "--name", "A"), ("check-submission",)):
            output = run(*command, file, status=2).output
            assert "a submission is not made of .parquet files" in output
            assert "write_submission" in output

    def test_as_the_users_own_it_is_scored(self, file, run):
        assert "cat-6-6 on synthetic" in run("score", file, "--shots", 1).output
        assert run("compare", file, file, "--shots", 1).output
