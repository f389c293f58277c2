"""`submit` and `check-submission`: from files of embeddings to a row, and what is wrong."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
from conftest import REPOSITORY

from oneshot_emotic import evaluate, load_task, write_submission
from oneshot_emotic.report import task_report
from oneshot_emotic.submission.embeddings_file import read_embeddings_file
from oneshot_emotic.submission.folder import read_submission_folder
from oneshot_emotic.submission.model_card import slug_of
from oneshot_emotic.submission.runs import narrowed

SAID = ("--seen-unseen-names", "no", "--seen-test-images", "no")
CARD = {
    "name": "A model, ours",
    "description": "What it is.",
    "authors": ["Ada", "Grace"],
    "date": "2026-11-20",
    "code": "https://example.org/code",
    "paper": "https://example.org/paper",
    "modalities": ["image", "body"],
    "backbone": "ResNet-18",
    "pretraining": "ImageNet",
    "parameters": 11_700_000,
    "training_seeds": [1, 2],
    "licence": "MIT",
    "seen_unseen_names": True,
    "base": "clean",
    "seen_test_images": False,
}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "checkout/submissions").mkdir(parents=True)
    return tmp_path / "checkout"


@pytest.fixture
def file(tmp_path, task, rng):
    path = tmp_path / "cat-6-6.npz"
    vectors = rng.normal(size=(len(task.novel), 8))
    write_submission(path, (task.novel.sample_ids, vectors), task, dtype="float64")
    return path


def document(folder):
    return json.loads((folder / "submission.json").read_text())


class TestSubmit:
    def test_every_field_of_the_card(self, file, root, run):
        options = []
        for field, value in CARD.items():
            name = {"authors": "author", "modalities": "modality", "training_seeds": "seed"}
            option = f"--{name.get(field, field).replace('_', '-')}"
            values = value if isinstance(value, list) else [value]
            if isinstance(value, bool):
                values = ["yes" if value else "no"]
            options += [part for item in values for part in (option, item)]
        output = run("submit", file, "--root", root, *options).output
        folder = root / "submissions/a-model-ours"
        assert document(folder)["model"] == CARD
        assert "A model, ours ‡" in output and "image, body" in output
        assert "Not said in the model card" not in output
        checked = run("check-submission", folder).output
        assert "nothing wrong" in checked and "the model card" not in checked

    def test_the_row_is_the_row(self, file, root, run, task):
        shutil.copytree(REPOSITORY / "leaderboard", root / "leaderboard")
        output = run("submit", file, "--root", root, "--name", "Mine", *SAID).output
        run("leaderboard", root)
        run("leaderboard", root, "--check")
        page = (root / "leaderboard/README.md").read_text().replace("\N{NO-BREAK SPACE}", " ")
        shown = re.search(r"\d+\.\d \[\d+\.\d, \d+\.\d\]", output)[0]
        row = next(line for line in page.splitlines() if "Mine" in line)
        assert shown in row
        (stored_file,) = read_submission_folder(root / "submissions/mine").files()
        stored = evaluate(stored_file.read().embeddings, task, (1, 5))
        given = evaluate(read_embeddings_file(file).embeddings, task, (1, 5))
        assert task_report(stored, task.name, {}) == task_report(given, task.name, {})

    def test_headers_say_what_options_do_not(self, tmp_path, root, run, task):
        ids = task.novel.sample_ids
        path = tmp_path / "a.json"
        write_submission(path, (ids, np.eye(6)[task.novel_labels]), task, CARD)
        run("submit", path, "--root", root, "--backbone", "ViT", "--slug", "other")
        assert document(root / "submissions/other")["model"] == {**CARD, "backbone": "ViT"}
        other = load_task("cat-6-4")
        second = tmp_path / "b.npz"
        vectors = (other.novel.sample_ids, np.eye(4)[other.novel_labels])
        write_submission(second, vectors, other, {**CARD, "licence": "none"})
        output = run("submit", path, second, "--root", root, status=2).output
        assert "differ in 'licence'" in output and "--licence" in output
        run("submit", second, path, "--root", root, "--licence", "MIT")
        assert list(document(root / "submissions/a-model-ours")["tasks"]) == ["cat-6-6", "cat-6-4"]

    def test_all_problems_at_once(self, file, tmp_path, root, run):
        (tmp_path / "b.json").write_text("{")
        options = ("--code", "ftp://example.org", "--date", "2026-02-30", "--slug", "Mine!")
        output = run("submit", file, tmp_path / "b.json", file, *options, status=2).output
        for text in (
            "b.json: is not JSON",
            "cat-6-6.npz: is given more than once",
            "must say 'name'",
            "must say 'seen_unseen_names'",
            "must say 'seen_test_images'",
            "only plain https addresses",
            "2026-02-30 is not a date",
            "not 'Mine!'",
        ):
            assert text in output, text
        assert list((root / "submissions").iterdir()) == []

    def test_not_in_a_checkout(self, file, tmp_path, run):
        output = run("submit", file, "--root", tmp_path, "--name", "a", *SAID, status=2).output
        assert "Run the command in a checkout" in output

    def test_replace(self, file, root, run):
        arguments = ("submit", file, "--root", root, "--name", "Mine", *SAID)
        run(*arguments)
        assert "submissions/mine: already exists" in run(*arguments, status=2).output
        run(*arguments, "--replace", "--licence", "MIT")
        folder = root / "submissions/mine"
        assert document(folder)["model"]["licence"] == "MIT"
        # What is not said again stays as it was.
        output = run(*arguments, "--replace", "--author", "Ada").output
        assert "taken over from the card that is replaced: licence" in output
        card = document(folder)["model"]
        assert (card["licence"], card["authors"]) == ("MIT", ["Ada"])
        (folder / "thesis.txt").write_text("years of work")
        assert "thesis.txt" in run(*arguments, "--replace", status=2).output
        assert (folder / "thesis.txt").exists()
        assert [path.name for path in (root / "submissions").iterdir()] == ["mine"]

    def test_a_name_without_latin_letters_wants_a_slug(self, file, root, run):
        run("submit", file, "--root", root, "--name", "感情", "--slug", "kanjou", *SAID)
        assert document(root / "submissions/kanjou")["model"]["name"] == "感情"

    def test_never_prompts(self, file, root, run):
        # the runner's standard input is empty: a prompt would abort with status 1
        assert "must say 'name'" in run("submit", file, "--root", root, status=2).output


class TestCompact:
    def printed(self, scores):
        return task_report(scores, "cat-6-6", {})

    def test_exact_float16_stays(self, task):
        vectors = np.eye(6)[task.novel_labels] * 0.5
        [array], _ = narrowed([vectors], task, lambda scores: pytest.fail("no need to compare"))
        assert array.dtype == np.float16

    def test_float16_where_nothing_printed_changes(self, task, rng):
        vectors = 10 * np.eye(6)[task.novel_labels] + rng.normal(size=(len(task.novel), 6)) / 9
        [array], [scores] = narrowed([vectors], task, self.printed)
        assert array.dtype == np.float16
        assert self.printed(scores) == self.printed(
            evaluate((task.novel.sample_ids, vectors), task, (1, 5))
        )

    def test_float32_where_it_does(self, task, rng):
        # float16 has 11 bits: beside 1,000 it cannot hold what tells the classes apart
        vectors = 1_000 + 0.1 * np.eye(6)[task.novel_labels]
        [array], [scores] = narrowed([vectors], task, self.printed)
        assert array.dtype == np.float32
        assert scores[1].balanced_accuracy.mean == 1.0

    def test_float32_where_float16_overflows(self, task):
        [array], _ = narrowed([1e6 * np.eye(6)[task.novel_labels]], task, self.printed)
        assert array.dtype == np.float32


def test_slugs():
    assert slug_of("  Ünïcode & Co. (v2)") == "unicode-co-v2"
    assert slug_of("感情") == ""
    assert len(slug_of("a" * 99)) == 64


class TestCheckSubmission:
    def test_the_committed_ones(self, run):
        folders = [REPOSITORY / "submissions" / name for name in ("random", "colour-gradient")]
        output = run("check-submission", *folders).output
        assert output.count("all ") == 16 and "nothing wrong" in output

    def test_a_file(self, file, run):
        output = run("check-submission", file).output
        assert "cat-6-6, all 793 novel persons, 8 dimensions, float64" in output

    def test_everything_wrong_at_once(self, file, root, run, tmp_path):
        other = load_task("cat-6-4")
        second = tmp_path / "b.npz"
        write_submission(second, (other.novel.sample_ids, np.eye(4)[other.novel_labels]), other)
        run("submit", file, second, "--root", root, "--name", "Mine", *SAID)
        folder = (root / "submissions/mine").rename(root / "submissions/Mine")
        content = document(folder)
        content["model"] |= {"date": "soon", "colour": "red", "name": "a\u202eb"}
        content["tasks"]["cat-6-6"]["sha256"] = "0" * 64
        content["tasks"]["lev-7-3-valence"] = {"file": "../x.npz", "sha256": "0" * 64}
        (folder / "submission.json").write_text(json.dumps(content))
        (folder / "notes.txt").write_text("x")
        (folder / "cat-6-4.safetensors").write_bytes(b"x" * 30)
        output = run("check-submission", folder, status=2).output
        for text in (
            "small letters",
            "'colour' was unexpected",
            "model.date",
            "model.name: holds characters that do not show, U+202E",
            "'../x.npz' does not match",
            "notes.txt: is not named",
            "cat-6-6.safetensors: has the SHA-256",
            "cat-6-4.safetensors: has the SHA-256",
        ):
            assert text in output, text
        assert "nothing wrong" not in output

    def test_nothing_there(self, root, run):
        output = run("check-submission", root / "submissions", status=2).output
        assert "submission.json: there is no such file" in output
        output = run("check-submission", root / "none.npz", status=2).output
        assert "there is no such file" in output

    def test_max_bytes(self, file, run):
        output = run("check-submission", file, "--max-bytes", 1000, status=2).output
        assert "more than the 1,000 that are read" in output and "--max-bytes" in output


@pytest.mark.parametrize("slug", ["../../elsewhere", "../elsewhere", "a/b", "/tmp/elsewhere-slug"])
def test_no_slug_leads_out_of_submissions(tmp_path, task, run, slug):
    (tmp_path / "root/submissions").mkdir(parents=True)
    write_submission(tmp_path / "a.npz", {x: [1.0] for x in task.novel.sample_ids}, task)
    words = ("--seen-unseen-names", "no", "--seen-test-images", "no", "--name", "x", "--replace")
    output = run(
        "submit", tmp_path / "a.npz", "--root", tmp_path / "root", "--slug", slug, *words, status=2
    ).output
    assert "1 to 64 small letters, digits and hyphens" in output
    assert sorted(x.name for x in tmp_path.rglob("*")) == ["a.npz", "root", "submissions"]
