"""From the records of an annotations file to the table of persons that everything else uses."""

from __future__ import annotations

import gc
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_emotic.categories import canonical_category
from oneshot_emotic.emotic.boxes import clip_box
from oneshot_emotic.emotic.matfile import (
    ImageRecord,
    ListedImage,
    PersonRecord,
    Triple,
    read_annotations_file,
)
from oneshot_emotic.emotic.quirks import QuirkLog
from oneshot_emotic.errors import InputError
from oneshot_emotic.names import DATASET_NAME
from oneshot_emotic.tasks import DIMENSIONS, LEVELS

if TYPE_CHECKING:
    import pandas as pd

_SYNTHETIC = "synthetic"

#: The columns of the table of persons.
COLUMNS = (
    "sample_id",  # {partition}/{folder}/{filename}#{ordinal}
    "image_id",  # {folder}/{filename}
    "partition",  # train, val or test
    "folder",
    "filename",
    "ordinal",  # place among the persons of the image, from 0
    "x1",  # body box in pixels from 0, half-open, clipped to the image
    "y1",
    "x2",
    "y2",
    "width",  # of the image, as stored in the file; may be wrong there
    "height",
    "labels",  # tuple of category names, each as often as an annotator gave it
    "valence",  # combined value, 1..10, may be fractional; NaN where there is none
    "arousal",
    "dominance",
    "gender",
    "age",
)


@dataclass(frozen=True)
class Annotations:
    """What the reader made of an annotations file.

    Attributes:
        persons: The table of persons kept, one row each, with the columns of `COLUMNS`, in the
            order of the file.
        images: Every image of the file once, persons or not, in the order of the file.
        quirks: Every oddity met.
        persons_found: Persons a partition, before anything was dropped (an identical person of an
            image listed again counts once).
        images_found: Different images a partition.
        synthetic: The settings of a synthetic stand-in; None for anything else.
    """

    persons: pd.DataFrame
    images: tuple[ListedImage, ...]
    quirks: QuirkLog
    persons_found: dict[str, int]
    images_found: dict[str, int]
    synthetic: dict[str, Any] | None


def read_annotations(path: Path) -> Annotations:
    """Read an Annotations.mat into a table of persons.

    Raises:
        InputError: The file is not EMOTIC's annotations file.
    """
    # The collector would walk the millions of live objects of an annotations file again and again,
    # and nothing made here is cyclic.
    enabled = gc.isenabled()
    gc.disable()
    try:
        return _table(*read_annotations_file(path))
    finally:
        if enabled:
            gc.enable()


def dataset_name(path: Path, annotations: Annotations, given: str | None = None) -> str:
    """The name of the data set of an annotations file.

    Args:
        path: The file.
        annotations: What was read of it.
        given: A name that somebody wants; default `emotic`, `emotic-cvpr17` or `synthetic`.

    Raises:
        InputError: It is no name; or what is synthetic would not be called so, or what is not
            would.
    """
    is_synthetic = annotations.synthetic is not None
    default = "emotic-cvpr17" if path.name.lower().startswith("cvpr17") else "emotic"
    default = _SYNTHETIC if is_synthetic else default
    name = given or default
    if not DATASET_NAME.fullmatch(name):
        raise InputError(f"a data set's name is small letters, digits and hyphens, not {name!r}")
    if is_synthetic != name.startswith(_SYNTHETIC):
        kind = "a synthetic stand-in" if is_synthetic else "not synthetic"
        what = f"the data set cannot be called {name!r}: it is {kind}"
        raise InputError(what, path, f"Leave --name out for {default!r}")
    return name


def _table(records: Iterable[ImageRecord], synthetic: dict[str, Any] | None) -> Annotations:
    """Judge the records: name the persons, clean boxes and labels, drop what cannot be used."""
    import pandas as pd

    quirks = QuirkLog()
    persons_found: Counter[str] = Counter()
    images_found: Counter[str] = Counter()
    images: dict[str, ListedImage] = {}
    rows: list[tuple[Any, ...]] = []
    for (partition, image_id), (image, persons) in _merge_listings(records, quirks).items():
        images.setdefault(image_id, image)
        images_found[partition] += 1
        persons_found[partition] += len(persons)
        for ordinal, person in enumerate(persons):
            row = _row(partition, image, ordinal, person, quirks)
            if row is not None:
                rows.append(row)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    listed = tuple(images.values())
    return Annotations(table, listed, quirks, persons_found, images_found, synthetic)


