"""`run`: from an encoder to a shared file and a submission folder."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from oneshot_emotic.submission.embeddings_file import read_embeddings_file
from oneshot_emotic.submission.folder import read_submission_folder

MODULE = """
import numpy as np
class Make:
    identity, card = "made", {"name": "Made", "modalities": ["body"], "base": "none"}
    calls = 0
    def embed(self, images, bodies):
        Make.calls += 1
        return np.stack([np.ravel(body.resize((3, 3))) for body in bodies])
"""
SAID = ("--seen-unseen-names", "no", "--seen-test-images", "yes")


@pytest.fixture
def command(small_copy, tmp_path, monkeypatch):
    """`run` of an encoder of one's own on two tasks, in a checkout."""
    root, dataset = small_copy
    (tmp_path / "made_for_run.py").write_text(MODULE)
    (tmp_path / "submissions").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "made_for_run", raising=False)
    where = ("--data", root, "--dataset", dataset, "--features", tmp_path / "kept")
    return ("run", "made_for_run:Make", *where, "--task", "cat-6-6", "--task", "lev-7-3-valence")


def test_to_a_file_and_a_submission(command, run, tmp_path, small_copy):
    options = ("-o", "all.npz", "--json", "scores.json", "--licence", "MIT", *SAID)
    output = run(*command, "--submit", "My model", *options).output
    assert "My model, 5-shot" in output and "The row on" in output
    folder = tmp_path / "submissions/my-model"
    (file,) = read_submission_folder(folder).files()
    assert file.path.name == "shared.safetensors"
    card = json.loads((folder / "submission.json").read_text())["model"]
    assert card.pop("date")
    assert card == {"name": "My model", "modalities": ["body"], "licence": "MIT", "base": "none",
                    "seen_unseen_names": False, "seen_test_images": True}  # fmt: skip
    given, stored = read_embeddings_file(tmp_path / "all.npz"), file.read()
    assert given.tasks == stored.tasks == ("cat-6-6", "lev-7-3-valence")
    assert given.model["name"] == "My model"
    assert np.array_equal(given.embeddings[1], stored.embeddings[1])  # pixels fit float16
    scores = json.loads((tmp_path / "scores.json").read_text())
    for path in (folder, tmp_path / "all.npz"):
        found = run("score", path, "--dataset", small_copy[1], "--json", "-").output
        assert json.loads(found) == scores
    again = run(*command, "--submit", "My model", "--replace", "--json", "-", *SAID)
    assert json.loads(again.stdout) == scores and "my-model: written" in again.stderr


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        ("card = None", (), "the encoder's card is no JSON"),
        ("batch_size = 2.5", (), "the encoder's batch_size is no whole number: 2.5"),
        ("identity = '\\ud800'", (), "the encoder's identity is no text for a file"),
        ("card = {'name': '...'}", ("-o", "all.npz"), "'...' has no visible letter or digit"),
        ("", ("--task", "cat-6-6"), "task cat-6-6 comes more than once"),
        ("def embed(self, *_): raise SystemExit(0)", (), "has ended the program: SystemExit(0)"),
    ],
)
def test_encoders_that_are_not_as_they_should_be(command, run, tmp_path, line, options, message):
    (tmp_path / "made_for_run.py").write_text(f"{MODULE}    {line}\n")
    output = run(*command, *options, status=2).output
    assert message in output and output.count("error: ") == 1
    module = sys.modules.get("made_for_run")
    assert module is None or module.Make.calls == 0


def test_what_is_wrong_is_told_before_the_work(command, run, tmp_path):
    (tmp_path / "submissions/my-model").mkdir()
    options = ("--submit", "My model", "--code", "ftp://a", "--seen-test-images", "no")
    output = run(*command, *options, status=2).output
    assert "must say 'seen_unseen_names'. Give --seen-unseen-names" in output
    assert "only plain https addresses" in output and "my-model: already exists" in output
    assert sys.modules["made_for_run"].Make.calls == 0 and not (tmp_path / "kept").exists()


def test_a_card_that_says_no_base_was_trained_on_none(command, run, tmp_path):
    module = tmp_path / "made_for_run.py"
    module.write_text(MODULE.replace(', "base": "none"', ""))
    run(*command, "-o", "none.npz", "--submit", "My model", *SAID)
    assert read_embeddings_file(tmp_path / "none.npz").model["base"] == "none"
    sys.modules.pop("made_for_run")
    module.write_text(MODULE.replace('"base": "none"', '"base": "full"'))
    run(*command, "-o", "full.npz")
    assert read_embeddings_file(tmp_path / "full.npz").model["base"] == "full"


def test_stopped_by_ctrl_c_and_gone_on(command, run, tmp_path):
    module = tmp_path / "made_for_run.py"
    module.write_text(MODULE.replace("Make.calls += 1", "raise_at_2()") + STOPPING)
    output = run(*command, status=130).output
    assert output.endswith("stopped; run it again to go on\n") and "already" not in output
    assert "64 of 160 persons were done already\n" in run(*command).output
    assert "already" not in run(*command).output


STOPPING = """
calls = 0
def raise_at_2():
    global calls
    calls += 1
    if calls == 2:
        raise KeyboardInterrupt
"""


def test_a_factory_that_raises(command, run, tmp_path):
    text = 'def Make():\n    raise FileNotFoundError("weights.pt")\n'
    (tmp_path / "made_for_run.py").write_text(text)
    output = run(*command, status=2).output
    expected = "error: made_for_run:Make: cannot be loaded: FileNotFoundError: weights.pt\n"
    assert output == expected


def test_the_help_says_what_an_encoder_of_ones_own_chooses_for_itself(run):
    text = " ".join(run("run", "--help").output.split())
    assert "of timm: or hf: is shown (your own chooses for itself)" in text
    assert "Persons at once, for timm: and hf:; at most 64, the unit that is kept" in text
