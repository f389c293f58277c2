"""What is packed, what the README says, what the repository may not hold."""

from __future__ import annotations

import ast
import re
import tarfile
import tomllib
import zipfile

import pytest
from conftest import REPOSITORY
from made import python

import oneshot_emotic
from oneshot_emotic.cli.main import COMMANDS

PACKAGES = (
    (REPOSITORY, "oneshot_emotic"),
    (REPOSITORY / "baselines", "oneshot_emotic_baselines"),
)


def built(kind, folder):
    """The path of a wheel or an sdist, built from this tree."""
    code = f"import sys; from hatchling.build import *; print(build_{kind}(sys.argv[1]))"
    return folder / python("-c", code, folder, cwd=REPOSITORY).stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(built("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    names = set(wheel.namelist())
    files = {
        str(path.relative_to(parent))
        for parent, package in PACKAGES
        for path in (parent / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= names and all(".dist-info/" in name for name in names - files)
    assert "oneshot_emotic/py.typed" in files
    assert "oneshot_emotic/dataset/bundled/synthetic/manifest.json" in files
    assert "oneshot_emotic/submission/schemas/embeddings.schema.json" in files
    assert sum(x.file_size for x in wheel.infolist() if "/bundled/" in x.filename) < 1_000_000


def test_the_index_page_links_to_nothing_that_is_not_there(wheel):
    [path] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    page = wheel.read(path).decode().split("\n\n", 1)[1]
    assert "## The tasks" in page and "docs/protocol.md has every rule" in page
    links = re.findall(r"\]\(([^)]+)\)", page) + re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links and all(link.startswith("https://") for link in links)


def test_the_sdist_holds_what_the_wheel_is_built_from_and_no_tests(tmp_path):
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for parent, package in PACKAGES:
        for path in (parent / package).rglob("*.py"):
            assert str(path.relative_to(REPOSITORY)) in names
    rooms = {name.partition("/")[0] for name in names}
    assert not rooms & {"tests", "submissions", "leaderboard", "benchmarks", ".ci", ".github"}


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
    assert len(re.findall(r"<img src=", README)) == 9


@pytest.mark.stored
def test_the_scores_in_the_readme_are_those_of_the_leaderboard(run):
    block = README.split("```text\n")[1].split("```")[0]
    path = REPOSITORY / "submissions/colour-gradient/cat-6-6.safetensors"
    assert run("score", path).output.startswith(block.rstrip("\n"))


def test_torch_is_an_extra_only():
    text = (REPOSITORY / "pyproject.toml").read_text()
    core = text.split("dependencies = [")[1].split("]")[0]
    assert "torch" not in core and "datasets" not in core
    assert '"torch>=2.8"' in text.split("baselines = [")[1].split("]")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_no_file_that_an_installed_user_lacks(run, name):
    assert not re.search(r"docs/|CONTRIBUTING", run(name, "--help").output)


def test_messages_name_no_file_that_an_installed_user_lacks():
    """Text that is printed; docstrings and comments are for readers of the code."""
    pages = ("leaderboard/page.py", "dataset/card.py")  # beside the documents, or naming them
    for parent, package in PACKAGES:
        for path in (parent / package).rglob("*.py"):
            if path.as_posix().endswith(pages):
                continue
            tree = ast.parse(path.read_text())
            documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
            nodes = [node for node in ast.walk(tree) if isinstance(node, documented)]
            docstrings = {ast.get_docstring(node, clean=False) for node in nodes}
            texts = {x.value for x in ast.walk(tree) if isinstance(x, ast.Constant)} - docstrings
            for text in texts:
                assert not re.search(r"docs/\w+\.md|CONTRIBUTING", str(text)), path


FOREIGN = "raise SystemExit('a folder of the user was imported')"


COMMAND_LINES = (
    "synth st --persons 12 --workers 1",
    "check-images st",
    "build st -o ds --no-images",
    "prepare st --size 8 --workers 1",
    "tasks",
    "baselines",
)


@pytest.mark.parametrize(
    ("form", "lines"),
    [("baselines/__init__.py", COMMAND_LINES), ("baselines.py", COMMAND_LINES[-1:])],
)
def test_beside_a_foreign_module_called_baselines(tmp_path, form, lines):
    (tmp_path / form).parent.mkdir(exist_ok=True)
    (tmp_path / form).write_text(FOREIGN)
    # The folder that a command is run in comes first on the path, as with `python -m`.
    code = (
        "import shlex, sys\nfrom oneshot_emotic.cli.main import main\n"
        "for line in sys.argv[1:]: main(shlex.split(line), standalone_mode=False)"
    )
    for command in (["-c", code, *lines], ["-m", "oneshot_emotic", "baselines"]):
        assert "sem-ib-dml" in python(*command, cwd=tmp_path).stdout


def test_nothing_imports_the_name_baselines():
    """Not in strings that are run by another process, nor in what a user copies."""
    paths = [
        path
        for pattern in ("oneshot_emotic/**/*.py", "baselines/**/*.py", "benchmarks/*.py")
        for path in REPOSITORY.glob(pattern)
    ]
    paths += [*REPOSITORY.glob("tests/**/*.py"), *REPOSITORY.glob("**/*.md")]
    for path in paths:
        assert not re.search(r"(from|import) baselines[ .\n]", path.read_text()), path


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert project["version"] == oneshot_emotic.__version__
    assert f"\nversion: {project['version']}\n" in citation
    assert f"\n## {project['version']}\n" in (REPOSITORY / "CHANGELOG.md").read_text()
