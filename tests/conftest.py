"""What several tests need: tasks, the command line, where things are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))

from pages import CHROMIUM

from oneshot_emotic.cli.main import main
from oneshot_emotic.dataset.load import load_task
from oneshot_emotic.splits import Task

#: Fixtures of several tests.
pytest_plugins = ["encoders.stand_in", "hub.clients", "submission_report.small_reports"]

REPOSITORY = Path(__file__).parent.parent
SAMPLE = REPOSITORY.parent / "shared" / "emotic-layout-sample"


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What commands keep between runs, apart from the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONESHOT_EMOTIC_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def task() -> Task:
    """cat-6-6 of the synthetic data set inside the package."""
    return load_task("cat-6-6")


@pytest.fixture(scope="session")
def level_task() -> Task:
    return load_task("lev-6-4-arousal")


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command line in this process: `run("score", path)`; exceptions are not swallowed."""

    def call(*arguments: object, status: int = 0) -> Result:
        result = CliRunner().invoke(
            main, [str(argument) for argument in arguments], catch_exceptions=False
        )
        assert result.exit_code == status, result.output
        return result

    return call


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)
