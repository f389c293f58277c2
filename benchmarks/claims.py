"""What the papers of three systems claim, beside what the stand-in shows that is like it.

python benchmarks/claims.py [--root CHECKOUT]

Reads docs/systems_ablation.csv, docs/k_shot.csv and the submissions; nothing is trained. Writes the
table in docs/systems.md. What has not been measured stands there as such.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from documents import DOCS, Line, figure, put_table, read_lines

from oneshot_emotic.cli.submissions import checked_files, scores_of
from oneshot_emotic.report import plain_interval
from oneshot_emotic.scoring.comparison import difference

NONE = "no row yet"
TASK = "cat-6-6"


def gain(lines: Sequence[Line], system: str, without: str) -> str:
    """By how many points a system is above itself without a part, from systems_ablation.csv."""
    found = [x for x in lines if (x["system"], x["without"]) == (system, without)]
    texts = [f"{x['shots']}-shot {figure(x, 'gain', 'gain_low', 'gain_high')}" for x in found]
    return "; ".join(texts) or NONE


def growth(lines: Sequence[Line], submission: str, task: str) -> str:
    """From 1 shot to 5, and which share of the persons the supports are, from k_shot.csv."""
    found = {
        int(x["shots"]): x for x in lines if (x["submission"], x["task"]) == (submission, task)
    }
    if not {1, 5} <= set(found):
        return NONE
    return " to ".join(
        f"{figure(found[shots], 'balanced_accuracy', 'low', 'high')} with supports of "
        f"{100 * float(found[shots]['share']):.1f} %"
        for shots in (1, 5)
    )


def apart(submissions: Path, one: str, other: str) -> str:
    """The paired difference of two submissions that are there, in points."""
    if not all((submissions / name).is_dir() for name in (one, other)):
        return NONE
    first, second = (
        scores_of(checked_files([submissions / name], task=TASK), (1, 5)).tasks[TASK]
        for name in (one, other)
    )
    texts = []
    for shots in (1, 5):
        found = difference(first[shots].balanced_accuracy, second[shots].balanced_accuracy)
        texts.append(f"{shots}-shot {plain_interval(found)}" if found else NONE)
    return "; ".join(texts)


def table(ablation: Sequence[Line], shots: Sequence[Line], submissions: Path) -> str:
    """In markdown: a row for each claim."""
    mt_clar = "mt-clar-resnet18"
    rows = [
        (
            "CAGE: valence and arousal beside the classes help significantly (AffectNet-8: F1 "
            "0.599 to 0.621)",
            f"`cage` - `cage-discrete`, {TASK}",
            gain(ablation, "cage", "V/A/D loss"),
        ),
        (
            "CAGE: 7 % lower RMSE of valence and arousal on AffectNet than the best before",
            "nothing: no regression is scored here",
            "",
        ),
        *(
            (
                f"MT-CLAR: {dimension} comparable to the best, and better with a labelled support "
                "of about 6 % of a video (AFEW-VA)",
                f"`mt-clar`, lev-7-3-{dimension}, from 1 to 5 shots",
                growth(shots, mt_clar, f"lev-7-3-{dimension}"),
            )
            for dimension in ("valence", "arousal")
        ),
        (
            "DSCT: better than two-stage alternatives (EMOTIC: 6.46 AP; CAER-S: 3.39 % accuracy)",
            f"`dsct` - `ib-dml`, {TASK}",
            apart(submissions, "dsct-resnet18", "ib-dml-resnet18"),
        ),
        (
            "DSCT: boxes and emotions as one supervision enrich what is learnt of a subject",
            f"`dsct` - the same without box losses, {TASK}",
            gain(ablation, "dsct", "box losses"),
        ),
        *(
            (
                "DSCT: spatial and semantic relations of subject and context are of use",
                f"`dsct` - the same without its fusion {part}, {TASK}",
                gain(ablation, "dsct", f"fusion {part}"),
            )
            for part in ("near", "alike", "subjects")
        ),
    ]
    heads = ("claimed, on the paper's own data and protocol", "like it here", "synthetic stand-in")
    cells = [heads, ("---",) * 3, *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=DOCS.parent, help="with submissions/")
    given = parser.parse_args()
    ablation, shots = (read_lines(DOCS / f"{name}.csv") for name in ("systems_ablation", "k_shot"))
    shown = table(ablation, shots, given.root / "submissions")
    put_table(DOCS / "systems.md", "claims", shown)
    print(shown)


if __name__ == "__main__":
    main()
