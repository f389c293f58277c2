"""The workflow files: no secret and no right to write in reach of what a pull request holds."""

from __future__ import annotations

import importlib.util
import io
import os
import random
import re
import struct
import subprocess
import sys
import zipfile
from typing import ClassVar

import pytest
import yaml
from conftest import REPOSITORY

FOLDER = REPOSITORY / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def load(name):
    content = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    content["on"] = content.pop(True)  # YAML 1.1 reads `on` as a truth value
    return content


def steps_of(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def scripts_of(workflow):
    return "\n".join(step.get("run", "") for step in steps_of(workflow))


def test_there_are_seven():
    names = {"board", "long", "pages", "release", "submission", "submission-comment", "tests"}
    assert {path.stem for path in FILES} == names


def test_a_release_needs_no_stored_secret():
    """The index trusts the workflow itself; only the job that uploads may ask for a token."""
    workflow = load("release")
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    assert workflow["permissions"] == {"contents": "read"}
    build, publish = workflow["jobs"].values()
    assert "permissions" not in build and publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "release" and publish["needs"] == "build"
    assert not any("checkout" in step.get("uses", "") for step in publish["steps"])


def test_the_board_is_written_for_the_main_branch_alone():
    workflow = load("board")
    assert workflow["on"].keys() == {"push", "workflow_dispatch"}
    assert workflow["on"]["push"] == {"branches": ["main"], "paths": ["submissions/**"]}
    assert workflow["permissions"] == {}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "write"}
    checkout = job["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.repository.default_branch }}"


def test_the_site_is_deployed_from_the_main_branch_by_a_job_that_runs_nothing_of_it():
    workflow = load("pages")
    assert workflow["on"].keys() == {"push", "workflow_dispatch"}
    assert workflow["on"]["push"]["branches"] == ["main"] and workflow["permissions"] == {}
    build, deploy = workflow["jobs"].values()
    assert build["permissions"] == {"contents": "read"}
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    [step] = deploy["steps"]
    assert step["uses"].startswith("actions/deploy-pages@") and deploy["needs"] == "build"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestEvery:
    def test_actions_are_githubs_own_and_pinned_by_commit(self, path):
        used = [step["uses"] for step in steps_of(load(path.stem)) if "uses" in step]
        assert used
        for action in used:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert len(re.findall(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", path.read_text(), re.M)) == len(
            used
        )

    def test_no_value_of_an_event_is_pasted_into_a_script(self, path):
        assert "${{" not in scripts_of(load(path.stem))

    def test_no_checkout_leaves_a_token_behind(self, path):
        for step in steps_of(load(path.stem)):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False

    def test_no_secret_is_named_and_the_dangerous_trigger_is_not_used(self, path):
        text = path.read_text()
        assert "secrets" not in re.sub(r"#.*", "", text)
        assert "pull_request_target" not in text

    def test_jobs_end(self, path):
        assert all(job["timeout-minutes"] <= 45 for job in load(path.stem)["jobs"].values())


@pytest.mark.parametrize("name", ["tests", "submission"])
def test_what_runs_for_pull_requests_may_only_read(name):
    workflow = load(name)
    assert "pull_request" in workflow["on"] and "workflow_run" not in workflow["on"]
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "github.token" not in (FOLDER / f"{name}.yml").read_text()


class TestSubmission:
    def test_it_runs_the_base_branch_on_the_data_of_the_pull_request(self):
        workflow = load("submission")
        assert workflow["on"] == {"pull_request": {"paths": ["submissions/**"]}}
        base, head = [x["with"] for x in steps_of(workflow) if "checkout" in x.get("uses", "")]
        assert base["ref"] == "${{ github.event.pull_request.base.sha }}"
        assert base["path"] == "base"
        assert head["ref"] == "${{ github.event.pull_request.head.sha }}"
        assert head["sparse-checkout"] == "submissions"
        script = scripts_of(workflow)
        # From the pull request's checkout nothing but submissions/ is named, and only copied.
        assert set(re.findall(r"pull-request/?\S*", script)) == {"pull-request/submissions"}
        assert re.findall(r"pip install (\S+)", script) == ["./base"]
        assert "find pull-request/submissions -type l" in script
        [job] = workflow["jobs"].values()
        assert job["env"] == {"PYTHONSAFEPATH": "1"}
        assert "working-directory" not in (FOLDER / "submission.yml").read_text()

    def test_its_commands_exist(self, run):
        assert "ROOT" in run("leaderboard", "--help").output
        assert "oneshot-emotic leaderboard changed --diff base" in scripts_of(load("submission"))

    @pytest.mark.skipif(sys.platform == "win32", reason="the step is a bash script")
    @pytest.mark.parametrize("failing", [None, "leaderboard changed", "--diff"])
    def test_a_comment_says_what_changed_or_why_not(self, tmp_path, failing):
        """The step as it is, with a stand-in for the command."""
        [step] = [x for x in steps_of(load("submission")) if x.get("name", "").startswith("Recomp")]
        command = tmp_path / "bin/oneshot-emotic"
        command.parent.mkdir()
        fails = f'case "$*" in *"{failing}"*) echo "error: x is wrong" >&2; exit 2;; esac'
        lines = ["#!/bin/sh", fails if failing else "", 'echo "did $*"']
        command.write_text("\n".join(lines))
        command.chmod(0o755)
        for name in ("result", "changed/leaderboard"):
            (tmp_path / name).mkdir(parents=True)
        environment = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}
        result = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        comment = (tmp_path / "result/comment.md").read_text()
        if failing is None:
            assert result.returncode == 0
            assert comment == "did leaderboard changed --diff base\n"
        else:
            assert result.returncode == 1
            assert comment == "The rows could not be recomputed:\nerror: x is wrong\n"
        # What failed is uploaded too, and fetched for the comment.
        [upload] = [x for x in steps_of(load("submission")) if "upload" in x.get("uses", "")]
        assert upload["if"] == "${{ !cancelled() }}" and upload["with"]["path"] == "result"
        assert "success'" not in (FOLDER / "submission-comment.yml").read_text().split("steps:")[1]


class TestComment:
    def test_it_checks_out_scripts_of_the_default_branch_alone(self):
        workflow = load("submission-comment")
        assert workflow["on"] == {
            "workflow_run": {"workflows": [load("submission")["name"]], "types": ["completed"]}
        }
        [checkout] = [step for step in steps_of(workflow) if "uses" in step]
        assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
        assert checkout["with"]["sparse-checkout"] == ".github/scripts"
        assert workflow["permissions"] == {}
        [job] = workflow["jobs"].values()
        assert job["permissions"] == {
            "actions": "read",
            "contents": "read",
            "pull-requests": "write",
        }
        assert "pip" not in scripts_of(workflow)

    def test_nothing_of_the_artifact_decides_where_the_comment_goes(self):
        steps = {step["name"]: step for step in steps_of(load("submission-comment"))}
        names = list(steps)
        assert names.index("Which pull request") < names.index("The artifact, if it is small")
        which = steps["Which pull request"]
        assert "rows.zip" not in which["run"]
        assert "select(.head.sha == env.HEAD_SHA)" in which["run"]
        assert '"$number" =~ ^[1-9][0-9]{0,8}$' in which["run"]
        assert "size_in_bytes < " in steps["The artifact, if it is small"]["run"]
        assert "body=@comment.md" in steps["The comment"]["run"]
        assert "unzip" not in scripts_of(load("submission-comment"))


SPEC = importlib.util.spec_from_file_location("comment", REPOSITORY / ".github/scripts/comment.py")
comment = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(comment)

RUN = "https://github.com/lab/oneshot-emotic/actions/runs/1"


class TestCommentText:
    def text_of(self, tmp_path, content, name="comment.md"):
        path = tmp_path / "rows.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return comment.artifact_text(path)

    @pytest.mark.parametrize(
        "given",
        [
            "| rank | model |\n|---|---|\n| 1 | ours |\n",
            "```\n@everyone <img src=x onerror=alert(1)>\n```",
            "````\n```\n[x](javascript:alert(1))\n`````````\n@all",
            "<!-- -->\n</details>\n~~~\n# big\n",
            "\n\n    \n\t```\n",
            "a\u202eb\x1b[31m\x00c\u2028d",
        ],
    )
    def test_it_is_one_block_that_nothing_ends(self, tmp_path, given):
        from markdown_it import MarkdownIt

        text = self.text_of(tmp_path, given)
        tokens = MarkdownIt("commonmark", {"html": True}).parse(comment.comment(text, RUN))
        around = ["html_block", "paragraph_open", "inline", "paragraph_close"]
        assert [token.type for token in tokens] == [*around, "fence"]
        assert tokens[-1].content.strip() == text.strip()
        assert text == given or "|" not in given
        assert not set("\u202e\x1b\x00\u2028") & set(text)

    def test_no_text_is_too_long(self, tmp_path):
        text = self.text_of(tmp_path, b"0" * 200_000_000)  # not unpacked
        assert len(text) < comment.LIMIT + 100
        assert len(comment.comment(text, RUN)) < 65_536
        text = self.text_of(tmp_path, "`" * 100_000)
        assert "could not be recomputed" in comment.comment(text, RUN)

    def test_another_member_and_other_bytes(self, tmp_path):
        assert self.text_of(tmp_path, "x", name="../comment.md") is None
        assert self.text_of(tmp_path, b"\xff\xfe ok") == "\ufffd\ufffd ok"

    def archive(self, **changes):
        """A zip archive of comment.md, and fields of both of its headers changed."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", changes.pop("method", zipfile.ZIP_DEFLATED)) as archive:
            archive.writestr("comment.md", b"0123456789" * 50)
        content = bytearray(stream.getvalue())
        central = content.index(b"PK\x01\x02")
        # Field -> place in the local header; two bytes further on in the central directory.
        short = {"version": 4, "flags": 6, "compression": 8, "name_length": 26, "extra_length": 28}
        long = {"crc": 14, "packed": 18, "size": 22}
        for field, value in changes.items():
            kind, place = ("<H", short[field]) if field in short else ("<I", long[field])
            struct.pack_into(kind, content, place, value)
            struct.pack_into(kind, content, central + 2 + place, value)
        return bytes(content)

    BROKEN: ClassVar = {
        "encrypted": {"flags": 1},
        "strongly encrypted": {"flags": 0x41},
        "patched": {"flags": 0x20},
        "a later version": {"version": 99},
        "an unknown method": {"compression": 97},
        "another method than it says": {"compression": 8, "method": zipfile.ZIP_STORED},
        "bzip2": {"method": zipfile.ZIP_BZIP2},
        "lzma": {"method": zipfile.ZIP_LZMA},
        "no deflate stream": {"compression": 8, "method": zipfile.ZIP_BZIP2},
        "a wrong checksum": {"crc": 1},
        "a long name": {"name_length": 0xFFFF},
        "a long extra": {"extra_length": 0xFFFF},
    }

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_broken_archive(self, tmp_path, name):
        path = tmp_path / "rows.zip"
        path.write_bytes(self.archive(**self.BROKEN[name]))
        assert comment.artifact_text(path) is None

    @pytest.mark.parametrize("field", ["size", "packed"])
    def test_a_huge_declared_size(self, tmp_path, field):
        path = tmp_path / "rows.zip"
        path.write_bytes(self.archive(**{field: 0xFFFFFFFE}))
        text = comment.artifact_text(path)
        assert text is None or text == "0123456789" * 50

    @pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_any_damage_ends_in_a_text_or_none(self, tmp_path, method):
        rng, path = random.Random(20261121), tmp_path / "rows.zip"
        sound = self.archive(method=method)
        for _ in range(200):
            content = bytearray(sound)
            for _ in range(rng.randint(1, 4)):
                value = rng.choice([0, 1, 0x7F, 0xFF, rng.randrange(256)])
                content[rng.randrange(len(content))] = value
            path.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
            text = comment.artifact_text(path)
            assert text is None or len(text) < comment.LIMIT + 100

    @pytest.mark.skipif(os.name != "posix", reason="files of POSIX")
    @pytest.mark.parametrize("kind", ["missing", "empty", "no zip", "folder", "pipe", "loop"])
    def test_what_is_no_archive(self, tmp_path, kind):
        path = tmp_path / "rows.zip"
        makers = {
            "missing": lambda: None,
            "empty": path.touch,
            "no zip": lambda: path.write_bytes(b"PK\x03\x04 no zip"),
            "folder": path.mkdir,
            "pipe": lambda: os.mkfifo(path),
            "loop": lambda: path.symlink_to(path),
        }
        makers[kind]()
        assert comment.artifact_text(path) is None
        assert "could not be recomputed" in comment.comment(None, RUN)

    def test_a_large_archive(self, tmp_path):
        path = tmp_path / "rows.zip"
        with path.open("wb") as stream:  # a hole before, as a self-extracting archive has
            stream.seek(comment.LARGEST)
            stream.write(self.archive())
        assert comment.artifact_text(path) is None

    def test_the_script_never_ends_in_a_traceback(self, tmp_path):
        """On a terminal without the characters, too."""
        path = tmp_path / "rows.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("comment.md", "‡ ≈ –")
        script = REPOSITORY / ".github/scripts/comment.py"
        for name, expected in ((path, "‡ ≈ –"), (tmp_path / "none.zip", "could not be recomputed")):
            done = subprocess.run(
                [sys.executable, str(script), str(name), RUN],
                capture_output=True,
                check=True,
                env={**os.environ, "PYTHONIOENCODING": "ascii"},
            )
            assert expected in done.stdout.decode("utf-8") and done.stderr == b""

    @pytest.mark.parametrize("address", ["", "javascript:alert(1)", "https://github.com/a) b"])
    def test_the_address_is_githubs(self, address):
        with pytest.raises(SystemExit):
            comment.comment("x", address)
