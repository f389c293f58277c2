"""Who is in which picture of the stand-in, what each one feels, and what annotators said of it.

Every picture has random streams of its own, named by the seed and the picture's number: a larger
stand-in begins with the smaller one. What somebody feels, what it looks like and what stands around
have streams apart, so that turning a cue off changes what is seen and no label. All of it is
integer arithmetic and single IEEE operations: the same on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from oneshot_emotic.categories import CATEGORIES
from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.emotions import EMOTIONS, MAIN_CATEGORY_WEIGHTS, companion_weights
from oneshot_emotic.synthetic.settings import EDITION, StandInSettings
from oneshot_emotic.synthetic.spec import (
    ARMS,
    PROPS,
    SLOTS,
    Figure,
    Light,
    Picture,
    PlacedObject,
    Pose,
    Scene,
)

Partition = Literal["train", "val", "test"]
PARTITIONS: tuple[Partition, ...] = ("train", "val", "test")
Affect = tuple[float, float, float]

# EMOTIC's own shares, of images (partitions) and roughly (the rest).
_PARTITION_WEIGHTS = (17077, 2088, 4406)
_DATABASES = (("mscoco", 62), ("framesdb", 20), ("emodb_small", 10), ("ade20k", 8))
_PERSONS_PER_PICTURE = (0.70, 0.19, 0.07, 0.03, 0.01)
_LABELS_PER_ANNOTATOR = (0.42, 0.33, 0.15, 0.07, 0.03)
_ANNOTATORS = (0.08, 0.10, 0.14, 0.16, 0.20, 0.15, 0.07, 0.05, 0.03, 0.02)
_SIZES = ((384, 288), (288, 384), (320, 320))
_SIZE_WEIGHTS = (0.70, 0.18, 0.12)
_GENDERS = ("Female", "Male")
_AGES = ("Kid", "Teenager", "Adult")
_AGE_WEIGHTS = (0.12, 0.10, 0.78)

_NAN_SHARE = 0.015  # of the training persons, as EMOTIC's 359 of 23,706
_EMPTY_COMBINED_SHARE = 0.004
_MISSING_LEVELS_SHARE = 0.05  # persons with an annotator who gave categories only
_CUT_SHARE = 0.08  # figures whose feet are below the picture
_AFFECT_SPREAD = 1.1  # levels, between persons of one main category
_ANNOTATOR_SPREAD = 0.9  # levels, between annotators of one person
_NAMES_MAIN_TRAIN = 0.85  # how often an annotator names the main category first
_NAMES_MAIN_EVAL = 0.6


Levels = tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class StandInPerson:
    """A person of the stand-in.

    Attributes:
        figure: What it looks like.
        categories: The list of each annotator.
        levels: Valence, arousal and dominance of each annotator, None for NaN. Not always from
            the same annotators.
        combined_empty: True where the union of the categories was left empty, as happens in EMOTIC.
        gender: "Female" or "Male".
        age: "Kid", "Teenager" or "Adult".
    """

    figure: Figure
    categories: tuple[tuple[str, ...], ...]
    levels: tuple[Levels, ...]
    combined_empty: bool
    gender: str
    age: str


@dataclass(frozen=True)
class StandInImage:
    """An image of the stand-in: its place in EMOTIC's layout, its picture, its people."""

    partition: Partition
    database: str
    filename: str
    picture: Picture
    persons: tuple[StandInPerson, ...]

    @property
    def folder(self) -> str:
        """The folder as EMOTIC writes it, such as `mscoco/images`."""
        return f"{self.database}/images"


def generate(settings: StandInSettings, purpose: str = "stand-in") -> Iterator[StandInImage]:
    """The images of a stand-in in order; together they hold exactly `settings.persons` persons.

    Another purpose than `stand-in` gives people that no stand-in has, whatever its seed.
    """
    left = settings.persons
    number = 0
    while left > 0:
        image = _image(settings, number, purpose)
        if len(image.persons) > left:
            kept = image.persons[:left]
            figures = tuple(person.figure for person in kept)
            image = replace(image, persons=kept, picture=replace(image.picture, figures=figures))
        yield image
        left -= len(image.persons)
        number += 1


def _image(settings: StandInSettings, number: int, purpose: str) -> StandInImage:
    key = f"oneshot-emotic/{purpose}/{EDITION}/{settings.seed}/{number}"
    stream = CounterStream(key)
    partition = PARTITIONS[stream.choice(_PARTITION_WEIGHTS)]
    database = _DATABASES[stream.choice([weight for _, weight in _DATABASES])][0]
    width, height = _SIZES[stream.choice(_SIZE_WEIGHTS)]
    mood = _main_category(stream)
    count = 1 + stream.choice(_PERSONS_PER_PICTURE)
    persons = tuple(
        _person(f"{key}/{place}", settings, mood, partition, place, count) for place in range(count)
    )
    scene = _scene(CounterStream(f"{key}/scene"), settings, mood)
    picture = Picture(width, height, scene, tuple(person.figure for person in persons))
    return StandInImage(partition, database, f"synthetic_{number:06d}.jpg", picture, persons)


def _main_category(stream: CounterStream) -> str:
    return CATEGORIES[stream.choice(MAIN_CATEGORY_WEIGHTS)]


def _affect(stream: CounterStream, category: str) -> Affect:
    """Valence, arousal and dominance of somebody whose main category is `category`."""
    valence, arousal, dominance = EMOTIONS[category].affect
    return (
        _clip(valence + _AFFECT_SPREAD * stream.normal()),
        _clip(arousal + _AFFECT_SPREAD * stream.normal()),
        _clip(dominance + _AFFECT_SPREAD * stream.normal()),
    )


def _clip(level: float, low: float = 1.0, high: float = 10.0) -> float:
    return min(max(level, low), high)


