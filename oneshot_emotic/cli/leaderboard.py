"""`oneshot-emotic leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.options import FOLDER, workers_option
from oneshot_emotic.cli.progress import echo, echo_document, echo_lines, say
from oneshot_emotic.errors import InputError, Problem


@click.command()
@click.argument("root", type=FOLDER, default=".")
@click.option(
    "--check",
    is_flag=True,
    help="Compute every figure again and write nothing; exit with status 1 and a diff when the "
    "files are not what they should be.",
)
@click.option(
    "--diff",
    "base",
    type=FOLDER,
    metavar="BASE",
    help="Write nothing; print in markdown which rows of the checkout BASE change.",
)
@click.option(
    "--format",
    "export",
    type=click.Choice(["csv", "json", "latex", "html"]),
    help="Print the boards in this format instead of writing ROOT/leaderboard.",
)
@click.option("-o", "--output", type=FOLDER, help="With --format: the file to write.")
@click.option(
    "--no-cache", is_flag=True, help="Compute every figure again, and keep none for the next time."
)
@workers_option
def command(
    root: Path,
    check: bool,
    base: Path | None,
    export: str | None,
    output: Path | None,
    no_cache: bool,
    workers: int,
) -> None:
    """Recompute the leaderboard of a checkout, check it, or export it.

    Scores every folder of ROOT/submissions and writes ROOT/leaderboard/README.md and
    ROOT/leaderboard/scores/*.json. The same submissions give the same bytes on any machine. What
    was scored before, from the same bytes by the same code, is taken from the user's cache folder,
    but for --check.
    """
    from oneshot_emotic.dataset.load import TaskLoader
    from oneshot_emotic.files import CACHE_VARIABLE, check_not_input, write_text
    from oneshot_emotic.leaderboard.cache import ScoreCache, default_cache_folder
    from oneshot_emotic.leaderboard.changes import changes_page
    from oneshot_emotic.leaderboard.files import (
        REPORTED,
        differences,
        generated_files,
        write_files,
    )
    from oneshot_emotic.leaderboard.recompute import recompute_boards
    from oneshot_emotic.leaderboard.reported import read_reported
    from oneshot_emotic.submission.folder import find_submissions

    given = {"--check": check, "--diff": base is not None, "--format": export is not None}
    if len(chosen := [name for name, is_given in given.items() if is_given]) > 1:
        raise InputError(Problem(f"{' and '.join(chosen)} do not go together"))
    if output is not None and export is None:
        raise InputError(
            Problem("--output goes with --format; without it, ROOT/leaderboard is written")
        )
    folder = root / "leaderboard"
    check_not_input(output, (root / "submissions", folder))
    submissions = find_submissions(root / "submissions")
    before = [] if base is None else find_submissions(base / "submissions")
    reported = read_reported(folder / REPORTED)
    load = TaskLoader()
    # What is to be proved is not taken from anywhere.
    cache = None if no_cache or check else ScoreCache(default_cache_folder())
    if cache is not None and cache.refusal:
        say(
            f"warning: no scores are kept: {cache.refusal}. Remove it, or name another place with "
            f"{CACHE_VARIABLE}"
        )
    boards = recompute_boards(submissions, load, say, cache, workers)
    if base is not None:
        old = recompute_boards(before, load, say, cache, workers)
        echo_document(changes_page(old, boards))
        return
    if export is not None:
        text = _exported(export, boards, reported)
        if output is None:
            echo_document(text)
        else:
            write_text(output, text)
            echo(f"{output}: written")
        return
    files = generated_files(boards, reported)
    if not check:
        changed = write_files(folder, files)
        for name in changed:
            echo(f"{folder / name}: written" if name in files else f"{folder / name}: removed")
        echo(f"{len(submissions)} submissions, {len(changed)} files changed")
        return
    if difference := differences(folder, files):
        echo_lines(difference.rstrip("\n"))
        say("error: the leaderboard does not match its submissions")
        raise SystemExit(1)
    echo(f"{len(submissions)} submissions: the leaderboard is up to date")


def _exported(export: str, boards: list[Any], reported: dict[str, Any]) -> str:
    from oneshot_emotic.leaderboard.page import html_page
    from oneshot_emotic.leaderboard.page_latex import latex_tables
    from oneshot_emotic.leaderboard.records import csv_lines, json_document

    if export == "csv":
        return csv_lines(boards)
    if export == "json":
        return json_document(boards, reported)
    return latex_tables(boards) if export == "latex" else html_page(boards, reported)
