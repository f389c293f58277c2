"""`oneshot-emotic demo`."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import click

from oneshot_emotic import __version__
from oneshot_emotic.cli.options import FOLDER, workers_option
from oneshot_emotic.cli.progress import echo
from oneshot_emotic.errors import InputError
from oneshot_emotic.files import cache_folder, make_private_folder, write_text

_MARKER = "DEMO.txt"


@click.command()
@click.option("--workdir", type=FOLDER, help="Default: a folder in the user's cache.")
@workers_option
@click.pass_context
def command(ctx: click.Context, workdir: Path | None, workers: int) -> None:
    """Run everything once on the synthetic stand-in, step by step.

    Invents people in scenes, builds the dataset folder, embeds the people with a hand-made
    embedder, scores the embeddings. Each step is shown as the command that does it alone. A
    second run takes the stand-in from the first.
    """
    from oneshot_emotic.cli import build, embed, score, synth
    from oneshot_emotic.synthetic.write import SETTINGS_FILE

    started = time.monotonic()
    work = workdir or cache_folder() / "demo"
    if workdir is None:
        make_private_folder(work)
    stand_in, dataset = work / f"stand-in-{__version__}", work / "dataset"
    _claim(work, stand_in)
    embeddings, scores = work / "embeddings", work / "scores.json"

    _step(1, "Invent people in scenes, in EMOTIC's layout", "synth", stand_in)
    if _made_before(stand_in / SETTINGS_FILE):
        echo(f"{stand_in}: there already, from an earlier run")
    else:
        ctx.invoke(synth.command, out=stand_in, workers=workers)

    _step(2, "Read the annotations and build the tasks", "build", stand_in, "-o", dataset)
    ctx.invoke(build.command, emotic_root=stand_in, output=dataset, workers=workers)

    what = "Embed every novel person: colour and gradient statistics of the body, nothing learnt"
    folders = ("--data", stand_in, "--dataset", dataset, "-o", embeddings)
    _step(3, what, "embed", "colour-gradient", *folders)
    files = embed.embed_tasks(
        "colour-gradient",
        stand_in,
        None,
        str(dataset),
        (),
        embeddings,
        suffix="safetensors",
        dtype="float32",
    )

    options = ("--dataset", dataset, "--json", scores)
    _step(4, "Score the embeddings: 1,000 support draws per task", "score", *files, *options)
    ctx.invoke(score.command, files=tuple(files), dataset=str(dataset), json_file=scores)

    echo("", "What came out", bold=True)
    echo(f"  pictures      {stand_in / 'emotic'}")
    echo(f"  dataset       {dataset}")
    echo(f"  embeddings    {embeddings}")
    echo(f"  scores        {scores}")
    echo(
        "",
        "All of it is synthetic: it shows that everything works, and nothing about real emotions.",
        "Next: put your own embeddings into a file, by write_submission in Python, and score it.",
    )
    echo(f"Took {time.monotonic() - started:.0f} s.")


def _claim(work: Path, stand_in: Path) -> None:
    """Mark the folder of the demo; refuse one with files that the demo has not made."""
    marker = work / _MARKER
    if not marker.is_file():
        if work.exists() and set(work.iterdir()) - {stand_in}:
            raise InputError("already holds other files", work, "Give an empty or a new --workdir")
        write_text(marker, "Made by `oneshot-emotic demo`, which replaces what is in here.\n")


def _made_before(settings_file: Path) -> bool:
    """True for a stand-in of an earlier run, made with today's settings."""
    from oneshot_emotic.synthetic.settings import StandInSettings

    try:
        content = json.loads(settings_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(content == {"synthetic": StandInSettings().to_dict()})


def _step(number: int, what: str, *arguments: str | Path) -> None:
    command_line = shlex.join(["oneshot-emotic", *map(str, arguments)])
    echo("", f"{number}/4  {what}", bold=True)
    echo(f"     $ {command_line}", "", dim=True)
