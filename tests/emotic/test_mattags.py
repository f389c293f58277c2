"""MATLAB files that SciPy must never see, written byte by byte; each ends in one message."""

from __future__ import annotations

import io
import json
import math
import resource
import struct
import time
from functools import partial

import numpy as np
import pytest
from made import python
from matlab import element, image, mat_bytes, matrix, person, write_mat
from scipy.io import loadmat, savemat

from oneshot_emotic.emotic import mattags
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.encoders.colour_gradient import ColourGradient
from oneshot_emotic.errors import InputError
from oneshot_emotic.pictures import open_pictures

CELL, STRUCT, TEXT, SPARSE, DOUBLE, BYTES, FUNCTION = 1, 2, 4, 5, 6, 9, 16
DOUBLES = element(9, np.ones(2).tobytes())
LARGE = 2**31 - 1


def nested(depth: int) -> bytes:
    """A cell in a cell in a cell; the innermost one is empty."""
    inner = matrix(CELL, (0, 0))
    for _ in range(depth - 1):
        inner = matrix(CELL, (1, 1), inner)
    return inner


def fields(width: int, names: bytes) -> bytes:
    return element(5, width.to_bytes(4, "little")) + element(1, names)


def train(category, dimensions, *parts):
    return matrix(category, dimensions, *parts, name="train")


HOSTILE = {
    "nested a little too deep": train(CELL, (1, 1), nested(17)),
    "16 GB of cells": train(CELL, (1, LARGE)),
    "too many cells in dimensions": train(CELL, (LARGE, LARGE, LARGE)),
    "8 GB of blanks": train(TEXT, (1, LARGE), element(16, b"")),
    "structs without fields": train(STRUCT, (1, LARGE), fields(32, b"")),
    "field names of no width": train(STRUCT, (1, 1), fields(0, b"a" * 32)),
    "negative dimensions": train(CELL, (-1, -1)),
    "data of an unknown type": train(DOUBLE, (1, 2), element(200, bytes(16))),
    "data of the type of a matrix": train(DOUBLE, (1, 2), element(14, bytes(16))),
    "sparse": train(SPARSE, (LARGE, LARGE), element(5, b""), element(5, b""), DOUBLES),
    "a function": train(FUNCTION, (1, 1), matrix(DOUBLE, (1, 2), DOUBLES)),
    "more dimensions than arrays have": train(DOUBLE, (1,) * 33, DOUBLES),
    # SciPy's way to make strings of characters ends the process where there are no dimensions.
    "no dimensions": train(CELL, (1, 1), matrix(TEXT, (), element(16, b"Anger"))),
    "one dimension": train(CELL, (1, 1), matrix(TEXT, (5,), element(16, b"Anger"))),
    "a type that is no matrix": element(9, bytes(64)),
    # The data end later than the variable says; SciPy would read on where it believes them.
    "data beyond their matrix": train(BYTES, (1, 2), b"\2\0\0\0\xff\0\0\0" + bytes(8)),
    "cells beyond their matrix": train(CELL, (1, 3), matrix(DOUBLE, (1, 2), DOUBLES)),
    "bytes after the data": train(DOUBLE, (1, 2), DOUBLES, bytes(8)),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_variables(tmp_path, name, packed):
    path = tmp_path / "Annotations.mat"
    path.write_bytes(mat_bytes(HOSTILE[name], packed=packed))
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="is not a MATLAB file or is damaged"):
        read_annotations(path)
    assert time.perf_counter() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def nested_deep(depth: int) -> bytes:
    """Cells in each other, by their heads alone: building each from its content would copy it."""
    heads = [matrix(CELL, (1, 1), name="" if level else "train")[8:] for level in range(depth)]
    sizes = [len(head) + 48 * (depth - level - 1) for level, head in enumerate(heads)]
    tags = [struct.pack("<II", 14, size) for size in sizes]
    return b"".join(tag + head for tag, head in zip(tags, heads, strict=True))


def test_nesting_that_ends_the_stack(tmp_path):
    """In a process of its own: SciPy alone takes the interpreter with it."""
    (tmp_path / "a.mat").write_bytes(mat_bytes(nested_deep(60_000), packed=True))
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from oneshot_emotic.emotic.matfile import read_annotations_file\n"
        "from oneshot_emotic.errors import InputError\n"
        "try:\n    read_annotations_file(Path(sys.argv[1]))\n"
        "except InputError as error:\n    print(error)"
    )
    said = python("-c", code, tmp_path / "a.mat").stdout
    assert "more than 16 structs and cells in each other" in said


def test_what_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(mattags, "MOST_BYTES", 10_000_000)
    zeros = matrix(BYTES, (1, 20_000_000), element(2, bytes(20_000_000)), name="train")
    (tmp_path / "a.mat").write_bytes(mat_bytes(zeros, packed=True))
    with pytest.raises(InputError, match="more than 10,000,000 bytes unpacked"):
        read_annotations(tmp_path / "a.mat")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True])
