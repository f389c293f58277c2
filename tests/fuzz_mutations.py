"""Seeded damage to submissions: to bytes, and to the structure of each form."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_BOMB = gzip.compress(b" " * (1 << 24), 1)

Bytes = Callable[[random.Random, bytes], bytes]

NUMBERS = [
    0, 1, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1,
]  # fmt: skip
TEXTS = [
    "", "a", "\x00", "\n", "\x1b[31m", "\u202e", "\ufeff", "é", "感", "😀", "x" * 5000, "../..",
    "/etc/passwd", "a#0", "=1+1", "<script>", "\\", '"', "{}", "NaN", "#" * 300, "|", "%s%n",
]  # fmt: skip
#: JSON texts, some of which are none.
TOKENS = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "9" * 400, "9" * 5000, "-0",
    "9007199254740993", "1" + "0" * 30, "0.1", "01", "+1", "1.", ".5", "true", "false", "null",
    '""',
    '"\\ud800"', '"\\u0000"', '"\\udc00\\ud800"', "[]", "{}", "[" * 30 + "]" * 30, "[" * 3000,
    '{"a":' * 500, '{"a":1,"a":2}', "[1,2,]", "'a'", "", "\x00", "\ufeff", "//x", "1 2",
]  # fmt: skip


def bytes_damage(rng: random.Random, content: bytes) -> bytes:
    """A few flips, cuts, repeats, splices and overwritten numbers anywhere."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 30))):
        size = len(data)
        place = rng.randrange(size) if size else 0
        if rng.random() < 0.3:  # headers stand at the ends
            place = min(size - 1, rng.randrange(400)) if rng.random() < 0.5 else place
            place = max(0, size - 1 - rng.randrange(400)) if rng.random() < 0.5 else place
        length = rng.choice((1, 2, 4, 8, 50, 1000))
        match rng.randrange(9):
            case 0 | 1 if size:
                data[place] ^= 1 << rng.randrange(8)
            case 2 if size:
                data[place] = rng.randrange(256)
            case 3:
                del data[place:]
            case 4:
                del data[place : place + length]
            case 5:
                data[place:place] = rng.randbytes(length)
            case 6:
                source = rng.randrange(size) if size else 0
                data[place : place + length] = data[source : source + length]
            case 7:
                data[place:place] = data[place : place + length] * rng.choice((1, 2, 50))
            case 8:
                width = rng.choice((1, 2, 4, 8))
                number = rng.choice(NUMBERS) % (1 << 8 * width)
                data[place : place + width] = number.to_bytes(width, rng.choice(("little", "big")))
    return bytes(data)


def json_damage(rng: random.Random, content: bytes) -> bytes:
    """Changes to the tree of a JSON document, and to its text in places where tokens are."""
    chance = rng.random()
    if chance < 0.15:
        return bytes_damage(rng, content)
    if chance < 0.3:
        return _digits_damage(rng, content)
    try:
        document = json.loads(content)
    except ValueError:  # damaged before
        return bytes_damage(rng, content)
    holes: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        document = _tree_damage(rng, document, holes)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    for number, token in enumerate(holes):
        text = text.replace(f'"@hole{number}@"', token)
    if rng.random() < 0.03:
        text = rng.choice(("\ufeff", " " * 9999, "\n")) + text
    return text.encode(rng.choice(("utf-8",) * 30 + ("utf-16", "utf-32", "latin-1")), "replace")


