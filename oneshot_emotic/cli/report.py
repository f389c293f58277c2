"""`oneshot-emotic report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, annotations_option, embeddings_options
from oneshot_emotic.cli.progress import echo, say
from oneshot_emotic.errors import InputError, Problem, counted, noting

if TYPE_CHECKING:
    from oneshot_emotic.submission.check import Checked
    from oneshot_emotic.submission_report.contents import Report


@click.command()
@click.argument("submissions", metavar="SUBMISSION...", type=FOLDER, nargs=-1, required=True)
@embeddings_options
@click.option("-o", "--output", type=FOLDER, help="The page to write, such as report.html.")
@click.option("--figures", type=FOLDER, help="Write the charts for a paper into this folder.")
@click.option(
    "--images",
    "root",
    type=FOLDER,
    help="The EMOTIC copy or stand-in: show queries beside their supports, from its files.",
)
@annotations_option
@click.option(
    "--embed-images",
    is_flag=True,
    help="Copy small pictures into the page. Licensed images must not be shared.",
)
@needs_extra
def command(
    submissions: tuple[Path, ...],
    dataset: str | None,
    task: str | None,
    max_bytes: int,
    output: Path | None,
    figures: Path | None,
    root: Path | None,
    annotations: Path | None,
    embed_images: bool,
) -> None:
    """Show submissions as a page with charts, and as figures of a paper.

    Each SUBMISSION is a file of embeddings, a folder of them, or a submission folder. Several are
    shown side by side with their paired differences. What has several files, of tasks or of runs
    (training seeds), is given as a folder.

    The page is one file that needs no network. Needs the extra [report].
    """
    from oneshot_emotic.files import check_not_input, write_bytes, write_text
    from oneshot_emotic.pictures import open_pictures
    from oneshot_emotic.submission_report.figures import figure_files, paper_figures
    from oneshot_emotic.submission_report.page import (
        EMBEDDED_WARNING,
        report_page,
        shown_persons,
    )
    from oneshot_emotic.submission_report.thumbnails import thumbnails

    _check_options(output, figures, root, annotations, embed_images)
    inputs = [*submissions, *([root] if root else [])]
    if output is not None and output.suffix.lower() != ".html":  # an earlier page is no input
        check_not_input(output, inputs)
    check_not_input(figures, submissions)
    pictures = None if root is None else open_pictures(root, annotations=annotations)
    report = _report(submissions, dataset, task, max_bytes)
    if output is not None:
        small = {}
        if pictures is not None:
            small = thumbnails(pictures, shown_persons(report), output.parent, embed_images)
            if pictures.grey:
                say(f"warning: {counted(len(pictures.grey), 'person')} shown without a picture")
        write_text(output, report_page(report, small))
        echo(f"report: {output}")
        if small and embed_images:
            say(f"warning: {EMBEDDED_WARNING}")
    if figures is not None:
        many = 0
        for name, content in figure_files(paper_figures(report), report.dataset):
            write_bytes(figures / name, content)
            many += 1
        echo(f"figures: {counted(many, 'file')} in {figures}")


def _check_options(
    output: Path | None,
    figures: Path | None,
    root: Path | None,
    annotations: Path | None,
    embed_images: bool,
) -> None:
    problems = []
    if output is None and figures is None:
        problems.append(Problem("says nothing to make", remedy="Give -o FILE, --figures, or both"))
    if root is not None and output is None:
        problems.append(Problem("--images is for the page", remedy="Give -o FILE"))
    if root is None and (embed_images or annotations is not None):
        named = "--embed-images" if embed_images else "--annotations"
        problems.append(Problem(f"{named} needs pictures", remedy="Give --images ROOT"))
    if figures is not None and figures.exists() and not figures.is_dir():
        problems.append(Problem("is not a folder", str(figures), "Give another for --figures"))
    if figures is not None and output is not None and figures.absolute() == output.absolute():
        problems.append(Problem("is the page and the figures' folder", str(figures)))
    if problems:
        raise InputError(problems)


def _report(
    submissions: tuple[Path, ...], dataset: str | None, task: str | None, max_bytes: int
) -> Report:
    from oneshot_emotic.cli.submissions import checked_files, named
    from oneshot_emotic.submission_report.contents import gather

    found: list[tuple[str, list[Checked]]] = []
    problems: list[Problem] = []
    for path in submissions:
        with noting(problems):
            found.append((named(path).name, checked_files([path], dataset, task, max_bytes)))
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return gather(found)
