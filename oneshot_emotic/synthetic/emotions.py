"""What each of the 26 categories looks like in the stand-in.

All of it is invented; only the rough order of the frequencies follows EMOTIC's long tail. The novel
classes of the tasks use the same alphabet as the base classes, in combinations that no base class
has: every gesture and every object of theirs is seen in training, their pairing is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from oneshot_emotic.categories import CATEGORIES
from oneshot_emotic.synthetic.spec import Arm, Setting


@dataclass(frozen=True)
class Emotion:
    """A category as the stand-in shows it.

    Attributes:
        frequency: How often it is somebody's main category, in relative weights.
        affect: Its usual valence, arousal and dominance, in levels 1..10.
        arms: The usual gesture: left and right hand, as seen in the picture.
        settings: Where it is usually met.
        objects: What usually stands around.
    """

    frequency: float
    affect: tuple[float, float, float]
    arms: tuple[Arm, Arm]
    settings: tuple[Setting, ...]
    objects: tuple[str, ...]


_Row = tuple[float, tuple[float, float, float], tuple[Arm, Arm], tuple[Setting, ...], str]
#: The fields of `Emotion`, the objects in one text.
_ROWS: dict[str, _Row] = {
    # base classes
    "Disapproval": (
        14, (3.0, 5.5, 6.5), ("hip", "out"), ("office", "street"),
        "bulletin board, clock, door, signboard, column, ashcan, box, traffic light, book",
    ),
    "Aversion": (
        10, (2.7, 5.2, 5.0), ("out", "chest"), ("living room", "street"),
        "ashcan, mirror, bottle, food, barrel, animal, door, refrigerator, rock",
    ),
    "Annoyance": (
        16, (3.3, 6.2, 5.6), ("hip", "hip"), ("street", "office"),
        "traffic light, signboard, clock, blind, streetlight, bag, box, television receiver, door",
    ),
    "Anger": (
        12, (1.9, 8.2, 7.6), ("up", "hip"), ("street", "office"),
        "flag, poster, barrel, streetlight, bottle, ashcan, column, skyscraper, box",
    ),
    "Suffering": (
        12, (1.7, 5.0, 2.4), ("face", "belly"), ("living room", "mountains"),
        "blind, curtain, lamp, bottle, stool, tower, rock, armchair, tree",
    ),
    "Sadness": (
        18, (2.0, 2.9, 3.0), ("down", "face"), ("living room", "park"),
        "windowpane, curtain, lamp, armchair, cushion, tree, rock, bench, tower",
    ),
    "Fatigue": (
        22, (4.2, 1.7, 3.6), ("down", "down"), ("living room", "office", "park"),
        "television receiver, armchair, cushion, lamp, clock, bench, bag, blind, tree, signboard",
    ),
    "Pain": (
        10, (2.0, 6.3, 2.8), ("belly", "belly"), ("street", "mountains", "living room"),
        "bicycle, stool, rock, mirror, ball, curtain, bottle, streetlight, tower",
    ),
    "Fear": (
        10, (2.1, 8.4, 1.8), ("face", "out"), ("mountains", "street", "living room"),
        "door, tower, tree, column, curtain, streetlight, lamp, barrel, clock",
    ),
    "Disquietment": (
        20, (3.4, 6.0, 3.4), ("chest", "chest"), ("office", "street"),
        "clock, door, windowpane, traffic light, tower, chair, mirror, column, barrel",
    ),
    "Peace": (
        40, (7.6, 1.9, 6.2), ("down", "belly"), ("park", "beach", "mountains"),
        "tree, flower, plant, palm, book, painting, bench, fountain, house",
    ),
    "Affection": (
        30, (8.2, 4.6, 6.0), ("out", "out"), ("living room", "park"),
        "flower, plaything, animal, cushion, vase, house, painting, plant, lamp",
    ),
    "Sympathy": (
        22, (5.4, 3.3, 5.6), ("chest", "down"), ("living room", "park"),
        "flower, chair, bag, basket, windowpane, house, armchair, plant",
    ),
    "Happiness": (
        95, (8.6, 6.4, 7.0), ("up", "out"), ("beach", "park", "living room"),
        "ball, food, flower, palm, animal, basket, poster, bicycle, fountain, painting, plant",
    ),
    "Pleasure": (
        48, (8.0, 4.9, 6.6), ("out", "down"), ("beach", "living room"),
        "food, vase, painting, palm, bottle, plant, mirror, fountain, house",
    ),
    "Excitement": (
        75, (8.1, 9.0, 7.2), ("up", "up"), ("beach", "street", "park"),
        "ball, flag, airplane, bicycle, plaything, poster, television receiver, palm, streetlight",
    ),
    "Anticipation": (
        70, (6.6, 6.9, 6.0), ("chest", "up"), ("street", "office"),
        "airplane, bag, door, clock, ball, signboard, bicycle, shelf, traffic light",
    ),
    "Surprise": (
        18, (6.2, 8.8, 4.4), ("face", "up"), ("living room", "street", "park"),
        "box, airplane, animal, plaything, mirror, door, tower, basket, tree",
    ),
    "Doubt/Confusion": (
        24, (4.1, 4.9, 4.0), ("face", "hip"), ("office", "street"),
        "signboard, book, bulletin board, traffic light, shelf, chair, windowpane, bookcase",
    ),
    "Confidence": (
        60, (7.3, 5.9, 9.1), ("hip", "down"), ("office", "street", "mountains"),
        "skyscraper, flag, column, bookcase, poster, wardrobe, bulletin board, airplane, chair",
    ),
    # novel classes
    "Disconnection": (
        62, (4.3, 2.3, 5.0), ("belly", "hip"), ("living room", "park", "street"),
        "windowpane, television receiver, bench, blind, bottle, tree, rock, bag, wardrobe",
    ),
    "Engagement": (
        150, (6.2, 5.6, 6.9), ("belly", "out"), ("office", "street", "park"),
        "book, bookcase, bulletin board, chair, shelf, bicycle, ball, basket, flag, plant",
    ),
    "Sensitivity": (
        28, (4.6, 4.8, 2.6), ("chest", "face"), ("living room", "park"),
        "flower, curtain, animal, lamp, vase, painting, rock, tower, fountain",
    ),
    "Embarrassment": (
        28, (3.6, 6.6, 2.2), ("face", "face"), ("living room", "street"),
        "mirror, wardrobe, door, food, signboard, plaything, curtain, streetlight",
    ),
    "Esteem": (
        46, (7.7, 5.3, 8.4), ("chest", "hip"), ("office", "mountains", "park"),
        "flag, painting, column, vase, bookcase, fountain, house, tree, rock",
    ),
    "Yearning": (
        42, (5.2, 4.0, 3.8), ("up", "belly"), ("beach", "living room"),
        "airplane, windowpane, tower, house, palm, lamp, armchair, poster, bottle",
    ),
}  # fmt: skip

EMOTIONS = {name: Emotion(*row[:4], tuple(row[4].split(", "))) for name, row in _ROWS.items()}

#: How often each category is the main one, in the order of `CATEGORIES`.
MAIN_CATEGORY_WEIGHTS = tuple(EMOTIONS[name].frequency for name in CATEGORIES)


@cache
def companion_weights(category: str) -> tuple[float, ...]:
    """How readily each category is named together with `category`, which itself gets 0.

    Common ones more readily, and those of near affect more readily than far ones.
    """
    here = EMOTIONS[category].affect
    weights = []
    for name in CATEGORIES:
        other = EMOTIONS[name]
        squared = math.fsum((a - b) * (a - b) for a, b in zip(here, other.affect, strict=True))
        nearness = 1.0 / (1.0 + squared / 4.0)
        weights.append(0.0 if name == category else other.frequency * nearness * nearness)
    return tuple(weights)
