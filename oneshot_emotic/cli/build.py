"""`oneshot-emotic build`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneshot_emotic.cli.options import FOLDER, workers_option
from oneshot_emotic.cli.progress import echo, echo_lines, progress_bar, say
from oneshot_emotic.errors import InputError
from oneshot_emotic.labels import LABEL_RULES, LabelRule
from oneshot_emotic.tasks import TASKS

if TYPE_CHECKING:
    from oneshot_emotic.emotic.images import ImageReport
    from oneshot_emotic.emotic.layout import Layout
    from oneshot_emotic.emotic.persons import Annotations
    from oneshot_emotic.splits import DatasetIdentity, Task


@click.command()
@click.argument("emotic_root", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, required=True, help="The dataset folder to make.")
@click.option(
    "--annotations",
    type=FOLDER,
    help="The annotations file, where it cannot be found or there are several.",
)
@click.option(
    "--label-rule",
    type=click.Choice(LABEL_RULES),
    default="argmax",
    show_default=True,
    help="`argmax` is the official rule.",
)
@click.option(
    "--name",
    help="The data set's name; default: `emotic`, `emotic-cvpr17` or `synthetic`, as found.",
)
@click.option("--quirks", type=FOLDER, help="Write the full list of quirks to this CSV file.")
@click.option("--no-images", is_flag=True, help="Do not look at image files at all.")
@workers_option
def command(
    emotic_root: Path,
    output: Path,
    annotations: Path | None,
    label_rule: LabelRule,
    name: str | None,
    quirks: Path | None,
    no_images: bool,
    workers: int,
) -> None:
    """Build the dataset folder from an EMOTIC copy.

    EMOTIC_ROOT is the folder EMOTIC was unpacked into, in any of its layouts. The splits come from
    the annotations file alone; where images are found, their headers are looked at too (for every
    pixel: `oneshot-emotic check-images`).
    """
    from oneshot_emotic.dataset.folder import CONTENTS, MANIFEST, write_dataset
    from oneshot_emotic.emotic.layout import csv_problem, find_annotations, find_layout
    from oneshot_emotic.emotic.persons import dataset_name, read_annotations
    from oneshot_emotic.files import check_not_input, new_folder, write_text
    from oneshot_emotic.splits import build_tasks

    if emotic_root.suffix.lower() == ".csv":
        raise InputError(csv_problem(emotic_root))
    layout = find_layout(emotic_root)
    path = annotations or find_annotations(layout)
    check_not_input(quirks, (path, *(x for y in layout.image_folders.values() for x in y)))
    say(f"reading {path} ...")
    content = read_annotations(path)
    name = dataset_name(path, content, name)
    _print_counts(name, path, content)
    _print_quirks(content)
    if not no_images:
        _print_images(layout, content, workers)
    if quirks is not None:
        write_text(quirks, content.quirks.to_csv())
        echo(f"full list of quirks: {quirks}", "")
    say("drawing supports ...")
    tasks = {rule: build_tasks(content.persons, rule) for rule in LABEL_RULES}
    with new_folder(output, marker=MANIFEST, contents=CONTENTS) as folder:
        identity = write_dataset(folder, tasks[label_rule], name, label_rule, content.synthetic)
    _print_tasks(tasks, label_rule, content.synthetic is not None)
    _print_result(output, identity)


def _print_counts(name: str, path: Path, content: Annotations) -> None:
    from oneshot_emotic.emotic import published

    parts = published.PARTITIONS
    kept = Counter(content.persons["partition"].tolist())
    columns = [
        ("images", content.images_found),
        ("published", published.IMAGES),
        ("persons", content.persons_found),
        ("published", published.PERSONS),
        ("kept", kept),
    ]
    if name != "emotic":
        columns = [column for column in columns if column[0] != "published"]
    rows = [
        [label, *(f"{sum(counts.get(x, 0) for x in partitions):,}" for _, counts in columns)]
        for label, partitions in (*((x, (x,)) for x in parts), ("all", parts))
    ]
    echo(f"{name}: {path}", "")
    _echo_table(["", *(title for title, _ in columns)], rows)
    if name == "emotic-cvpr17":
        known = f"{published.CVPR17_TRAIN_PERSONS:,}"
        echo(f"The CVPR 2017 file is known to have {known} train persons.", "")
    elif name == "emotic" and content.persons_found != published.PERSONS:
        echo("These are not the published figures: this is not the whole of EMOTIC.", "")


def _print_quirks(content: Annotations) -> None:
    from oneshot_emotic.emotic.quirks import DROPPING, QUIRKS

    counts = content.quirks.counts()
    if not counts:
        echo("No quirks.", "")
        return
    rows = [[kind, f"{count:,}", QUIRKS[kind]] for kind, count in counts.items()]
    _echo_table(["quirk", "count", "meaning"], rows)
    dropped = sum(count for kind, count in counts.items() if kind in DROPPING)
    echo(f"Persons dropped: {dropped:,}.", "")


def _print_images(layout: Layout, content: Annotations, workers: int) -> None:
    from oneshot_emotic.emotic.images import check_images

    if not layout.image_folders:
        echo("No image folders found: image files not looked at.", "")
        return
    listed = content.images
    with progress_bar("image headers", len(listed)) as progress:
        report = check_images(
            listed, layout.image_folders, decode=False, workers=workers, progress=progress
        )
    print_image_report(report)


def print_image_report(report: ImageReport) -> None:
    """Show how often each finding was met."""
    from oneshot_emotic.emotic.images import FINDINGS

    how = "decoded" if report.decoded else "headers and last bytes read"
    echo(f"{report.images:,} images looked for ({how})", "")
    rows = [[kind, f"{count:,}", FINDINGS[kind]] for kind, count in report.counts().items()]
    if rows:
        _echo_table(["image file", "count", "meaning"], rows)
    else:
        echo("All present and whole.", "")


def _print_tasks(
    tasks: Mapping[LabelRule, Mapping[str, Task]], rule: LabelRule, synthetic: bool
) -> None:
    from oneshot_emotic.emotic import published

    echo(f"novel persons per class, label rule {rule}")
    for name in TASKS:
        task = tasks[rule][name]
        listed = ", ".join(f"{item} {task.novel.counts[item]:,}" for item in task.classes)
        echo(f"  {name:18} {len(task.novel):7,}  {listed or '-'}")
        if task.dropped_classes:
            listed = ", ".join(f"{item} {count}" for item, count in task.dropped_classes.items())
            echo(f"    left out for lack of persons: {listed}")
        if task.unscorable:
            echo(f"    cannot be scored: {task.unscorable}")
    # The released list is of EMOTIC: beside invented persons it would mean nothing.
    released = published.RELEASED_CAT_6_6
    of_rules = {str(key): tasks[key]["cat-6-6"] for key in LABEL_RULES}
    columns = {key: {**task.novel.counts, **task.dropped_classes} for key, task in of_rules.items()}
    title = "novel persons of cat-6-6 by both label rules"
    if not synthetic:
        columns["released"] = released
        title += ", and in the list that the authors released"
    rows = [[x, *(f"{counts.get(x, 0):,}" for counts in columns.values())] for x in released]
    echo("", title)
    _echo_table(["", *columns], rows)


def _print_result(output: Path, identity: DatasetIdentity) -> None:
    from oneshot_emotic.dataset.load import load_task

    echo(f"{output}: {identity.name}, label rule {identity.label_rule}")
    echo(f"fingerprint {identity.fingerprint}")
    if identity.name == "synthetic":
        same = load_task("cat-6-6").dataset == identity
        inside = "the synthetic data set inside the package"
        echo(f"the same as {inside}" if same else f"not {inside} (other settings)")


def _echo_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from tabulate import tabulate

    numbers = {"count", "images", "persons", "kept", "published", "released", *LABEL_RULES}
    alignment = ["right" if header in numbers else "left" for header in headers]
    text = tabulate(rows, headers, tablefmt="simple", colalign=alignment, disable_numparse=True)
    echo_lines(f"{text}\n")
