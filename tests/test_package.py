"""What is packed, what the README says, what the repository may not hold."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile

import pytest
from conftest import REPOSITORY

from oneshot_emotic.cli.main import COMMANDS

PACKAGES = (
    (REPOSITORY, "oneshot_emotic"),
    (REPOSITORY / "baselines", "oneshot_emotic_baselines"),
)


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    result = subprocess.run(
        [sys.executable, "-c", code, str(out)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    with zipfile.ZipFile(out / result.stdout.split()[-1]) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_package(wheel_names):
    files = {
        str(path.relative_to(parent))
        for parent, package in PACKAGES
        for path in (parent / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= wheel_names
    assert "oneshot_emotic/py.typed" in files
    assert "oneshot_emotic/dataset/bundled/synthetic/manifest.json" in files
    assert "oneshot_emotic/submission/schemas/embeddings.schema.json" in files


def test_the_wheel_holds_nothing_else(wheel_names):
    packages = tuple(f"{package}/" for _, package in PACKAGES)
    others = {name for name in wheel_names if not name.startswith(packages)}
    assert all(".dist-info/" in name for name in others)


def test_the_wheel_is_small():
    bundled = REPOSITORY / "oneshot_emotic/dataset/bundled"
    assert sum(path.stat().st_size for path in bundled.rglob("*") if path.is_file()) < 1_000_000


README = (REPOSITORY / "README.md").read_text()


def test_readme_names_every_command_and_no_other():
    table = README.split("## Commands")[1].split("## Tests")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", " ".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    assert named == set(COMMANDS)


def test_every_link_of_the_documents_leads_somewhere():
    documents = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    documents.append(REPOSITORY / "leaderboard/README.md")
    for document in documents:
        text = document.read_text()
        links = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
        for link in links:
            if not link.startswith("https://"):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_six_pictures_in_the_readme():
    assert len(re.findall(r"<img src=", README)) == 6


def test_the_scores_in_the_readme_are_those_of_the_leaderboard(run):
    block = README.split("```text\n")[1].split("```")[0]
    path = REPOSITORY / "submissions/colour-gradient/cat-6-6.safetensors"
    assert run("score", path).output.startswith(block.rstrip("\n"))


def test_torch_is_an_extra_only():
    text = (REPOSITORY / "pyproject.toml").read_text()
    core = text.split("dependencies = [")[1].split("]")[0]
    assert "torch" not in core and "datasets" not in core
    assert '"torch>=2.8"' in text.split("baselines = [")[1].split("]")[0]
