"""`oneshot-emotic`: the list of commands, each imported when it is called."""

from __future__ import annotations

import importlib
import sys
from concurrent.futures import BrokenExecutor
from difflib import get_close_matches
from typing import Any

import click

from oneshot_emotic import __version__
from oneshot_emotic.cli.progress import echo, echo_lines
from oneshot_emotic.errors import InputError, printable
from oneshot_emotic.processes import import_modules

#: The exit status when a worker process was lost; no fault of the input's.
WORKER_LOST = 3

#: As a shell has it of a program that Ctrl-C ended.
STOPPED = 130
#: Commands that keep what is done.
_GO_ON = {"prepare", "reproduce", "run", "sem2vec", "train"}

#: Command -> its line in the help. The module is `oneshot_emotic.cli.<name, "-" as "_">`.
COMMANDS: dict[str, str] = {
    "demo": "Run everything once on the synthetic stand-in, step by step.",
    "tasks": "List the tasks of a data set, their classes and persons.",
    "ids": "List the persons that a task, or several, need embeddings for.",
    "score": "Score files of embeddings.",
    "report": "Show submissions as a page with charts, and as figures of a paper.",
    "compare": "Say which of two submissions is better, and how surely.",
    "combine": "Combine submissions into one: late fusion of their embeddings.",
    "submit": "Make a submission folder from files of embeddings.",
    "check-submission": "Check a submission: list all its problems at once, or say what is good.",
    "leaderboard": "Recompute the leaderboard of a checkout, check it, or export it.",
    "build": "Build the dataset folder from an EMOTIC copy.",
    "publish": "Publish a dataset folder on the Hugging Face Hub.",
    "check-images": "Decode every image of an EMOTIC copy; list missing, damaged and unusual ones.",
    "synth": "Write the synthetic stand-in: an invented data set in EMOTIC's layout.",
    "embed": "Embed a data set's novel persons with a built-in embedder or a checkpoint.",
    "run": "Score a frozen encoder by its name: from pictures to figures.",
    "fit-head": "Train a small head on the features of a frozen encoder, and score both.",
    "baselines": "List all systems: what they see and learn, size, source, reported figures.",
    "prepare": "Decode every image once, for training: full images and body crops.",
    "sem2vec": "Run an ADE20K segmenter over the images and write what is in them.",
    "pretrain": "Pretrain the trunks of a stand-in's networks on drawings.",
    "train": "Train a baseline on the base persons of a task.",
    "export": "Export a checkpoint to a folder or to the Hub.",
    "reproduce": "Train and score all baselines: from an EMOTIC copy to a leaderboard.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name, and turns errors into messages and exit statuses."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line on a terminal of any encoding."""
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        return super().main(*arguments, **options)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of a line; what is none, with the one that it is nearest to."""
        if args[0] not in COMMANDS and (near := get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

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
        """Run the command; an error ends with its message and exit status 2, 3 or 130."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            echo_lines(f"error: {error.message()}", err=True)
        except (KeyboardInterrupt, click.Abort):
            go_on = "; run it again to go on" if ctx.invoked_subcommand in _GO_ON else ""
            echo(f"stopped{go_on}", err=True)
            ctx.exit(STOPPED)
        except MemoryError:
            echo("error: not enough memory for this input", err=True)
        except BrokenExecutor as error:
            echo(_worker_lost(error), err=True)
            ctx.exit(WORKER_LOST)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            echo(f"error: {where}{error.strerror or error}", err=True)
        except click.UsageError as error:
            # It may quote the name of a file.
            raise click.UsageError(printable(error.format_message(), None), error.ctx) from None
        ctx.exit(2)
        return None


def _worker_lost(error: BrokenExecutor) -> str:
    where = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
    return (
        f"error: a worker process was ended by the system{where}: most likely memory ran out. "
        "Use fewer --workers or --jobs, or a machine with more memory"
    )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oneshot-emotic")
@click.option(
    "--import",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Import this module of yours first, such as one that registers a recipe.",
)
def main(modules: tuple[str, ...]) -> None:
    """One-shot recognition of unseen emotions of people in scenes, on EMOTIC.

    Begin with `oneshot-emotic demo`: no data and no GPU needed.

    Exit status: 0 when all went well; 1 when something is not as it should be, such as with
    `leaderboard --check`; 2 when an input, or a place to write to, cannot be used; 3 when the
    system ended a worker process, most likely for lack of memory; 130 when it was
    stopped by Ctrl-C.
    """
    import_modules(modules)
