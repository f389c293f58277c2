"""Body boxes, each kind of oddity by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_emotic.emotic.boxes import clip_box


@pytest.mark.parametrize(
    ("numbers", "box", "quirks"),
    [
        # MATLAB's pixels 11 to 50 are the half-open span 10 to 50 counted from 0
        ([11, 21, 50, 90], (10, 20, 50, 90), ()),
        ([1, 1, 100, 200], (0, 0, 100, 200), ()),
        ([-6, -3, 50, 90], (0, 0, 50, 90), ("box-negative",)),
        ([0, 5, 50, 90], (0, 4, 50, 90), ("box-from-zero",)),
        ([11, 21, 109, 204], (10, 20, 100, 200), ("box-over-edge",)),
        ([-6, 21, 109, 90], (0, 20, 100, 90), ("box-negative", "box-over-edge")),
        ([50, 90, 11, 21], (10, 20, 50, 90), ("box-swapped-corners",)),
        ([50, 21, 11, 90], (10, 20, 50, 90), ("box-swapped-corners",)),
        ([11.5, 21, 50.25, 90], (10.5, 20, 50.25, 90), ("box-fractional",)),
        ([11, 21, 50, 90, 0.99], (10, 20, 50, 90), ("box-fifth-element",)),
        ([11, 21, 11, 90], None, ("box-zero-area",)),
        ([11, 21, 50, 21], None, ("box-zero-area",)),
        ([101, 21, 150, 90], None, ("box-outside",)),
        ([105, 21, 150, 90], None, ("box-outside",)),
        ([11, 205, 50, 290], None, ("box-outside",)),
        ([-50, 21, -11, 90], None, ("box-outside",)),
        ([-50, 21, 1, 90], None, ("box-outside",)),
        ([11, 21, 50], None, ("box-unreadable",)),
        ([], None, ("box-unreadable",)),
        ([11, 21, math.nan, 90], None, ("box-unreadable",)),
        ([11, 21, math.inf, 90], None, ("box-unreadable",)),
    ],
)
def test_by_hand(numbers, box, quirks):
    assert clip_box(numbers, 100, 200) == (box, quirks)


def test_unknown_size_clips_nothing_on_the_far_sides():
    assert clip_box([11, 21, 5000, 6000], math.inf, math.inf)[0] == (10, 20, 5000, 6000)


@given(
    st.lists(st.floats(-500, 500), min_size=4, max_size=4), st.integers(1, 300), st.integers(1, 300)
)
def test_what_is_left_lies_inside_and_has_area(numbers, width, height):
    box, _ = clip_box(numbers, width, height)
    if box is not None:
        x1, y1, x2, y2 = box
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
