"""A small stand-in for all tests of encoders."""

from __future__ import annotations

import pytest
from made import small_stand_in

from oneshot_emotic.cli.main import main


@pytest.fixture(scope="session")
def small_copy(tmp_path_factory):
    """A stand-in, and its dataset folder."""
    folder = tmp_path_factory.mktemp("encoders")
    stand_in = small_stand_in(folder / "stand-in", 160)
    build = ["build", str(stand_in), "-o", str(folder / "dataset"), "--no-images"]
    main(build, standalone_mode=False)
    return stand_in, folder / "dataset"
