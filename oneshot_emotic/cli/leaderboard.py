"""`oneshot-emotic leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from oneshot_emotic.cli.options import FOLDER, caching_loader
from oneshot_emotic.cli.progress import say


@click.command()
@click.argument("root", type=FOLDER, default=".")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with status 1 and a diff when the files are not what they should be.",
)
@click.option(
    "--diff",
    "base",
    type=FOLDER,
    metavar="BASE",
    help="Write nothing; print in markdown which rows of the checkout BASE change.",
)
def command(root: Path, check: bool, base: Path | None) -> None:
    """Recompute the leaderboard of a checkout, or check it.

    Scores every folder of ROOT/submissions and writes ROOT/leaderboard/README.md and
    ROOT/leaderboard/scores/*.json. The same submissions give the same bytes on any machine.
    """
    from oneshot_emotic.leaderboard.changes import changes_page
    from oneshot_emotic.leaderboard.files import (
        REPORTED,
        differences,
        generated_files,
        write_files,
    )
    from oneshot_emotic.leaderboard.recompute import Scored, recompute_boards
    from oneshot_emotic.leaderboard.reported import read_reported
    from oneshot_emotic.submission.folders import find_submissions

    folder = root / "leaderboard"
    submissions = find_submissions(root / "submissions")
    reported = read_reported(folder / REPORTED)
    load, scored = caching_loader(), Scored()
    before = []

    def progress(slug: str) -> None:
        say(f"scoring {slug} ...")

    if base is not None:
        before = recompute_boards(find_submissions(base / "submissions"), load, progress, scored)
    boards = recompute_boards(submissions, load, progress, scored)
    if base is not None:
        click.echo(changes_page(before, boards), nl=False)
        return
    files = generated_files(boards, reported)
    if not check:
        changed = write_files(folder, files)
        for name in changed:
            click.echo(
                f"{folder / name}: written" if name in files else f"{folder / name}: removed"
            )
        click.echo(f"{len(submissions)} submissions, {len(changed)} files changed")
        return
    if difference := differences(folder, files):
        click.echo(difference, nl=False)
        say("error: the leaderboard is not what its submissions give")
        raise SystemExit(1)
    click.echo(f"{len(submissions)} submissions: the leaderboard is up to date")