def _digits_damage(rng: random.Random, content: bytes) -> bytes:
    """Other digits, signs and points in the numbers: often still a sound file."""
    data = bytearray(content)
    places = [place for place in range(len(data) // 3, len(data)) if 48 <= data[place] <= 57]
    for place in rng.choices(places, k=rng.choice((1, 2, 9))) if places else ():
        data[place] = rng.choice(b"0123456789" if rng.random() < 0.8 else b"eE.-+ ")
    return bytes(data)


def _tree_damage(rng: random.Random, node: Any, holes: list[str], depth: int = 0) -> Any:
    """One change at a random place of the tree."""
    inner = isinstance(node, (dict, list)) and len(node) > 0
    if inner and rng.random() < 0.85:
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        match rng.randrange(8):
            case 0:
                del node[key]
            case 1 if isinstance(node, dict):
                node[rng.choice((*TEXTS, f"{key}x"))] = node[key]
            case 1:
                node.insert(key, node[key])
            case 2 if isinstance(node, dict):
                # the same key twice: a hole that holds a value and a second pair
                holes.append(f"1,{json.dumps(str(key))}:2")
                node[key] = f"@hole{len(holes) - 1}@"
            case 3 if isinstance(node, list):
                del node[key:]
            case _:
                node[key] = _tree_damage(rng, node[key], holes, depth + 1)
        return node
    match rng.randrange(5):
        case 0:
            return rng.choice(TEXTS)
        case 1:
            return rng.choice((None, True, [], {}, [node], {"file": node}, -1, 0.5, *NUMBERS))
        case 2 if isinstance(node, str):
            return bytes_damage(rng, node.encode()).decode("utf-8", "replace")
        case _:
            holes.append(rng.choice(TOKENS))
            return f"@hole{len(holes) - 1}@"


def gzip_damage(rng: random.Random, content: bytes) -> bytes:
    """To the gzip file, or to what it holds."""
    if rng.random() < 0.4:
        return bytes_damage(rng, content)
    inside = json_damage(rng, gzip.decompress(content))
    packed = gzip.compress(inside, 1)
    if rng.random() < 0.05:
        packed += rng.choice((packed, b"\0" * 99, b"x", _BOMB))
    return packed


def npz_damage(rng: random.Random, content: bytes) -> bytes:
    """To the zip, its list of members, the arrays' headers and values."""
    chance = rng.random()
    if chance < 0.4:
        return bytes_damage(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.randrange(len(members))
        name, data = members[place]
        if chance < 0.55:  # the values alone: often still a sound file
            cut = rng.randrange(128, len(data)) if len(data) > 128 else 0
            members[place] = (name, data[:cut] + rng.randbytes(2) + data[cut + 2 :])
            continue
        match rng.randrange(6):
            case 0:
                name = rng.choice((*TEXTS, "../x.npy", "ids", "ids.npy", "header.npy", "a.npy"))
            case 1:
                members.append((name, data))
            case 2:
                data = _npy_header_damage(rng, data)
            case 3:
                array: Any = rng.choice(
                    (np.zeros(0), np.array("x"), np.eye(3), np.array(["a"] * 9), np.array(3),
                     np.array([(1, 2.0)], "i4,f8"), np.zeros((2, 2), ">f4"), np.ones((3, 2), "?"),
                     np.array(["a", "b"], ">U3"), np.full((4, 4), np.nan), np.zeros((0, 5)),
                     np.array([b"a"]), np.array([1j]), np.array(["2026-01-01"], "M8[D]"))
                )  # fmt: skip
                stream = io.BytesIO()
                np.lib.format.write_array(stream, array)
                data = stream.getvalue()
            case _:
                data = bytes_damage(rng, data)
        members[place] = (name or "x", data)
    stream = io.BytesIO()
    kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", kind) as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(name.replace("\x00", "0").encode("utf-8", "replace").decode(), data)
    return stream.getvalue()


def _npy_header_damage(rng: random.Random, data: bytes) -> bytes:
    if len(data) < 10:  # damaged before
        return bytes_damage(rng, data)
    length = struct.unpack("<H", data[8:10])[0]
    text = data[10 : 10 + length].decode("latin1").rstrip()
    pieces = ["'descr'", "<f4", "<f2", "False", "shape", "(", ")", ",", "{", "}", "<U", "1", "2"]
    for _ in range(rng.choice((1, 1, 2, 4))):
        old = rng.choice(pieces)
        new = rng.choice(
            (*pieces, "|O", ">f8", "True", "None", "-1", "9" * 30, "0", "1e9", "(" * 300, "'a'+'b'",
             "__import__('os')", "<U9", "|V4", "[('a','<f4')]", "\n", "\x00")
        )  # fmt: skip
        text = text.replace(old, new, 1)
    raw = (text + " ").encode("latin1", "replace") + b"\n"
    raw = raw[:60_000]
    return data[:8] + struct.pack("<H", len(raw)) + raw + data[10 + length :]


def safetensors_damage(rng: random.Random, content: bytes) -> bytes:
    """To the header's length, the header, the metadata inside it, the values."""
    choice = rng.random()
    if choice < 0.35:
        return bytes_damage(rng, content)
    (length,) = struct.unpack("<Q", content[:8])
    header, data = content[8 : 8 + length], content[8 + length :]
    if choice < 0.42:
        cut = rng.randrange(len(data) - 2)
        return content[: 8 + length] + data[:cut] + rng.randbytes(2) + data[cut + 2 :]
    if choice < 0.65:
        header = json_damage(rng, header)
    else:
        document = json.loads(header)
        inside = document["__metadata__"]["header"]
        if choice < 0.9:
            changed = json_damage(rng, inside.encode()).decode("utf-8", "replace")
            document["__metadata__"]["header"] = changed
        else:
            tensor = document["embeddings"]
            key = rng.choice(list(tensor))
            tensor[key] = rng.choice(
                ("F32", "F64", "F16", "BF16", "I8", "U64", "BOOL", [1, 2], [0, 0], [2**62, 4],
                 [-1, 4],
                 [[1], 2], 5, None, {}, [0, len(data)], [1, len(data)], [0, 2**64], [4] * 900)
            )  # fmt: skip
        header = json.dumps(document).encode()
    if rng.random() < 0.1:
        data = bytes_damage(rng, data)
    stated = len(header) if rng.random() < 0.95 else rng.choice(NUMBERS)
    return struct.pack("<Q", stated) + header + data


def parquet_damage(rng: random.Random, content: bytes) -> bytes:
    """To the bytes, the footer most of all; or a file of other columns, types and writers."""
    if rng.random() < 0.6:
        return bytes_damage(rng, content)
    table = pq.ParquetFile(io.BytesIO(content)).read()
    metadata = dict(table.schema.metadata or {})
    for _ in range(rng.choice((1, 1, 2))):
        match rng.randrange(7):
            case 0 if b"header" in metadata:
                metadata[b"header"] = json_damage(rng, metadata[b"header"])
            case 1 if table.num_columns > 1:
                table = table.select(rng.sample(table.column_names, rng.randrange(1, 3)))
            case 2:
                table = table.slice(rng.randrange(table.num_rows + 1))
            case 3:
                table = pa.concat_tables([table, table.slice(0, rng.randrange(5))])
            case 4 if "embedding" in table.column_names:
                count = table.num_rows
                values: Any = rng.choice(
                    (pa.array([[1.0]] * count, pa.list_(pa.float32())),
                     pa.array([[1.0] * (n % 3) for n in range(count)], pa.large_list(pa.float64())),
                     pa.array([None] * count, pa.list_(pa.float32())),
                     pa.array([[None]] * count, pa.list_(pa.float16())),
                     pa.array([[[1.0]]] * count), pa.array(["x"] * count), pa.array([1] * count),
                     pa.array([[float("nan")]] * count), pa.array([["x"]] * count),
                     pa.array([{"a": 1}] * count), pa.array([[2**60]] * count),
                     pa.array([[]] * count, pa.list_(pa.float32())), pa.nulls(count))
                )  # fmt: skip
                table = table.set_column(table.column_names.index("embedding"), "embedding", values)
            case 5 if "sample_id" in table.column_names:
                ids = table.column("sample_id").to_pylist()
                if ids:
                    ids[rng.randrange(len(ids))] = rng.choice((None, *TEXTS))
                place = table.column_names.index("sample_id")
                kind = rng.choice((pa.string(), pa.large_string(), pa.binary()))
                table = table.set_column(place, "sample_id", pa.array(ids, kind))
            case _:
                place = rng.randrange(table.num_columns)
                names = table.column_names
                names[place] = rng.choice(("sample_id", "embedding", *TEXTS))
                table = table.rename_columns(names)
    stream = io.BytesIO()
    options = rng.choice(
        ({}, {"compression": "gzip"}, {"use_dictionary": False}, {"data_page_version": "2.0"},
         {"row_group_size": 7}, {"data_page_size": 64}, {"compression": "none"},
         {"use_dictionary": False, "column_encoding": {"sample_id": "DELTA_BYTE_ARRAY"}},
         {"store_schema": False})
    )  # fmt: skip
    try:
        pq.write_table(table.replace_schema_metadata(metadata), stream, **options)
    except (pa.ArrowException, OSError, ValueError):
        return bytes_damage(rng, content)
    written = stream.getvalue()
    return bytes_damage(rng, written) if rng.random() < 0.3 else written


DAMAGE: dict[str, Bytes] = {
    ".json": json_damage,
    ".json.gz": gzip_damage,
    ".npz": npz_damage,
    ".safetensors": safetensors_damage,
    ".parquet": parquet_damage,
}


def folder_damage(rng: random.Random, folder: Path) -> None:
    """To a submission folder: its document, its files, what else lies there."""
    document = folder / "submission.json"
    files = sorted(path for path in folder.iterdir() if path != document)
    for _ in range(rng.choice((1, 1, 2))):
        file = rng.choice(files)
        match rng.randrange(8):
            case 0 | 1 | 2:
                document.write_bytes(json_damage(rng, document.read_bytes()[: 1 << 20]))
                return
            case 3 | 4 if file.is_file():
                damage = DAMAGE[file.suffix]
                old = hashlib.sha256(file.read_bytes()).hexdigest()
                file.write_bytes(damage(rng, file.read_bytes()))
                new = hashlib.sha256(file.read_bytes()).hexdigest()
                document.write_text(document.read_text().replace(old, new))
                return
            case 5:
                name = rng.choice(
                    (".x", "x.py", "README.md", "a" * 200, "\u202e.txt", "\n", "x.npz")
                )
                (folder / name).write_bytes(b"x")
            case 6:
                target = rng.choice(("/etc/passwd", "..", str(document), "nowhere", file.name))
                rng.choice((document, file)).unlink(missing_ok=True)
                victim = file if not file.exists() else document
                if not victim.exists():
                    victim.symlink_to(target)
                return
            case 7:
                file.unlink(missing_ok=True)
                if rng.random() < 0.5:
                    file.mkdir()
                return
