"""Ranks: what is told apart never shares one, nothing chains, and new rows move others little."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneshot_emotic import TASKS, evaluate, load_task
from oneshot_emotic.leaderboard.board import Row, ranked
from oneshot_emotic.scoring.comparison import told_apart
from oneshot_emotic.scoring.scores import Overall, merged
from oneshot_emotic.scoring.statistics import Evidence, Scale
from oneshot_emotic.splits import DatasetIdentity, split_task


def row(slug, mean, noise, shared=None):
    """A row whose overall figure and terms of images are known, without embeddings."""
    terms = np.array(noise, dtype=float) + (0 if shared is None else shared)
    names = tuple(map(str, range(len(terms))))
    evidence = Evidence(names, terms, terms * 0, (), scale=Scale(-0.2, 1.0, 10.0))

    class Known:
        tasks: ClassVar = {"cat-6-6": None}

        def overall(self, family, shots=1):
            return Overall(mean, None, None, evidence)

    return Row(slug, {"name": slug}, Known())


def shown(rows):
    return [(item.rank, item.row.slug, item.tied_with_best) for item in ranked(tuple(rows), "cat")]


def test_by_hand():
    wave = np.sin(np.arange(100)) / 100
    rows = [
        row("best", 0.500, wave),
        row("paired", 0.490, 0.99 * wave),  # less by what is far beyond the paired error
        row("vague", 0.480, np.cos(np.arange(100)) / 25),  # error 0.28: like all but "low"
        row("like vague", 0.470, 0.99 * wave),  # apart from "best" and "paired"
        row("low", -0.9, wave),
    ]
    assert shown(rows) == [
        (1, "best", True),
        (2, "paired", False),
        (2, "vague", True),  # told apart from nobody, and not above the row before it
        (3, "like vague", False),
        (5, "low", False),
    ]


def test_a_chain_of_small_steps_does_not_share_one_rank():
    """Neighbours alike, the ends far apart: the bug of ranks by neighbours alone."""
    rng = np.random.default_rng(1)
    rows = [row(f"m{n:02}", 0.9 - n / 100, rng.normal(size=50) / 500) for n in range(60)]
    ranks = [rank for rank, _, _ in shown(rows)]
    assert ranks[0] == 1 and ranks[-1] > 50
    assert len(set(ranks)) > 20


def made_rows(seed, many):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=40) / 100
    noise = rng.normal(size=(many, 40)) * rng.choice([0.002, 0.01, 0.03], size=(many, 1))
    return [row(f"m{n:02}", rng.uniform(0, 0.5), of_row, shared) for n, of_row in enumerate(noise)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_no_two_rows_of_a_rank_are_told_apart_and_ranks_are_places_at_most(seed, many):
    items = ranked(tuple(made_rows(seed, many)), "cat")
    apart = told_apart([item.overall for item in items])
    ranks = [item.rank for item in items]
    assert ranks == sorted(ranks) and ranks[0] == 1
    for place, rank in enumerate(ranks):
        assert rank <= place + 1
        assert items[place].tied_with_best == (not apart[0, place])
        for above in range(place):
            if apart[above, place]:
                assert ranks[above] < rank


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 15), st.integers(0, 14))
def test_a_new_row_moves_others_by_its_place_and_the_correction_alone(seed, many, which):
    rows = made_rows(seed, many)
    new = rows[which % many]
    rest = [item for item in rows if item is not new]
    before = {item.row.slug: item for item in ranked(tuple(rest), "cat")}
    after = {item.row.slug: item for item in ranked(tuple(rows), "cat")}
    place = list(after).index(new.slug)
    assert list(before) == [slug for slug in after if slug != new.slug]
    for slug, item in before.items():
        # The stricter correction tells fewer rows apart, which only lifts ranks; the new row moves
        # those below it by its place, or to behind it when it is told apart from them.
        if list(after).index(slug) < place:
            assert after[slug].rank <= item.rank
        else:
            assert after[slug].rank <= max(item.rank + 1, place + 2)
        assert after[slug].tied_with_best >= (item.tied_with_best and place > 0)


def test_rows_without_a_figure_stand_last():
    task = load_task("cat-6-6")
    right = np.eye(len(task.classes))[task.novel_labels]
    scores = evaluate((task.novel.sample_ids, right), task, (1, 5))
    rows = [row("a", 0.3, [0.1, -0.1]), Row("part", {"name": "part"}, merged([scores]))]
    assert shown(rows) == [(1, "a", True), (None, "part", False)]
    assert ranked(tuple(rows), "lev-7-3") == []


@pytest.fixture(scope="module")
def ladder():
    """60 models on two categorical tasks, from chance to strong, after three at chance."""
    names = TASKS["cat-6-6"].novel_classes
    people = [
        (f"val/f/{n}.jpg#0", f"f/{n}.jpg", name)
        for n, name in enumerate(name for name in names * 40)
    ]
    identity = DatasetIdentity("made-up", "argmax", 1, "0" * 64)
    tasks = [
        replace(split_task(task, people, draws=100), dataset=identity)
        for task in ("cat-6-6", "cat-6-4")
    ]
    rows = []
    for step in range(63):
        signal = max(0.0, (step - 2) / 12)
        parts = []
        for task in tasks:
            rng = np.random.default_rng([step, len(task.classes)])
            vectors = rng.normal(size=(len(task.novel), 8))
            vectors[:, : len(task.classes)] += signal * np.eye(len(task.classes))[task.novel_labels]
            parts.append(evaluate((task.novel.sample_ids, vectors), task, (1,)))
        rows.append(Row(f"m{step:02}", {"name": f"m{step:02}"}, merged(parts)))
    return tuple(rows)


def test_a_ladder_of_models_has_many_ranks_and_chance_is_never_first(ladder):
    items = ranked(ladder, "cat")
    assert items[0].overall.mean > 0.7 and items[-1].overall.mean < 0.01
    apart = told_apart([item.overall for item in items])
    ranks = [item.rank for item in items]
    assert len(set(ranks)) >= 12
    for place, rank in enumerate(ranks):
        assert not any(apart[place, other] for other in range(place) if ranks[other] == rank)
    chance = [item for item in items if item.row.slug in {"m00", "m01", "m02"}]
    assert not any(item.tied_with_best or item.rank == 1 for item in chance)
