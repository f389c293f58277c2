"""Several training runs of one system, scored apart, as one row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.scores import Scores, ShotScores, check_same_dataset
from oneshot_emotic.scoring.statistics import Estimate, exact_mean, weighted_sum, with_interval
from oneshot_emotic.tasks import TASKS


def combine_runs(runs: Sequence[Scores]) -> Scores:
    """The means over the runs; intervals and comparisons then count training seeds too.

    Args:
        runs: Scores of the same system trained with different seeds, at least one; a task may be in
            some of them alone.

    Raises:
        InputError: They are of different data sets, or of different numbers of shots.
    """
    check_same_dataset(runs)
    tasks: dict[str, dict[int, ShotScores]] = {}
    embeddings: dict[str, str] = {}
    for name in TASKS:
        there = [run for run in runs if name in run.tasks]
        if not there:
            continue
        shots = list(dict.fromkeys(tuple(run.tasks[name]) for run in there))
        if len(shots) > 1:
            raise InputError(f"runs of {name} with {shots[0]} and with {shots[1]} shots")
        tasks[name] = {
            count: _mean_scores([run.tasks[name][count] for run in there]) for count in shots[0]
        }
        digests = [run.embeddings[name] for run in there]
        embeddings[name] = digests[0] if len(digests) == 1 else _digest(digests)
    return replace(runs[0], tasks=tasks, embeddings=embeddings)


def _mean_scores(runs: Sequence[ShotScores]) -> ShotScores:
    if len(runs) == 1:
        return runs[0]
    cells = (zip(*rows, strict=True) for rows in zip(*(run.confusion for run in runs), strict=True))
    figures = {
        name: _mean_estimate([run.figures()[name] for run in runs]) for name in runs[0].figures()
    }
    return replace(
        runs[0],
        **figures,  # type: ignore[arg-type]
        recall={x: _mean_estimate([run.recall[x] for run in runs]) for x in runs[0].classes},
        confusion=tuple(tuple(_mean(cell) for cell in row) for row in cells),
        diagnostics=None,
        runs=len(runs),
    )


def _mean_estimate(runs: Sequence[Estimate]) -> Estimate:
    fields = ("mean", "draw_0", "std", "min", "max")
    means: dict[str, Any] = {name: _mean([getattr(run, name) for run in runs]) for name in fields}
    estimate = Estimate(low=None, high=None, **means)
    evidence = [run.evidence for run in runs if run.evidence is not None]
    if len(evidence) < len(runs):
        return estimate
    total = weighted_sum([(1 / len(runs), one) for one in evidence], evidence[0].scale)
    seeds = tuple(run.mean for run in runs if run.mean is not None)
    return with_interval(estimate, replace(total, runs=(seeds,)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return exact_mean(known) if len(known) == len(values) else None


def _digest(digests: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(digests).encode("ascii"), digest_size=32).hexdigest()
