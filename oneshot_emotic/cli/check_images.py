"""`oneshot-emotic check-images`."""

from __future__ import annotations

from pathlib import Path

import click

from oneshot_emotic.cli.options import FOLDER, annotations_option, workers_option
from oneshot_emotic.cli.progress import echo, progress_bar, say
from oneshot_emotic.errors import InputError


@click.command()
@click.argument("emotic_root", type=FOLDER)
@annotations_option
@click.option("-o", "--output", type=FOLDER, help="Write the full list to this CSV file.")
@workers_option
def command(emotic_root: Path, annotations: Path | None, output: Path | None, workers: int) -> None:
    """Decode every image of an EMOTIC copy; list missing, damaged and unusual ones.

    Exit status 1 when a person would be left without a picture.
    """
    from oneshot_emotic.cli.build import print_image_report
    from oneshot_emotic.emotic.images import BROKEN, FINDINGS, check_images
    from oneshot_emotic.emotic.layout import find_annotations, find_layout
    from oneshot_emotic.emotic.persons import read_annotations
    from oneshot_emotic.files import check_not_input, write_text

    layout = find_layout(emotic_root)
    path = annotations or find_annotations(layout)
    if not layout.image_folders:
        raise InputError("no image folders (such as mscoco/images) found", emotic_root)
    check_not_input(output, (path, *(x for y in layout.image_folders.values() for x in y)))
    say(f"reading {path} ...")
    listed = read_annotations(path).images
    with progress_bar("decoding", len(listed)) as progress:
        report = check_images(
            listed, layout.image_folders, decode=True, workers=workers, progress=progress
        )
    print_image_report(report)
    for kind in FINDINGS:
        names = [item for item in report.findings if item.kind == kind]
        if names and output is None:
            echo(f"{kind}:")
            for item in names[:20]:
                echo(f"  {item.image_id}" + (f"  ({item.detail})" if item.detail else ""))
            if len(names) > 20:
                echo(f"  ... and {len(names) - 20:,} more; -o FILE writes the full list")
    if output is not None:
        write_text(output, report.to_csv())
        echo(f"full list: {output}")
    if any(item.kind in BROKEN for item in report.findings):
        raise SystemExit(1)
