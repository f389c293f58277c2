"""A short run of tests/fuzz_pictures.py: damaged pictures and annotations, each with a message."""

from __future__ import annotations

import pytest
from fuzz_pictures import IMAGES, MAT, try_some


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", [IMAGES, MAT])
def test_damaged_files(tmp_path, form):
    assert try_some(tmp_path, form, 60) == {"read", "refused"}
