"""`oneshot-emotic synth`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.options import FOLDER, Function, workers_option
from oneshot_emotic.cli.progress import echo, progress_bar, say
from oneshot_emotic.synthetic.settings import StandInSettings

#: Setting -> what it is.
_SETTINGS = {
    "persons": "How many.",
    "seed": "Other people.",
    "body_cue": "Share of persons whose posture and face follow their own emotion.",
    "scene_cue": "Share of pictures whose light and colours follow the mood.",
    "semantic_cue": "Share of a picture's objects that follow the mood.",
    "posture_noise": "Levels between what a person feels and what its posture shows.",
    "shared_mood": "Share of persons who feel what the scene is about.",
}


def _settings_options(function: Function) -> Function:
    for name, what in reversed(_SETTINGS.items()):
        option, default = f"--{name.replace('_', '-')}", getattr(StandInSettings(), name)
        kind = {"type": type(default), "default": default, "show_default": True}
        function = click.option(option, **kind, help=what)(function)
    return function


@click.command()
@click.argument("out", type=FOLDER)
@_settings_options
@click.option("--annotations-only", is_flag=True, help="No pictures.")
@workers_option
def command(out: Path, annotations_only: bool, workers: int, **settings: Any) -> None:
    """Write the synthetic stand-in: an invented data set in EMOTIC's layout.

    OUT gets Annotations/Annotations.mat, emotic/*/images/*.jpg and sem2vec.csv (the true ADE20K
    classes of every image); `oneshot-emotic build OUT -o DIR` reads it like EMOTIC. A cue of 0
    shows nothing of the emotion, a cue of 1 always does. A stand-in that is there is replaced; a
    folder with anything else in it is refused.
    """
    chosen = StandInSettings(**settings)
    write_stand_in_folder(out, chosen, pictures=not annotations_only, workers=workers)


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

    again = ", in place of the one before" if (out / SETTINGS_FILE).is_file() else ""
    with new_folder(out, marker=SETTINGS_FILE, contents=CONTENTS) as folder:
        images = list(generate(settings))
        if pictures:
            with progress_bar("drawing", len(images)) as progress:
                write_pictures(folder, images, workers=workers, progress=progress)
        say("writing Annotations.mat ...")
        write_annotations(folder, images, settings)
    persons = sum(len(image.persons) for image in images)
    echo(f"{out}: a synthetic stand-in of {persons:,} persons in {len(images):,} images{again}")
