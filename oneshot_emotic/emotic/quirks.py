"""The oddities of EMOTIC's annotations that the reader survives, and the list of those it met."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from oneshot_emotic.emotic.tables import csv_text
from oneshot_emotic.errors import printable

#: Kind of quirk -> what it is and what the reader does about it. The order is that of the report.
QUIRKS: dict[str, str] = {
    "box-negative": "box with a negative coordinate: clipped",
    "box-from-zero": "box that starts at 0 although pixels count from 1: clipped",
    "box-over-edge": "box beyond the right or lower edge: clipped",
    "box-swapped-corners": "box with swapped corners: put in order",
    "box-fractional": "box with fractional coordinates: kept",
    "box-fifth-element": "box with a fifth element (a score): ignored",
    "box-zero-area": "box without area: person dropped",
    "box-outside": "box wholly outside the image: person dropped",
    "box-unreadable": "box that is not four finite numbers: person dropped",
    "image-size-unknown": "image without a stored size: boxes not clipped on the right and below",
    "continuous-nan": "valence, arousal or dominance NaN: leaves those level tasks",
    "continuous-out-of-range": "valence, arousal or dominance outside 1..10: clipped",
    "combined-continuous-missing": "no combined valence, arousal, dominance: mean over annotators",
    "combined-categories-empty": "combined categories empty: the annotators' own lists used",
    "annotator-categories-empty": "no annotator lists categories: the combined ones used",
    "categories-missing": "no category at all: leaves the categorical tasks",
    "category-spelling": "other spelling of a category: read as meant",
    "category-unknown": "name that is none of the 26 categories: ignored",
    "image-without-persons": "image without persons",
    "image-listed-twice": "image listed again in its partition",
    "person-listed-twice": "identical person of an image listed again: kept once",
    "image-in-two-partitions": "image in more than one partition: never query to its own support",
}

#: The kinds for which a person leaves the data set.
DROPPING = frozenset({"box-zero-area", "box-outside", "box-unreadable"})


@dataclass(frozen=True)
class Quirk:
    """One oddity met: its kind, the sample_id (or image_id) it concerns, and what was seen."""

    kind: str
    where: str
    detail: str = ""


@dataclass
class QuirkLog:
    """All quirks of a file, in the order met."""

    met: list[Quirk] = field(default_factory=list)

    def add(self, kind: str, where: str, detail: str = "") -> None:
        """Note a quirk of a known kind."""
        assert kind in QUIRKS, kind
        self.met.append(Quirk(kind, where, printable(detail)))

    def counts(self) -> dict[str, int]:
        """How often each kind was met, in the order of `QUIRKS`; kinds not met are left out."""
        counter = Counter(quirk.kind for quirk in self.met)
        return {kind: counter[kind] for kind in QUIRKS if counter[kind]}

    def to_csv(self) -> str:
        """The full list: kind, sample_id or image_id, whether the person was dropped, detail."""
        rows = (
            (quirk.kind, quirk.where, "yes" if quirk.kind in DROPPING else "no", quirk.detail)
            for quirk in self.met
        )
        return csv_text(("quirk", "where", "dropped", "detail"), rows)