def _merge_listings(
    records: Iterable[ImageRecord], quirks: QuirkLog
) -> dict[tuple[str, str], tuple[ListedImage, list[PersonRecord]]]:
    """Each image of a partition once, with its persons in the order of their ordinals.

    A person of a later listing that is identical to one of an earlier listing is the same person;
    any other one gets the next ordinal.
    """
    listings: dict[tuple[str, str], tuple[ListedImage, list[PersonRecord]]] = {}
    partitions: dict[str, str] = {}
    for record in records:
        partition, image_id = key = (record.partition, record.image.image_id)
        where = f"{partition}/{image_id}"
        other = partitions.setdefault(image_id, partition)
        if key not in listings:
            listings[key] = (record.image, list(record.persons))
            if other != partition:
                quirks.add("image-in-two-partitions", image_id, f"{other} and {partition}")
            if not record.persons:
                quirks.add("image-without-persons", where)
            continue
        quirks.add("image-listed-twice", where)
        persons = listings[key][1]
        unmatched = list(enumerate(persons))
        for person in record.persons:
            twin = next((item for item in unmatched if item[1].same_as(person)), None)
            if twin is None:
                persons.append(person)
            else:
                unmatched.remove(twin)
                quirks.add("person-listed-twice", f"{where}#{twin[0]}")
    return listings


def _row(
    partition: str, image: ListedImage, ordinal: int, person: PersonRecord, quirks: QuirkLog
) -> tuple[Any, ...] | None:
    """The row of a person; None where it is dropped."""
    sample_id = f"{partition}/{image.image_id}#{ordinal}"

    def note(kind: str, detail: str = "") -> None:
        quirks.add(kind, sample_id, detail)

    labels = _labels(person, note)
    affect = _affect(person, note)
    width, height = image.width, image.height
    if not (width >= 1 and height >= 1):
        note("image-size-unknown", f"stored size {width:g} x {height:g}")
        width = height = math.inf
    box, kinds = clip_box(person.box, width, height)
    for kind in kinds:
        numbers = " ".join(f"{number:g}" for number in person.box)
        note(kind, f"box [{numbers}] in {width:g} x {height:g}")
    if box is None:
        return None
    return (
        sample_id,
        image.image_id,
        partition,
        image.folder,
        image.filename,
        ordinal,
        *box,
        image.width,
        image.height,
        labels,
        *affect,
        person.gender,
        person.age,
    )


def _labels(person: PersonRecord, note: Callable[[str, str], None]) -> tuple[str, ...]:
    """Every category of every annotator, repeats kept; the combined ones where there is none."""
    spelt = [name for names in person.categories for name in names]
    if person.combined_categories is not None:
        if spelt and not person.combined_categories:
            note("combined-categories-empty", "")
        elif person.combined_categories and not spelt:
            note("annotator-categories-empty", "")
            spelt = list(person.combined_categories)
    meant = [(name, canonical_category(name)) for name in spelt]
    if variants := [name for name, category in meant if category not in (name, None)]:
        note("category-spelling", ", ".join(variants))
    if unknown := [name for name, category in meant if category is None]:
        note("category-unknown", ", ".join(unknown))
    labels = tuple(category for _, category in meant if category is not None)
    if not labels:
        note("categories-missing", "")
    return labels


def _affect(person: PersonRecord, note: Callable[[str, str], None]) -> Triple:
    """Combined valence, arousal and dominance, NaN where there is none."""
    combined = person.combined_continuous
    if combined is None:
        if person.combined_categories is not None and person.continuous:
            note("combined-continuous-missing", "")
        combined = _mean(person.continuous)
    valence, arousal, dominance = (x if math.isfinite(x) else math.nan for x in combined)
    named = list(zip(DIMENSIONS, (valence, arousal, dominance), strict=True))
    if missing := [name for name, value in named if math.isnan(value)]:
        note("continuous-nan", ", ".join(missing))
    beyond = [f"{name} {x:g}" for name, x in named if x < LEVELS[0] or x > LEVELS[-1]]
    if beyond:
        note("continuous-out-of-range", ", ".join(beyond))
    return valence, arousal, dominance


def _mean(triples: tuple[Triple, ...]) -> Triple:
    """The mean over annotators, dimension by dimension; NaN where one of them is NaN."""
    if not triples:
        return math.nan, math.nan, math.nan
    valence, arousal, dominance = (
        math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.nan
        for values in zip(*triples, strict=True)
    )
    return valence, arousal, dominance
