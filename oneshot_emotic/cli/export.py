"""`oneshot-emotic export`."""

from __future__ import annotations

from pathlib import Path

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER
from oneshot_emotic.cli.progress import echo
from oneshot_emotic.errors import InputError


@click.command()
@click.argument("checkpoint", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="The folder to write.")
@click.option(
    "--upload", metavar="OWNER/NAME", help="Put it into this model repository on the Hub."
)
@click.option("--public", is_flag=True, help="Make a new repository public; else it is private.")
@needs_extra
def command(checkpoint: Path, output: Path | None, upload: str | None, public: bool) -> None:
    """Export a checkpoint to a folder or to the Hub.

    CHECKPOINT is from `oneshot-emotic train`. The folder holds checkpoint.safetensors, config.json
    and a card; `oneshot-emotic embed DIR` or `oneshot-emotic embed hf:OWNER/NAME` uses it. The
    token is HF_TOKEN or that of `hf auth login`. State the licence on the card before you make a
    repository public.
    """
    from oneshot_emotic_baselines import export

    if output is None and upload is None:
        raise InputError("give -o DIR, --upload OWNER/NAME or both")
    files = export.exported(checkpoint)
    if output is not None:
        export.write_export(output, files)
        echo(f"{output}: {', '.join(files)}")
    if upload is not None:
        echo(f"hf:{upload}@{export.upload(upload, files, public=public)}")
