"""`oneshot-emotic`: the list of commands, each imported when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from oneshot_emotic import __version__
from oneshot_emotic.errors import InputError

#: Command -> its line in the help. The module is `oneshot_emotic.cli.<name, "-" as "_">`.
COMMANDS: dict[str, str] = {
    "demo": "Run everything once on the synthetic stand-in, step by step.",
    "tasks": "List the tasks of a data set, their classes and persons.",
    "ids": "List the persons a task needs embeddings for.",
    "score": "Score files of embeddings.",
    "compare": "Say which of two submissions is better, and how surely.",
    "submit": "Make a submission folder from files of embeddings.",
    "check-submission": "Examine a submission: every problem at once, or what is good.",
    "leaderboard": "Recompute the leaderboard of a checkout, check it, or export it.",
    "build": "Build the dataset folder from an EMOTIC copy.",
    "publish": "Publish a dataset folder on the Hugging Face Hub.",
    "check-images": "Decode every image of an EMOTIC copy and list what is missing or odd.",
    "synth": "Write the synthetic stand-in: an invented data set in EMOTIC's layout.",
    "embed": "Embed a data set's novel persons with a built-in embedder or a checkpoint.",
    "baselines": "List the baselines with the paper's figures.",
    "prepare": "Decode every image once, for training: full images and body crops.",
    "sem2vec": "Run an ADE20K segmenter over the images and write what is in them.",
    "train": "Train a baseline on the base persons of a task.",
    "reproduce": "Train and score all baselines: from an EMOTIC copy to a leaderboard.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name, and turns bad input into exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"oneshot_emotic.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in the help, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; bad input ends with its message and exit status 2."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"error: {error.message()}", err=True)
        except MemoryError:
            click.echo("error: not enough memory for this input", err=True)
        except BrokenPipeError:
            raise  # the reader, such as `head`, has had enough: click ends quietly
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"error: {where}{error.strerror or error}", err=True)
        ctx.exit(2)
        return None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oneshot-emotic")
def main() -> None:
    """One-shot recognition of unseen emotions of people in scenes, on EMOTIC.

    Begin with `oneshot-emotic demo`: no data and no GPU needed.
    """
