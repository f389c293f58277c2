"""The structure: imports run one way along the flow, heavy ones are late, torch is never needed."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil

import pytest
from conftest import REPOSITORY
from made import python

import oneshot_emotic
from oneshot_emotic.cli.main import COMMANDS, main

PACKAGE = REPOSITORY / "oneshot_emotic"
BASELINES = "oneshot_emotic_baselines"
HEAVY = (
    *("pandas", "scipy", "datasets", "torch", "pyarrow", "PIL", "numpy", "jsonschema"),
    *("huggingface_hub", "jinja2", "matplotlib", "sklearn"),
)

GROUND = {"ade20k", "errors", "files", "names", "rng", "processes", "categories", "tasks"}
GROUND |= {"untrusted"}  # files of others, read within bounds
GROUND |= {"escaping"}  # text of others made harmless
#: Room -> the rooms it may import from, besides itself and the ground.
ALLOWED = {
    **{room: set() for room in GROUND},
    "labels": set(),
    "draws": set(),
    "splits": {"labels", "draws"},
    "emotic": set(),
    "synthetic": {"emotic"},
    "whole": {"emotic"},
    "prepared": {"emotic", "worklist", "whole"},
    "pictures": {"emotic", "prepared"},
    "person_dataset": {"pictures", "splits"},
    "worklist": set(),
    "encoders": {"pictures", "emotic", "worklist", "dataset", "splits", "scoring"},
    "dataset": {"splits", "labels", "draws"},
    "scoring": {"splits"},
    "submission": {"splits", "dataset", "scoring"},
    "report": {"scoring"},
    "webpage": set(),
    "submission_report": {"splits", "scoring", "submission", "report", "pictures", "webpage"},
    "leaderboard": {"labels", "splits", "dataset", "scoring", "submission", "report", "webpage"},
    "cli": None,  # anything
    "__main__": {"cli"},
    "__init__": None,  # names for the outside, imported when used
}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module or ''}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for package, _, rest in (name.partition(".") for name in names):
            if package == BASELINES:
                yield BASELINES
            elif package == "oneshot_emotic":
                yield rest.partition(".")[0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_imports_run_one_way(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = ALLOWED[room]
    if allowed is None:
        return
    found = {name for name in imports_of(path) if name != "__version__"}
    assert found <= allowed | GROUND | {room}, f"{room} imports {found - allowed - GROUND - {room}}"


def test_a_core_module_that_imports_the_baselines_is_seen(tmp_path):
    for line in (
        f"from {BASELINES} import train",
        f"def f():\n    from {BASELINES}.train import train",
        f"import {BASELINES}.train",
    ):
        (tmp_path / "module.py").write_text(line)
        assert list(imports_of(tmp_path / "module.py")) == [BASELINES]


@pytest.mark.parametrize("room", ["scoring", "leaderboard", "synthetic", "draws", "splits", "rng"])
def test_no_sum_whose_last_bit_depends_on_the_python(room):
    """From 3.12 on, `sum` of floats is compensated; math.fsum is exact on every Python."""
    paths = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").is_file() else []
    for path in paths or sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            bare = isinstance(node, ast.Name) and node.id == "sum"
            assert not bare, f"{path.name}:{getattr(node, 'lineno', 0)}"


def test_figures_know_nothing_of_emotic_and_boards_nothing_of_knn():
    for path in (PACKAGE / "scoring").glob("*.py"):
        assert "emotic.emotic" not in path.read_text()
    for path in (PACKAGE / "leaderboard").glob("*.py"):
        assert "knn" not in "".join(
            line for line in path.read_text().splitlines() if "import" in line
        )


def loaded_after(code):
    report = f"{code}; import sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    return ast.literal_eval(python("-c", report).stdout.splitlines()[-1])


def test_importing_the_package_is_cheap():
    assert loaded_after("import oneshot_emotic") == []


def test_the_help_is_cheap():
    code = (
        "from oneshot_emotic.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\nimport oneshot_emotic as x"
    )
    assert loaded_after(code) == []


def test_scoring_needs_no_pandas():
    code = (
        "from oneshot_emotic import evaluate, load_task; t = load_task('cat-6-6'); "
        "evaluate({i: [1.0] for i in t.novel.sample_ids}, t)"
    )
    assert not {"pandas", "scipy", "torch", "PIL", "datasets"} & set(loaded_after(code))


def test_every_module_imports_with_torch_blocked():
    names = [m.name for m in pkgutil.walk_packages(oneshot_emotic.__path__, "oneshot_emotic.")]
    names = [name for name in names if not name.endswith("__main__")]
    code = (
        "import importlib, sys\n"
        "sys.modules['torch'] = sys.modules['datasets'] = None\n"
        f"for name in {names!r}: importlib.import_module(name)"
    )
    python("-c", code)
    assert len(names) > 50


def test_public_names():
    for name in oneshot_emotic.__all__:
        assert getattr(oneshot_emotic, name) is not None
        assert name in dir(oneshot_emotic)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = oneshot_emotic.nothing


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_command_says(name):
    command = main.get_command(None, name)
    assert (command.help or "").split("\n")[0].replace("\n", " ") == COMMANDS[name]


def test_doctests():
    attempted = 0
    for module in pkgutil.walk_packages(oneshot_emotic.__path__, "oneshot_emotic."):
        if not module.name.endswith("__main__"):
            result = doctest.testmod(importlib.import_module(module.name))
            assert result.failed == 0, module.name
            attempted += result.attempted
    assert attempted >= 8
