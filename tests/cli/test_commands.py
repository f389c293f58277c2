"""The commands as a user types them, right and wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from conftest import REPOSITORY
from made import small_stand_in
from matlab import image, person, write_mat
from safetensors import safe_open

from oneshot_emotic import __version__, load_task, open_pictures, write_submission
from oneshot_emotic.cli.main import main
from oneshot_emotic.encoders.features import read_features
from oneshot_emotic.synthetic.settings import StandInSettings

COMMITTED = REPOSITORY / "submissions/colour-gradient/cat-6-6.safetensors"


def vectors_of(path):
    """sample_id -> vector, read without this package."""
    with safe_open(path, "np") as file:
        ids = json.loads(file.metadata()["header"])["ids"]
        return dict(zip(ids, file.get_tensor("embeddings"), strict=True))


@pytest.fixture
def copy(tmp_path):
    """An EMOTIC copy of eight images, enough for every level task to exist."""
    people = [
        image(f"{n}.jpg", person((("Esteem",),), ((2 + n % 3, 4, 7),)), person((("Yearning",),)))
        for n in range(8)
    ]
    root = tmp_path / "copy"
    write_mat(root / "Annotations/Annotations.mat", train=people)
    return root


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """A small stand-in with pictures."""
    return small_stand_in(tmp_path_factory.mktemp("small") / "stand-in", 150)


class TestBuild:
    def test_prints_what_it_found(self, copy, tmp_path, run):
        result = run("build", copy, "-o", tmp_path / "ds", "--quirks", tmp_path / "q.csv")
        for text in (
            "emotic: ",
            "published",
            "23,706",
            "No quirks.",
            "No image folders found",
            "Esteem 8, Yearning 8",
            "released",
            "2,182",
            "this is not the whole of EMOTIC",
            "fingerprint ",
        ):
            assert text in result.output, text
        assert (tmp_path / "q.csv").read_text() == "quirk,where,dropped,detail\n"
        assert load_task("cat-6-6", tmp_path / "ds").classes == ("Esteem", "Yearning")

    def test_rarest_beside_argmax(self, copy, tmp_path, run):
        one = run("build", copy, "-o", tmp_path / "a")
        two = run("build", copy, "-o", tmp_path / "b", "--label-rule", "rarest")
        assert one.output.split("fingerprint ")[1] != two.output.split("fingerprint ")[1]
        assert load_task("cat-6-6", tmp_path / "b").dataset.label_rule == "rarest"

    def test_the_same_again(self, copy, tmp_path, run):
        first = run("build", copy, "-o", tmp_path / "a").output
        again = run("build", copy, "-o", tmp_path / "a").output  # its own folder is replaced
        assert first == again
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []

    def test_names(self, copy, tmp_path, run):
        old = copy / "Annotations"
        (old / "Annotations.mat").rename(old / "CVPR17_Annotations.mat")
        assert "emotic-cvpr17: " in run("build", copy, "-o", tmp_path / "a").output
        assert "mine: " in run("build", copy, "-o", tmp_path / "b", "--name", "mine").output
        for name, message in (("synthetic", "not synthetic"), ("Mine!", "small letters")):
            result = run("build", copy, "-o", tmp_path / "c", "--name", name, status=2)
            assert message in result.output
        run("synth", tmp_path / "st", "--annotations-only", "--persons", 20)
        result = run("build", tmp_path / "st", "-o", tmp_path / "d", "--name", "emotic", status=2)
        assert "a synthetic stand-in" in result.output

    def test_annotations_elsewhere(self, copy, tmp_path, run):
        path = shutil.move(copy / "Annotations/Annotations.mat", tmp_path / "x.mat")
        assert "no Annotations.mat" in run("build", copy, "-o", tmp_path / "a", status=2).output
        run("build", copy, "-o", tmp_path / "a", "--annotations", path)

    def test_an_output_folder_in_use_is_left_alone(self, copy, tmp_path, run):
        out = tmp_path / "out"
        out.mkdir()
        (out / "thesis.txt").write_text("years of work")
        assert "already holds other files" in run("build", copy, "-o", out, status=2).output
        assert [path.name for path in out.iterdir()] == ["thesis.txt"]

    @pytest.mark.parametrize("what", ["missing", "file", "empty", "csv", "csv-file"])
    def test_wrong_roots(self, tmp_path, run, what):
        root = tmp_path / "root"
        if what == "file":
            root.write_text("x")
        elif what != "missing":
            root.mkdir()
        if what.startswith("csv"):
            (root / "train.csv").write_text("Index\n")
            root = root / "train.csv" if what == "csv-file" else root
        result = run("build", root, "-o", tmp_path / "ds", status=2)
        assert result.output.startswith("error: ")
        assert result.output.count("\n") == 1
        assert not (tmp_path / "ds").exists()
        assert ("preprocessed" in result.output) == what.startswith("csv")


class TestScore:
    @pytest.fixture
    def file(self, tmp_path, task):
        path = tmp_path / "a.npz"
        vectors = np.eye(6)[task.novel_labels]
        write_submission(path, (task.novel.sample_ids, vectors), task, {"name": "Oracle"})
        return path

    def test_one_file(self, file, run):
        output = run("score", file).output
        assert "cat-6-6 on synthetic (argmax): 6 novel classes, 1,000 support draws" in output
        assert "Oracle, 1-shot" in output and "Oracle, 5-shot" in output
        line = next(line for line in output.splitlines() if line.startswith("Oracle, 1-shot"))
        # Wilson's interval of a share of 1: never the figure alone.
        assert re.search(r"100\.0 \[99\.\d, 100\.0\]  +100\.0 \[99\.\d, 100\.0\]  +100\.0$", line)
        assert "Chance" in output and "Always the majority class" in output
        assert "95 % interval by leaving out one image at a time" in output

    def test_verbose(self, file, run):
        output = run("score", file, "--verbose", "--shots", 1).output
        assert "exact ties         0 of" in output
        assert "best draw          0, 100.0 %" in output
        assert "image holds a base person" in output

    def test_latex(self, file, run):
        lines = run("score", file, "--latex").output.splitlines()
        assert [line for line in lines if not line.startswith("%")] == [
            r"Oracle & 1 & 100.0 {\footnotesize [99.3, 100.0]} \\",
            r"Oracle & 5 & 100.0 {\footnotesize [99.3, 100.0]} \\",
        ]

    def test_json(self, file, tmp_path, run):
        run("score", file, "--json", tmp_path / "new/s.json", "--shots", 3)
        content = json.loads((tmp_path / "new/s.json").read_text())
        assert list(content["tasks"]["cat-6-6"]) == ["3"]
        assert json.loads(run("score", file, "--json", "-", "--shots", 3).output) == content

    def test_several_tasks(self, file, tmp_path, run):
        other = load_task("cat-6-4")
        path = tmp_path / "b.json"
        write_submission(
            path, (other.novel.sample_ids, np.eye(4)[other.novel_labels]), other, {"name": "Oracle"}
        )
        output = run("score", path, file).output
        assert output.index("cat-6-6 on synthetic") < output.index("cat-6-4 on synthetic")
        assert "overall cat" in output
        assert "-" in run("score", file, path, "--json", "-").output

    def test_problems_of_all_files_at_once(self, file, tmp_path, run):
        (tmp_path / "b.json").write_text("{}")
        result = run("score", tmp_path / "none.json", file, tmp_path / "b.json", status=2)
        assert "none.json: there is no such file" in result.output
        assert "b.json: 'task' is a required property" in result.output
        assert "balanced" not in result.output

    def test_twice_the_same_task(self, file, run):
        assert "is given more than once" in run("score", file, file, status=2).output

    def test_other_data_set(self, file, run, tmp_path, copy):
        run("build", copy, "-o", tmp_path / "ds")
        result = run("score", file, "--dataset", tmp_path / "ds", status=2)
        assert "was made for the data set 'synthetic'" in result.output

    def test_wrong_task_option(self, file, run):
        assert "not 'cat-6-4'" in run("score", file, "--task", "cat-6-4", status=2).output

    def test_an_unscorable_task_says_so(self, tmp_path, copy, run):
        run("build", copy, "-o", tmp_path / "ds")
        path = tmp_path / "e.npz"
        np.savez(path, ids=np.array(["x"]), embeddings=np.ones((1, 2)))
        arguments = ("--dataset", tmp_path / "ds", "--task", "lev-7-3-arousal")
        assert "needs two to be scored" in run("score", path, *arguments, status=2).output

    def test_a_message_obeys_no_file(self, tmp_path, run):
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"task": "\x1b[31mred\u202e\nline"}))
        output = run("score", path, status=2).output
        assert "\x1b" not in output and "\u202e" not in output


class TestOthers:
    def test_ids(self, run, task):
        assert run("ids", "cat-6-6").output.splitlines() == list(task.novel.sample_ids)
        base = run("ids", "cat-6-6", "--base").output.splitlines()
        assert base[0] == f"{task.base.sample_ids[0]}\t{task.base.labels[0]}"

    def test_tasks(self, run):
        output = run("tasks").output
        assert "lev-6-4-dominance" in output and "Engagement 325" in output

    def test_embed_and_score(self, tmp_path, run, stand_in):
        shutil.copytree(stand_in, tmp_path / "st")
        run("build", tmp_path / "st", "-o", tmp_path / "ds")
        arguments = (
            "--data",
            tmp_path / "st",
            "--dataset",
            tmp_path / "ds",
            "--task",
            "cat-6-6",
            "-o",
        )
        run("embed", "colour-gradient", *arguments, tmp_path / "p")
        [file] = (tmp_path / "p").iterdir()
        assert "Colour and gradient" in run("score", file, "--dataset", tmp_path / "ds").output
        # `run` makes the same vectors, and keeps them of base persons too
        run("run", "colour-gradient", *arguments, tmp_path / "q.safetensors")
        assert (tmp_path / "q.safetensors").read_bytes() == file.read_bytes()
        (kept,) = (tmp_path / "st/features").iterdir()
        assert read_features(kept).sample_ids == tuple(open_pictures(tmp_path / "st"))
        (tmp_path / "st/emotic/mscoco/images").rename(tmp_path / "gone")
        result = run("embed", "colour-gradient", *arguments, tmp_path / "r")
        assert "have no sound picture" in result.output
        result = run("embed", "random", "--data", tmp_path / "st", "-o", tmp_path / "s", status=2)
        assert "not in these annotations, such as" in result.output

    @pytest.mark.stored
    def test_embeddings_are_the_committed_ones(self, tmp_path, run, stand_in):
        """A small stand-in is the beginning of the large one; its last picture lacks people.

        A gradient just between two orientations falls by the last bit of the processor's arctan2:
        a few numbers of few persons may differ by a pixel's share.
        """
        run("build", stand_in, "-o", tmp_path / "ds", "--no-images")
        arguments = ("--data", stand_in, "--dataset", tmp_path / "ds", "-o", tmp_path / "p")
        run("embed", "colour-gradient", *arguments, "--task", "cat-6-6")
        [file] = (tmp_path / "p").iterdir()
        made, stored = vectors_of(file), vectors_of(COMMITTED)
        *_, last = sorted(stand_in.rglob("*.jpg"), key=lambda path: path.name)
        common = [x for x in made.keys() & stored.keys() if last.name not in x]
        pairs = [(made[x].astype(np.float16), stored[x]) for x in common]
        same = [np.array_equal(*pair) for pair in pairs]
        assert len(common) > 20 and sum(same) >= len(common) - 2
        assert all((a == b).mean() > 0.95 and np.abs(a - b).max() < 0.01 for a, b in pairs)

    def test_check_images(self, tmp_path, run):
        run("synth", tmp_path / "st", "--persons", 12, "--workers", 1)
        assert "All present and whole" in run("check-images", tmp_path / "st").output
        pictures = sorted((tmp_path / "st").rglob("*.jpg"))
        pictures[0].write_bytes(pictures[0].read_bytes()[:2000])
        pictures[1].unlink()
        result = run("check-images", tmp_path / "st", "-o", tmp_path / "l.csv", status=1)
        assert "truncated" in result.output and "missing" in result.output
        assert pictures[0].name in (tmp_path / "l.csv").read_text()
        result = run("check-images", tmp_path / "st", status=1)
        assert pictures[1].name in result.output

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--persons", 0),
            ("--body-cue", 1.5),
            ("--semantic-cue", -1),
            ("--posture-noise", 99),
            ("--seed", -4),
        ],
    )
    def test_synth_refuses(self, tmp_path, run, arguments):
        result = run("synth", tmp_path / "st", *arguments, status=2)
        assert result.output.startswith("error: ")
        assert not (tmp_path / "st").exists()

    def test_unknown_command(self, run):
        assert "No such command 'nothing'" in run("nothing", status=2).output

    def test_version(self, run):
        assert run("--version").output == "oneshot-emotic, version 0.3.0\n"

    def test_a_read_only_place_is_a_message(self, tmp_path, run, monkeypatch, copy):
        def full(*args, **kwargs):
            raise OSError(28, "No space left on device", str(tmp_path / "ds"))

        monkeypatch.setattr("pyarrow.parquet.write_table", full)
        result = run("build", copy, "-o", tmp_path / "ds", status=2)
        assert "No space left on device" in result.output
        assert not (tmp_path / "ds").exists()
        assert [p.name for p in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize("name", ["score", "build", "demo", "embed"])
def test_help_of_a_command(name, run):
    assert main.get_command(None, name).name
    assert "Usage" in run(name, "--help").output


def test_the_demo_on_a_small_stand_in(tmp_path, run, stand_in, monkeypatch):
    """Made before, so that the demo takes it from there."""
    small = partial(StandInSettings, persons=150)
    monkeypatch.setattr("oneshot_emotic.synthetic.settings.StandInSettings", small)
    shutil.copytree(stand_in, tmp_path / f"stand-in-{__version__}")
    output = run("demo", "--workdir", tmp_path, "--workers", 1).output
    assert "there already, from an earlier run" in output
    assert "4/4" in output and "overall cat" in output


@pytest.mark.long
def test_the_demo_runs_with_torch_blocked(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = sys.modules['datasets'] = None\n"
        "from oneshot_emotic.cli.main import main\n"
        "if __name__ == '__main__': main(prog_name='oneshot-emotic')"
    )
    script = tmp_path / "demo.py"
    script.write_text(code)
    command = [sys.executable, str(script), "demo", "--workdir", str(tmp_path / "work")]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert "the same as the synthetic data set inside the package" in first.stdout
    assert "4/4" in first.stdout and "overall cat" in first.stdout
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "there already, from an earlier run" in again.stdout
    table = first.stdout.split("4/4")[1].split("What came out")[0]
    assert again.stdout.split("4/4")[1].split("What came out")[0] == table
