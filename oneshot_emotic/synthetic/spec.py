"""What a picture of the stand-in shows, before anything is drawn.

`population.py` decides these values, `drawing` turns them into pixels; neither knows the other.
Positions are fractions of the picture's width and height, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

#: Where a hand is.
Arm = Literal["down", "up", "out", "hip", "chest", "face", "belly"]
ARMS: tuple[Arm, ...] = get_args(Arm)

Setting = Literal["living room", "office", "park", "street", "beach", "mountains"]

#: The ADE20K classes of a setting's ground and backdrop; all are always visible.
BACKDROPS: dict[Setting, tuple[str, ...]] = {
    "living room": ("wall", "floor", "rug"),
    "office": ("wall", "floor", "ceiling"),
    "park": ("sky", "grass", "path"),
    "street": ("sky", "building", "road", "sidewalk"),
    "beach": ("sky", "sea", "sand"),
    "mountains": ("sky", "mountain", "field"),
}
INDOORS: frozenset[Setting] = frozenset({"living room", "office"})

#: A slot is a place that nothing else covers entirely, whatever the figures do.
Slot = Literal["top", "side", "front"]
SLOTS: dict[Slot, int] = {"top": 3, "side": 2, "front": 2}


@dataclass(frozen=True)
class Prop:
    """An object that can be drawn: its kind of slot and the settings it fits."""

    slot: Slot
    indoors: bool
    outdoors: bool

    def fits(self, setting: Setting) -> bool:
        """True when the object may stand in `setting`."""
        return self.indoors if setting in INDOORS else self.outdoors


_PROPS: tuple[tuple[Slot, bool, bool, str], ...] = (
    # hung on the wall, or far away at the horizon or in the sky
    ("top", True, False, "painting, windowpane, clock, shelf, mirror, bulletin board"),
    ("top", True, False, "television receiver, blind"),
    ("top", True, True, "poster, signboard, flag"),
    ("top", False, True, "airplane, tower, skyscraper, house"),
    # tall, at the left or right edge
    ("side", True, False, "door, bookcase, lamp, refrigerator, wardrobe, curtain"),
    ("side", True, True, "column, plant"),
    ("side", False, True, "tree, palm, streetlight, traffic light, fountain"),
    # low, in a front corner
    ("front", True, False, "armchair, stool, cushion, vase"),
    ("front", True, True, "ball, bag, animal, flower, chair, basket, box, plaything, book"),
    ("front", True, True, "bottle, food, ashcan"),
    ("front", False, True, "bench, bicycle, barrel, rock"),
)
#: Every object of the stand-in by its ADE20K name.
PROPS: dict[str, Prop] = {
    name: Prop(slot, indoors, outdoors)
    for slot, indoors, outdoors, names in _PROPS
    for name in names.split(", ")
}


@dataclass(frozen=True)
class Light:
    """The light and the colours of a scene, each from 0 to 1.

    Attributes:
        warmth: From cold blue to warm orange.
        brightness: From dim to bright.
        vividness: From grey to saturated, strongly contrasted colours.
    """

    warmth: float
    brightness: float
    vividness: float


@dataclass(frozen=True)
class PlacedObject:
    """An object in one of its slots, numbered from the left."""

    name: str
    place: int


@dataclass(frozen=True)
class Scene:
    """Everything in a picture but the people."""

    setting: Setting
    objects: tuple[PlacedObject, ...]
    light: Light
    variation: int
    """Decides what carries no meaning: hues of walls, shapes of clouds."""

    @property
    def ade20k_classes(self) -> tuple[str, ...]:
        """The true Sem2Vec: ADE20K classes on at least one pixel, people among them."""
        return (*BACKDROPS[self.setting], *(item.name for item in self.objects), "person")


@dataclass(frozen=True)
class Pose:
    """How a person holds itself.

    Attributes:
        smile: From -1, corners of the mouth down, to 1, laughing. Follows valence.
        energy: From 0, at rest, to 1: wide eyes, open mouth, apart legs, stretched arms.
            Follows arousal.
        stature: From 0, slumped, head low, brows up, to 1, upright, chest out, brows down.
            Follows dominance.
        left_arm, right_arm: Where the hands are, as seen in the picture. Follow the category.
    """

    smile: float
    energy: float
    stature: float
    left_arm: Arm
    right_arm: Arm


@dataclass(frozen=True)
class Figure:
    """A person in the picture.

    Attributes:
        x: Where it stands, as a fraction of the picture's width.
        ground: Where its feet are, as a fraction of the picture's height; beyond 1 they are cut.
        height: Its height when upright, hair and hat included, as a fraction of the picture's
            height. Nothing of it is drawn in the uppermost 8 % of the picture.
        pose: How it holds itself.
        age: "Kid", "Teenager" or "Adult": proportions.
        look: Decides skin, hair and clothes, which carry no meaning.
    """

    x: float
    ground: float
    height: float
    pose: Pose
    age: str
    look: int


@dataclass(frozen=True)
class Picture:
    """A picture of the stand-in; figures are drawn in order, the last in front."""

    width: int
    height: int
    scene: Scene
    figures: tuple[Figure, ...]
