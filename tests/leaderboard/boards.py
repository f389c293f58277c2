"""Boards for tests: of a few rows, and of strangers' cards."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.scoring.evaluate import evaluate_controls
from oneshot_emotic.scoring.scores import merged

TASKS = ("cat-6-6", "cat-6-4")
HIT = 'document.title="hit"'
#: Each would do something if it were not escaped where it stands.
HOSTILE = (
    f"<script>{HIT}</script>",
    f"<img src=x onerror='{HIT}'>",
    f"\"'><svg onload='{HIT}'>",
    "</td></tr></table><table><tr><td>",
    "a | b | c |\n| d | e",
    "</title></style><h1>new</h1>",
    r"\input{/etc/passwd} & \\ \hline % $x$",
    "=1+1;@SUM(A1)",
    f"[x](javascript:{HIT}) `{HIT}` **b** # h",
    f'<iframe srcdoc="<script>top.{HIT}</script>"></iframe>',
    "a|b`c`<script>alert(1)</script>[x](javascript:alert(1))\n# h\r\x1b[31m\u202e",
    "**b** _i_ $x$ @all ![p](https://x.org/p.png) https://evil.org www.evil.org me@evil.org "
    "<b> &lt; | \\| &#124; :smile:",
)
ADDRESSES = (
    f"javascript:{HIT}",
    f'https://example.org/"onmouseover="{HIT}',
    f"https://example.org/><script>{HIT}</script>",
    "https://example.org/|a|b",
    "data:text/html,<script>1</script>",
)


@cache
def some_rows():
    """One row on both categorical tasks, one on one of them."""
    parts = []
    for name in TASKS:
        task = load_task(name)
        right = np.eye(len(task.classes))[task.novel_labels]
        right[::3] = 0
        parts.append(evaluate((task.novel.sample_ids, right), task, (1, 5)))
    return [
        Row("whole", {"name": "Whole", "modalities": ["image", "body"]}, merged(parts)),
        Row("part", {"name": "Part", "code": "https://example.org/a_b"}, parts[0]),
    ]


@cache
def some_controls():
    return {name: evaluate_controls(load_task(name), (1, 5)) for name in TASKS}


def board_of(rows, controls):
    return Board(rows[0].scores.dataset, tuple(rows), controls)


def hostile_rows(rows):
    """As many rows as there are hostile texts, every field of each hostile."""
    return [
        replace(
            rows[0],
            slug=f"row-{place:02}",
            model={
                **dict.fromkeys(("name", "date", "backbone", "pretraining", "licence"), text),
                "authors": [text],
                "modalities": [text, text],
                "parts": [{"name": text, "digest": "0" * 64, "weight": 1}] * 2,
                "code": ADDRESSES[place % len(ADDRESSES)],
                "paper": ADDRESSES[(place + 1) % len(ADDRESSES)],
                "seen_unseen_names": True,
            },
        )
        for place, text in enumerate(HOSTILE)
    ]


def plain_rows(rows):
    card = {"name": "n", "modalities": ["m"], "seen_unseen_names": True, "paper": "p"}
    card["parts"] = [{"name": "n", "digest": "0" * 64, "weight": 1}] * 2
    return [replace(rows[0], slug=f"row-{n:02}", model=card) for n in range(len(HOSTILE))]
