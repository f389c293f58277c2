"""A small stand-in for all tests of encoders."""

from __future__ import annotations

import pytest

from oneshot_emotic.cli.main import main


@pytest.fixture(scope="session")
def small_copy(tmp_path_factory):
    """A stand-in, and its dataset folder."""
    folder = tmp_path_factory.mktemp("encoders")
    synth = ["synth", str(folder / "stand-in"), "--persons", "160", "--workers", "1"]
    main(synth, standalone_mode=False)
    build = ["build", str(folder / "stand-in"), "-o", str(folder / "dataset"), "--no-images"]
    main(build, standalone_mode=False)
    return folder / "stand-in", folder / "dataset"
