"""`oneshot-emotic synth`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.options import FOLDER, workers_option
from oneshot_emotic.cli.progress import echo, progress_bar, say
from oneshot_emotic.synthetic.settings import StandInSettings

_DEFAULT = StandInSettings()


@click.command()
@click.argument("out", type=FOLDER)
@click.option("--persons", type=int, default=_DEFAULT.persons, show_default=True, help="How many.")
@click.option("--seed", type=int, default=_DEFAULT.seed, show_default=True, help="Other people.")
@click.option(
    "--body-cue",
    type=float,
    default=_DEFAULT.body_cue,
    show_default=True,
    help="Share of persons whose posture and face follow their own emotion.",
)
@click.option(
    "--scene-cue",
    type=float,
    default=_DEFAULT.scene_cue,
    show_default=True,
    help="Share of pictures whose light and colours follow the mood.",
)
@click.option(
    "--semantic-cue",
    type=float,
    default=_DEFAULT.semantic_cue,
    show_default=True,
    help="Share of a picture's objects that follow the mood.",
)
@click.option(
    "--posture-noise",
    type=float,
    default=_DEFAULT.posture_noise,
    show_default=True,
    help="Levels between what a person feels and what its posture shows.",
)
@click.option(
    "--shared-mood",
    type=float,
    default=_DEFAULT.shared_mood,
    show_default=True,
    help="Share of persons who feel what the scene is about.",
)
@click.option("--annotations-only", is_flag=True, help="No pictures.")
@workers_option
def command(out: Path, annotations_only: bool, workers: int, **settings: Any) -> None:
    """Write the synthetic stand-in: an invented data set in EMOTIC's layout.

    OUT gets Annotations/Annotations.mat, emotic/*/images/*.jpg and sem2vec.csv (the true ADE20K
    classes of every image); `oneshot-emotic build OUT -o DIR` reads it like EMOTIC. A cue of 0
    shows nothing of the emotion, a cue of 1 always does.
    """
    write_stand_in_folder(
        out,
        StandInSettings(**settings),
        pictures=not annotations_only,
        workers=workers,
    )


def write_stand_in_folder(
    out: Path, settings: StandInSettings, *, pictures: bool, workers: int
) -> None:
    """Write a stand-in with progress; the folder appears when it is complete."""
    from oneshot_emotic.files import new_folder
    from oneshot_emotic.synthetic.population import generate
    from oneshot_emotic.synthetic.write import (
        CONTENTS,
        SETTINGS_FILE,
        write_annotations,
        write_pictures,
    )

    with new_folder(out, marker=SETTINGS_FILE, contents=CONTENTS) as folder:
        images = list(generate(settings))
        if pictures:
            with progress_bar("drawing", len(images)) as progress:
                write_pictures(folder, images, workers=workers, progress=progress)
        say("writing Annotations.mat ...")
        write_annotations(folder, images, settings)
    persons = sum(len(image.persons) for image in images)
    echo(f"{out}: a synthetic stand-in of {persons:,} persons in {len(images):,} images")
