"""`oneshot-emotic publish`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from oneshot_emotic.cli.options import FOLDER
from oneshot_emotic.cli.progress import echo, say
from oneshot_emotic.errors import InputError


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--repo-id", required=True, metavar="ORG/NAME", help="The dataset repository.")
@click.option("--public", is_flag=True, help="Make the repository public; otherwise it is private.")
@click.option(
    "--gated",
    type=click.Choice(["auto", "manual"]),
    help="Readers must ask for access and agree to the terms; it is given at once, or by hand.",
)
@click.option(
    "--replace-card", is_flag=True, help="Replace a card edited on the Hub; it is kept otherwise."
)
@click.option(
    "--dry-run", is_flag=True, help="Check the folder and list what would go; no network."
)
def command(
    folder: Path,
    repo_id: str,
    public: bool,
    gated: Literal["auto", "manual"] | None,
    replace_card: bool,
    dry_run: bool,
) -> None:
    """Publish a dataset folder on the Hugging Face Hub.

    DIR is what `oneshot-emotic build` made. It goes up in one commit, tagged with the data set's
    fingerprint. Nothing is asked on the way: the token is HF_TOKEN or that of `hf auth login`. A
    run that was stopped is completed by running it again.
    """
    from oneshot_emotic.dataset.hub.publish import publish
    from oneshot_emotic.dataset.hub.repository import MAIN, parse_repository
    from oneshot_emotic.dataset.whole import check_publishable

    repository = parse_repository(repo_id)
    if repository is None or repository.revision != MAIN:
        raise InputError(f"a repository is ORG/NAME, not {repo_id!r}")
    identity, files = check_publishable(folder)
    if dry_run:
        for file in files:
            echo(f"{file.sha256}  {len(file.content):>9,}  {file.path}")
        total = sum(len(file.content) for file in files)
        echo(f"{len(files)} files, {total:,} bytes would go to the dataset repository {repo_id}")
        echo(f"visibility: {_visibility(not public, gated)}")
        echo(f"tag: {identity.fingerprint}")
        return
    if not sys.stderr.isatty():
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
    done = publish(
        repo_id,
        identity,
        files,
        public=public,
        gated=gated,
        replace_card=replace_card,
        progress=lambda step: say(f"{step} ..."),
    )
    echo(f"{done.url}: {identity.name}, label rule {identity.label_rule}")
    echo(f"{_visibility(done.private, done.gated)}, commit {done.commit}")
    echo(f"tag {identity.fingerprint}")
    if not done.changed:
        echo("everything was there already")


def _visibility(private: bool, gated: str | None) -> str:
    return ("private" if private else "public") + (f", gated ({gated})" if gated else "")
