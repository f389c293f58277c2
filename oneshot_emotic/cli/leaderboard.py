"""`oneshot-emotic leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, workers_option
from oneshot_emotic.cli.progress import echo, echo_document, echo_lines, say
from oneshot_emotic.errors import InputError

if TYPE_CHECKING:
    from oneshot_emotic.leaderboard.checkout import Boards


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
    type=click.Choice(["csv", "json", "latex", "site"]),
    help="Print the boards in this format instead of writing ROOT/leaderboard; `site` writes pages "
    "for a browser into the folder --output.",
)
@click.option("-o", "--output", type=FOLDER, help="With --format: the file or folder to write.")
@click.option("--space", is_flag=True, help="With --format site: add the card of a Hub Space.")
@click.option(
    "--no-cache", is_flag=True, help="Compute every figure again, and keep none for the next time."
)
@click.option(
    "--require",
    multiple=True,
    metavar="DATASET",
    help="Refuse to carry over rows of this data set: its splits must be here.",
)
@workers_option
@needs_extra
def command(
    root: Path,
    check: bool,
    base: Path | None,
    export: str | None,
    output: Path | None,
    space: bool,
    no_cache: bool,
    require: tuple[str, ...],
    workers: int,
) -> None:
    """Recompute the leaderboard of a checkout, check it, or export it.

    Scores every folder of ROOT/submissions and writes ROOT/leaderboard/README.md and
    ROOT/leaderboard/scores/*.json. The same submissions give the same bytes on any machine. What
    was scored before, from the same bytes by the same code, is taken from the user's cache folder,
    but for --check. Rows on splits that are not here are carried over from ROOT/leaderboard.
    """
    from oneshot_emotic.dataset.load import TaskLoader
    from oneshot_emotic.files import CACHE_VARIABLE, check_not_input, write_text
    from oneshot_emotic.leaderboard.cache import ScoreCache, default_cache_folder
    from oneshot_emotic.leaderboard.changes import changes_page
    from oneshot_emotic.leaderboard.checkout import boards_of_checkout
    from oneshot_emotic.leaderboard.files import (
        REPORTED,
        differences,
        generated_files,
        write_files,
    )
    from oneshot_emotic.leaderboard.reported import read_reported
    from oneshot_emotic.submission.folder import find_submissions

    given = {"--check": check, "--diff": base is not None, "--format": export is not None}
    if len(chosen := [name for name, is_given in given.items() if is_given]) > 1:
        raise InputError(f"{' and '.join(chosen)} do not go together")
    if output is not None and export is None:
        raise InputError("--output goes with --format; without it, ROOT/leaderboard is written")
    if export == "site":
        import jinja2  # noqa: F401 (what is missing is said before anything is scored)
    if (output is None and export == "site") or (space and export != "site"):
        raise InputError("--format site goes with --output DIR, and --space with it")
    folder = root / "leaderboard"
    check_not_input(output, (root / "submissions", folder))
    find_submissions(root / "submissions")  # says at once what is no checkout
    reported = read_reported(folder / REPORTED)
    load = TaskLoader()
    # What is to be proved is not taken from anywhere.
    cache = None if no_cache or check else ScoreCache(default_cache_folder())
    if cache is not None and cache.refusal:
        say(
            f"warning: no scores are kept: {cache.refusal}. Remove it, or name another place with "
            f"{CACHE_VARIABLE}"
        )
    found = boards_of_checkout(root, load, say, cache, workers, require)
    for line in found.left_alone():
        say(f"note: {line}")
    if base is not None:
        before = boards_of_checkout(base, load, say, cache, workers, require)
        echo_document(changes_page(before.boards, found.boards, found.waiting))
        return
    if export == "site" and output is not None:
        _write_site(output, found, reported, space)
        return
    if export is not None:
        text = _exported(export, found, reported)
        if output is None:
            echo_document(text)
        else:
            write_text(output, text)
            echo(f"{output}: written")
        return
    files = generated_files(found.boards, reported, found.waiting)
    if not check:
        changed = write_files(folder, files)
        for name in changed:
            echo(f"{folder / name}: written" if name in files else f"{folder / name}: removed")
        echo(f"{found.submissions} submissions, {len(changed)} files changed")
        return
    if difference := differences(folder, files):
        echo_lines(difference.rstrip("\n"))
        say("error: the leaderboard does not match its submissions")
        raise SystemExit(1)
    echo(f"{found.submissions} submissions: the leaderboard is up to date")


def _write_site(output: Path, found: Boards, reported: dict[str, Any], space: bool) -> None:
    from oneshot_emotic.leaderboard.site import site_files, write_site

    files = site_files(found.boards, reported, found.waiting, space)
    write_site(output, files)
    echo(f"{output}: {len(files)} files; open {output / 'index.html'} in a browser")


def _exported(export: str, found: Boards, reported: dict[str, Any]) -> str:
    from oneshot_emotic.leaderboard.page_latex import latex_tables
    from oneshot_emotic.leaderboard.records import csv_lines, json_document

    if export == "csv":
        return csv_lines(found.boards)
    if export == "json":
        return json_document(found.boards, reported)
    return latex_tables(found.boards)