def test_sound_files_pass(order, packed):
    """Every kind that EMOTIC's file has, in both byte orders, small data in the tag itself."""
    e, m = partial(element, order=order), partial(matrix, order=order)
    number = e(9, np.array([7], dtype=f"{order}f8").tobytes())
    words = (1 << 16 | 2, 7) if order == "<" else (1 << 16 | 2, 7 << 24)
    small = struct.pack(f"{order}II", *words)
    names = e(5, struct.pack(f"{order}i", 8)) + e(1, b"a".ljust(8, b"\0"))
    strings = m(CELL, (1, 2), m(TEXT, (1, 5), e(16, b"Anger")), e(14, b""))
    inside = m(STRUCT, (1, 2), names, strings, m(DOUBLE, (1, 1), number))
    content = mat_bytes(
        m(CELL, (1, 2), inside, m(BYTES, (1, 1), small), name="train"),
        m(FUNCTION, (1, 1), m(SPARSE, (1, 1)), name="a_function"),  # not read, so not looked into
        packed=packed,
        order=order,
    )
    mattags.check_tags(content, ["train"])
    read = loadmat(io.BytesIO(content), variable_names=["train"])["train"]
    assert read[0, 0]["a"][0, 0][0, 0] == "Anger" and read[0, 0]["a"][0, 1] == 7
    assert read[0, 1] == 7


@pytest.mark.parametrize("packed", [False, True])
def test_files_of_savemat_pass_and_each_of_their_cuts_is_refused(tmp_path, packed):
    path = write_mat(tmp_path / "a.mat", train=[image("a.jpg", person(), person())])
    variables = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    savemat(path, variables, do_compression=packed)
    assert len(read_annotations(path).persons) == 2
    whole = path.read_bytes()
    for cut in range(129, len(whole), 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            read_annotations(path)


class TestValues:
    """Sound files with values that nobody expects."""

    @pytest.mark.parametrize("value", [1e308, -1e308, 4e38, math.inf, -math.inf])
    def test_levels_beyond_all_bounds_are_none(self, tmp_path, value):
        annotators = ((value, 5, 5), (value, 5, 5), (value, 6, 5))
        row = self.only(tmp_path, person((("Peace",),) * 3, annotators, combined=("Peace",)))
        assert math.isnan(row.valence) and row.arousal == pytest.approx(16 / 3)
        row = self.only(tmp_path, person(combined=("Peace",), mean=(value, 5, 5)))
        assert math.isnan(row.valence) and row.dominance == 5

    def test_what_a_float32_holds_counts_as_out_of_range(self, tmp_path):
        path = write_mat(
            tmp_path / "a.mat", train=[image("a.jpg", person(continuous=((3e38, 5, 5),)))]
        )
        content = read_annotations(path)
        assert content.quirks.counts() == {"continuous-out-of-range": 1}
        assert content.persons["valence"].tolist() == [3e38]

    def only(self, tmp_path, item):
        path = write_mat(tmp_path / "a.mat", test=[image("a.jpg", item)])
        content = read_annotations(path)
        assert content.quirks.counts()["continuous-nan"] == 1
        return content.persons.iloc[0]

    @pytest.mark.parametrize(
        "value",
        [
            "no JSON", "[" * 9_000, "[1, 2]", '{"seed": 1, "note": "text"}', '{"seed": NaN}',
            '{"seed": Infinity}', '{"seed": 1e999}', '{"seed": ' + "9" * 4_000 + "}",
            '{"seed": true}', '{"a b": 1}',
            json.dumps({f"seed_{number}": number for number in range(5_000)}),
            np.eye(2), np.zeros((0, 0)), '{"seed": 1, "body_cue": 0.5}',
        ],
    )  # fmt: skip
    def test_settings_of_a_stand_in(self, tmp_path, value):
        """Whatever it holds, the variable says synthetic; only numbers by name are kept."""
        extra = {"oneshot_emotic_synthetic": value}
        path = write_mat(tmp_path / "a.mat", train=[image("a.jpg", person())], **extra)
        good = isinstance(value, str) and value.endswith("0.5}")
        expected = {"seed": 1, "body_cue": 0.5} if good else {}
        assert read_annotations(path).synthetic == expected

    def test_a_stand_in_of_unknown_settings_is_built(self, tmp_path, run):
        extra = {"oneshot_emotic_synthetic": '{"seed": NaN}'}
        path = write_mat(tmp_path / "a.mat", train=[image("a.jpg", person())], **extra)
        run("build", tmp_path, "--annotations", path, "-o", tmp_path / "dataset")
        manifest = json.loads((tmp_path / "dataset/manifest.json").read_text())
        assert manifest["synthetic"] == {} and manifest["dataset"] == "synthetic"

    def test_pictures_of_any_stated_size_are_looked_for_and_embedded(self, tmp_path):
        """A grey picture stands for a missing one, whatever size that is said to have."""
        large = image("a.jpg", person(box=(1, 1, 1e9, 1e9)), size=(1e9, 1e9))
        unknown = image("b.jpg", person(box=(1, 1, 1e308, 1e308)), size=(1e308, 1e308))
        write_mat(tmp_path / "Annotations.mat", train=[large, unknown])
        (tmp_path / "mscoco/images").mkdir(parents=True)
        pictures = open_pictures(tmp_path)
        bodies = [picture.body for picture in pictures.values()]
        assert pictures.grey == set(pictures) and len(bodies) == 2
        one, other = ColourGradient().embed(bodies, bodies)
        assert np.array_equal(one, other)
