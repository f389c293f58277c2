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


#: Every object of the stand-in by its ADE20K name.
PROPS: dict[str, Prop] = {
    # hung on the wall, or far away at the horizon or in the sky
    "painting": Prop("top", True, False),
    "windowpane": Prop("top", True, False),
    "clock": Prop("top", True, False),
    "shelf": Prop("top", True, False),
    "mirror": Prop("top", True, False),
    "bulletin board": Prop("top", True, False),
    "television receiver": Prop("top", True, False),
    "blind": Prop("top", True, False),
    "poster": Prop("top", True, True),
    "signboard": Prop("top", True, True),
    "flag": Prop("top", True, True),
    "airplane": Prop("top", False, True),
    "tower": Prop("top", False, True),
    "skyscraper": Prop("top", False, True),
    "house": Prop("top", False, True),
    # tall, at the left or right edge
    "door": Prop("side", True, False),
    "bookcase": Prop("side", True, False),
    "lamp": Prop("side", True, False),
    "refrigerator": Prop("side", True, False),
    "wardrobe": Prop("side", True, False),
    "curtain": Prop("side", True, False),
    "column": Prop("side", True, True),
    "plant": Prop("side", True, True),
    "tree": Prop("side", False, True),
    "palm": Prop("side", False, True),
    "streetlight": Prop("side", False, True),
    "traffic light": Prop("side", False, True),
    "fountain": Prop("side", False, True),
    # low, in a front corner
    "armchair": Prop("front", True, False),
    "stool": Prop("front", True, False),
    "cushion": Prop("front", True, False),
    "vase": Prop("front", True, False),
    "ball": Prop("front", True, True),
    "bag": Prop("front", True, True),
    "animal": Prop("front", True, True),
    "flower": Prop("front", True, True),
    "chair": Prop("front", True, True),
    "basket": Prop("front", True, True),
    "box": Prop("front", True, True),
    "plaything": Prop("front", True, True),
    "book": Prop("front", True, True),
    "bottle": Prop("front", True, True),
    "food": Prop("front", True, True),
    "ashcan": Prop("front", True, True),
    "bench": Prop("front", False, True),
    "bicycle": Prop("front", False, True),
    "barrel": Prop("front", False, True),
    "rock": Prop("front", False, True),
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