def _scene(stream: CounterStream, settings: StandInSettings, mood: str) -> Scene:
    """A scene in which light and objects follow the mood as far as the cues say."""
    unrelated_light, unrelated_theme = _main_category(stream), _main_category(stream)
    light_follows, setting_follows = stream.uniform(), stream.uniform()
    light = _light(stream, mood if light_follows < settings.scene_cue else unrelated_light)
    theme = mood if setting_follows < settings.semantic_cue else unrelated_theme
    options = EMOTIONS[theme].settings
    setting = options[stream.below(len(options))]
    wanted = 4 + stream.choice((0.4, 0.4, 0.2))
    free = {slot: stream.permutation(places) for slot, places in SLOTS.items()}
    left = [name for name, prop in PROPS.items() if prop.fits(setting)]
    placed: list[PlacedObject] = []
    while len(placed) < wanted:
        left = [name for name in left if free[PROPS[name].slot]]
        related = [name for name in EMOTIONS[theme].objects if name in left]
        follows = stream.chance(settings.semantic_cue)
        pool = (related if follows else left) or left
        name = pool[stream.below(len(pool))]
        left.remove(name)
        placed.append(PlacedObject(name, free[PROPS[name].slot].pop()))
    return Scene(setting, tuple(placed), light, stream.below(1 << 16))


def _light(stream: CounterStream, category: str) -> Light:
    """Warm and bright with valence, vivid with arousal, bright with dominance too."""
    valence, arousal, dominance = _affect(stream, category)
    return Light(
        warmth=_clip((valence - 1) / 9 + 0.08 * stream.normal(), 0.0, 1.0),
        brightness=_clip((valence + dominance - 2) / 18 + 0.08 * stream.normal(), 0.0, 1.0),
        vividness=_clip((arousal - 1) / 9 + 0.08 * stream.normal(), 0.0, 1.0),
    )


def _person(
    key: str,
    settings: StandInSettings,
    mood: str,
    partition: Partition,
    place: int,
    count: int,
) -> StandInPerson:
    feels, looks = CounterStream(f"{key}/feels"), CounterStream(f"{key}/looks")
    shares, other = feels.uniform() < settings.shared_mood, _main_category(feels)
    category = mood if shares else other
    affect = _affect(feels, category)
    categories, levels = _annotations(feels, category, affect, partition)
    combined_empty = partition != "train" and feels.chance(_EMPTY_COMBINED_SHARE)
    # Somebody else's emotion, for those whose body does not follow their own.
    shown = _main_category(looks)
    shown_affect = _affect(looks, shown)
    if looks.uniform() < settings.body_cue:
        shown, shown_affect = category, affect
    pose = _pose(looks, settings, shown, shown_affect)
    gender = _GENDERS[looks.below(2)]
    age = _AGES[looks.choice(_AGE_WEIGHTS)]
    figure = _figure(looks, pose, age, place, count)
    return StandInPerson(figure, categories, levels, combined_empty, gender, age)


def _pose(stream: CounterStream, settings: StandInSettings, category: str, affect: Affect) -> Pose:
    valence, arousal, dominance = (
        _clip(level + settings.posture_noise * stream.normal()) for level in affect
    )
    left, right = EMOTIONS[category].arms
    # One hand in seven does something else.
    if stream.chance(1 / 7):
        left = ARMS[stream.below(len(ARMS))]
    if stream.chance(1 / 7):
        right = ARMS[stream.below(len(ARMS))]
    return Pose(
        smile=(valence - 5.5) / 4.5,
        energy=(arousal - 1) / 9,
        stature=(dominance - 1) / 9,
        left_arm=left,
        right_arm=right,
    )


def _figure(stream: CounterStream, pose: Pose, age: str, place: int, count: int) -> Figure:
    x = 0.2 + 0.6 * (place + 0.5) / count + stream.uniform(-0.09, 0.09) / count
    height = 0.74 - 0.05 * min(count - 1, 3) + stream.uniform(-0.04, 0.04)
    if age == "Kid":
        height *= 0.78
    cut = stream.uniform() < _CUT_SHARE
    below = stream.uniform(1.02, 1.14)
    ground = below if cut else stream.uniform(0.88, 0.97)
    return Figure(x, ground, max(height, 0.45), pose, age, stream.below(1 << 16))


def _annotations(
    stream: CounterStream, category: str, affect: Affect, partition: Partition
) -> tuple[tuple[tuple[str, ...], ...], tuple[Levels, ...]]:
    if partition == "train":
        nothing_continuous = stream.chance(_NAN_SHARE)
        categories = (_categories(stream, category, _NAMES_MAIN_TRAIN),)
        levels = _levels(stream, affect)
        return categories, ((None, None, None) if nothing_continuous else levels,)
    count = 1 + stream.choice(_ANNOTATORS)
    missing = int(count > 1 and stream.chance(_MISSING_LEVELS_SHARE))
    return (
        tuple(_categories(stream, category, _NAMES_MAIN_EVAL) for _ in range(count)),
        tuple(_levels(stream, affect) for _ in range(count - missing)),
    )


def _categories(stream: CounterStream, main: str, names_main: float) -> tuple[str, ...]:
    weights = companion_weights(main)
    named = [main if stream.chance(names_main) else CATEGORIES[stream.choice(weights)]]
    for _ in range(stream.choice(_LABELS_PER_ANNOTATOR)):
        other = CATEGORIES[stream.choice(weights)]
        if other not in named:
            named.append(other)
    return tuple(named)


def _levels(stream: CounterStream, affect: Affect) -> Levels:
    valence, arousal, dominance = (
        int(_clip(level + _ANNOTATOR_SPREAD * stream.normal()) + 0.5) for level in affect
    )
    return (valence, arousal, dominance)
