"""The rules for names and texts: one for each, as in the schemas and in Unicode's tables."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from oneshot_emotic.names import (
    DATASET_NAME,
    REPOSITORY_ID,
    SHA256,
    hidden_characters,
    id_problems,
    is_shown,
)

HIDDEN = (
    "\u3164", "\u2800", "\u115f", "\u1160", "\uffa0", "\u034f", "\u17b4", "\ufe0f", "\u180b",
    "\U000e0100", "\U000e0041", "\U000e0000", "\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad",
    "\x00", "\t", "\n", "\x1b", "\x7f", "\x9b", "\u2028", "\ud800", "\ue000", "\u00a0", "\u3000",
)  # fmt: skip


@pytest.mark.parametrize("char", HIDDEN, ids=lambda char: f"{ord(char):04X}")
def test_characters_that_do_not_show(char):
    assert not is_shown(f"a{char}b")
    assert hidden_characters(f"a{char}b{char}") == [f"U+{ord(char):04X}"]


@pytest.mark.parametrize("text", ["", "a b", "Ünïcode", "感情", "안녕", "é", "e\u0301", "😀", "ᠠ"])
def test_texts_that_show(text):
    assert is_shown(text)
    assert hidden_characters(text) == []


@pytest.mark.skipif(shutil.which("perl") is None, reason="perl knows Unicode's properties")
def test_every_default_ignorable_character_by_perl():
    code = (
        r"for $c (0..0x10FFFF) { next if $c >= 0xD800 && $c <= 0xDFFF;"
        r'print "$c\n" if chr($c) =~ /\p{Default_Ignorable_Code_Point}/ }'
    )
    result = subprocess.run(["perl", "-e", code], capture_output=True, text=True, check=True)
    ignorable = {int(line) for line in result.stdout.split()}
    assert 4_000 < len(ignorable) < 5_000
    shown = {c for c in range(sys.maxunicode + 1) if chr(c).isprintable() and is_shown(chr(c))}
    printable = {c for c in range(sys.maxunicode + 1) if chr(c).isprintable()}
    assert printable - shown == (ignorable & printable) | {0x2800}


def test_ids_that_do_not_show_are_counted_and_shown_as_escapes():
    assert id_problems("sample_ids", ["a#0", "é/ü#1"], "f") == []
    (problem,) = id_problems("sample_ids", ["a#0", "b\t#0", "c\u3164#0", "d\ud800"], "f")
    text = str(problem)
    assert "3 sample_ids" in text and r"b\t#0, c\u3164#0, d\ud800" in text


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (
            DATASET_NAME,
            ["emotic", "e", "0", "emotic-cvpr17", "a" * 64],
            ["", "-a", "Emotic", "a_b", "a b", "a" * 65, "emotic\n", "é", "a/b", "٣", "a\x1b[31m"],
        ),
        (
            REPOSITORY_ID,
            ["a/b", "Org/Name.v1_x-y", "a" * 96 + "/" + "b" * 96],
            ["a", "a/", "/a", "a/b/c", "a--b/c", "a/b..c", "-a/b", "a/b.", "a/b.git", "a/b\n",
             "a/b@c", "../b", "a" * 97 + "/b", "é/b", "a/b\u200b"],
        ),
        (SHA256, ["0" * 64, "a1" * 32], ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n"]),
    ],
)  # fmt: skip
def test_rules(pattern, good, bad):
    assert all(pattern.fullmatch(text) for text in good)
    assert not any(pattern.fullmatch(text) for text in bad)


def test_the_schemas_have_the_same_rules():
    path = REPOSITORY / "oneshot_emotic/submission/schemas/embeddings.schema.json"
    definitions = json.loads(path.read_text())["$defs"]
    fields = definitions["dataset"]["properties"]
    either = f"{DATASET_NAME.pattern}|{REPOSITORY_ID.pattern}"
    assert fields["name"]["pattern"] == rf"^({either})$(?!\n)"
    assert fields["fingerprint"]["pattern"] == f"^{SHA256.pattern}$"
    assert definitions["reference"]["properties"]["sha256"]["pattern"] == f"^{SHA256.pattern}$"
