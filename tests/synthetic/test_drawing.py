"""Drawing: what is in a picture is what its description says, and nothing else."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from oneshot_emotic.ade20k import ADE20K_CLASSES, ADE20K_INDEX
from oneshot_emotic.synthetic.drawing import body_box, draw, index_map
from oneshot_emotic.synthetic.drawing.look import look_of
from oneshot_emotic.synthetic.drawing.skeleton import HEADROOM
from oneshot_emotic.synthetic.spec import (
    ARMS,
    BACKDROPS,
    PROPS,
    SLOTS,
    Figure,
    Light,
    Picture,
    PlacedObject,
    Pose,
    Scene,
    Setting,
    Slot,
)

SIZES = ((384, 288), (288, 384), (320, 320))
AGES = ("Kid", "Teenager", "Adult")
PERSON = ADE20K_INDEX["person"]
FEWEST_PIXELS = 12

Box = tuple[int, int, int, int]
Mask = npt.NDArray[np.bool_]


def random_figure(chance: random.Random) -> Figure:
    pose = Pose(
        smile=chance.uniform(-1, 1),
        energy=chance.random(),
        stature=chance.random(),
        left_arm=chance.choice(ARMS),
        right_arm=chance.choice(ARMS),
    )
    return Figure(
        x=chance.uniform(0.2, 0.8),
        ground=chance.uniform(0.86, 1.15),
        height=chance.uniform(0.45, 0.78),
        pose=pose,
        age=chance.choice(AGES),
        look=chance.randrange(1 << 40),
    )


def random_picture(seed: int) -> Picture:
    chance = random.Random(seed)
    setting = list(BACKDROPS)[seed % len(BACKDROPS)]
    objects: list[PlacedObject] = []
    for slot, places in SLOTS.items():
        names = [name for name, prop in PROPS.items() if prop.slot == slot and prop.fits(setting)]
        chosen = chance.sample(names, places)
        objects += [
            PlacedObject(name, place) for place, name in enumerate(chosen) if chance.random() < 0.8
        ]
    light = Light(chance.random(), chance.random(), chance.random())
    scene = Scene(setting, tuple(objects), light, chance.randrange(1 << 40))
    figures = tuple(random_figure(chance) for _ in range(chance.randint(1, 5)))
    return Picture(*chance.choice(SIZES), scene, figures)


def one_figure(picture_size: tuple[int, int] = SIZES[0], **changes: object) -> Picture:
    """A picture of one person, all of whom is in the frame, in ordinary light."""
    pose = Pose(smile=0.2, energy=0.5, stature=0.6, left_arm="down", right_arm="down")
    figure = Figure(0.5, 0.95, 0.7, pose, "Adult", 11)
    pose_changes = {key: value for key, value in changes.items() if hasattr(pose, key)}
    other = {key: value for key, value in changes.items() if key not in pose_changes}
    figure = replace(figure, pose=replace(pose, **pose_changes), **other)
    scene = Scene("park", (PlacedObject("tree", 0),), Light(0.5, 0.7, 0.7), 3)
    return Picture(*picture_size, scene, (figure,))


def with_scene(picture: Picture, **changes: object) -> Picture:
    return replace(picture, scene=replace(picture.scene, **changes))


def box_of(picture: Picture) -> Box:
    """The body box of a picture's first figure."""
    return body_box(picture, picture.figures[0])


def class_counts(picture: Picture) -> npt.NDArray[np.int64]:
    return np.bincount(index_map(picture).ravel(), minlength=len(ADE20K_CLASSES))


def pixels(picture: Picture) -> npt.NDArray[np.int16]:
    return np.asarray(draw(picture)).astype(np.int16)


def differs(first: Picture, second: Picture) -> Mask:
    changed: Mask = (pixels(first) != pixels(second)).any(axis=2)
    return changed


def within(shape: tuple[int, int], box: Box, margin: int = 0) -> Mask:
    """True inside `box`, which may reach beyond the frame."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    x1, y1, x2, y2 = box
    inside: Mask = (
        (columns >= x1 - margin)
        & (columns < x2 + margin)
        & (rows >= y1 - margin)
        & (rows < y2 + margin)
    )
    return inside


def shadow_region(picture: Picture, figure: Figure) -> Mask:
    """A generous ellipse on the ground around the feet."""
    rows, columns = np.mgrid[: picture.height, : picture.width]
    unit = figure.height * picture.height
    across = (columns + 0.5 - figure.x * picture.width) / (0.33 * unit)
    down = (rows + 0.5 - figure.ground * picture.height) / (0.07 * unit)
    region: Mask = across**2 + down**2 <= 1
    return region


@pytest.mark.parametrize("first_seed", range(0, 240, 40))
def test_exactly_the_classes_of_the_scene_are_visible(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 40):
        picture = random_picture(seed)
        counts = class_counts(picture)
        visible = {ADE20K_CLASSES[index] for index in np.flatnonzero(counts)}
        assert visible == set(picture.scene.ade20k_classes), seed
        assert counts[counts > 0].min() >= FEWEST_PIXELS, seed


@pytest.mark.parametrize("setting", BACKDROPS)
def test_people_who_fill_a_narrow_picture_hide_nothing(setting: Setting) -> None:
    pose = Pose(1.0, 1.0, 1.0, "up", "up")
    figures = tuple(Figure(0.2 + 0.15 * x, 0.86, 0.78, pose, "Adult", x) for x in range(5))
    names: dict[Slot, list[str]] = {
        slot: [name for name, prop in PROPS.items() if prop.slot == slot and prop.fits(setting)]
        for slot in SLOTS
    }
    # Every object takes its turn in every place.
    for turn in range(max(map(len, names.values()))):
        objects = tuple(
            PlacedObject(names[slot][(turn + place) % len(names[slot])], place)
            for slot, places in SLOTS.items()
            for place in range(places)
        )
        picture = Picture(288, 384, Scene(setting, objects, Light(0.5, 0.5, 0.5), turn), figures)
        counts = class_counts(picture)
        for name in picture.scene.ade20k_classes:
            assert counts[ADE20K_INDEX[name]] >= FEWEST_PIXELS, (name, turn)


def test_people_stay_below_the_headroom() -> None:
    pose = Pose(smile=1.0, energy=1.0, stature=1.0, left_arm="up", right_arm="up")
    for look in range(40):
        for age in AGES:
            picture = one_figure(ground=0.86, height=0.78, look=look, age=age, **asdict(pose))
            classes = index_map(picture)
            assert (classes == PERSON).any()
            assert not (classes[: int(HEADROOM * picture.height)] == PERSON).any(), (look, age)


@pytest.mark.parametrize("size", SIZES)
def test_what_people_could_hide_reaches_above_them(size: tuple[int, int]) -> None:
    narrow = {"lamp", "plant", "column", "curtain", "tree", "palm", "streetlight", "traffic light"}
    for name, prop in PROPS.items():
        if prop.slot != "top" and name not in narrow:
            continue
        for setting in BACKDROPS:
            if prop.fits(setting):
                scene = Scene(setting, (PlacedObject(name, 0),), Light(0.5, 0.5, 0.5), 1)
                classes = index_map(Picture(*size, scene, ()))[: int(HEADROOM * size[1])]
                assert (classes == ADE20K_INDEX[name]).sum() >= FEWEST_PIXELS, (name, setting)


def test_a_figure_changes_nothing_outside_its_body_box() -> None:
    for seed in range(1000, 1018):
        picture = random_picture(seed)
        all_pixels, all_classes = pixels(picture), index_map(picture)
        for place, figure in enumerate(picture.figures):
            others = picture.figures[:place] + picture.figures[place + 1 :]
            without = replace(picture, figures=others)
            box = body_box(picture, figure)
            changed_classes = all_classes != index_map(without)
            assert not (changed_classes & ~within(changed_classes.shape, box)).any(), seed
            changed = (all_pixels != pixels(without)).any(axis=2)
            allowed = within(changed.shape, box, margin=1) | shadow_region(picture, figure)
            assert not (changed & ~allowed).any(), seed


def test_the_body_box_is_tight() -> None:
    styles = set()
    for seed in range(150):
        chance = random.Random(seed)
        figure = replace(random_figure(chance), x=0.5, ground=0.9, height=0.6)
        picture = replace(one_figure(), figures=(figure,))
        rows, columns = np.nonzero(index_map(picture) == PERSON)
        drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        box = body_box(picture, figure)
        slack = np.abs(np.subtract(drawn, box))
        assert slack.max() <= 1, (seed, drawn, box)
        styles.add(look_of(figure).style)
    assert len(styles) == 13


def test_the_body_box_depends_on_its_figure_and_the_size_alone() -> None:
    x1, _, _, y2 = box_of(one_figure(x=0.02, ground=1.2))
    assert x1 < 0 and y2 > SIZES[0][1]  # not cut at the frame
    for seed in range(100):
        crowded = random_picture(seed)
        figure, size = crowded.figures[0], (crowded.width, crowded.height)
        box = body_box(crowded, figure)
        assert box == body_box(one_figure(size), figure)
        large = body_box(one_figure((3 * size[0], 3 * size[1])), figure)
        assert np.abs(3 * np.array(box) - large).max() <= 3


def test_the_same_picture_has_the_same_pixels() -> None:
    for seed in range(20, 26):
        picture = random_picture(seed)
        python_state, numpy_state = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
        assert (draw(picture).mode, draw(picture).size) == ("RGB", (picture.width, picture.height))
        assert index_map(picture).dtype == np.uint8
        first = draw(picture).tobytes()
        draw(random_picture(seed + 1))
        assert draw(random_picture(seed)).tobytes() == first
        assert index_map(picture).tobytes() == index_map(random_picture(seed)).tobytes()
        assert random.getstate() == python_state
        assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002


def test_looks_and_scenes_vary() -> None:
    looks = {look_of(replace(one_figure().figures[0], look=look)) for look in range(200)}
    assert len(looks) > 190
    assert len({look.skin for look in looks}) == 8
    for setting in BACKDROPS:
        bare = with_scene(one_figure(), setting=setting, objects=())
        first, second = (with_scene(bare, variation=variation) for variation in (1, 2))
        assert differs(first, second).mean() > 0.05, setting


def test_colours_and_classes_agree() -> None:
    """Where taking something away changes the class, it changes the colour."""
    for seed in range(40, 52):
        picture = random_picture(seed)
        objects = picture.scene.objects
        less = [replace(picture, figures=picture.figures[1:])]
        less += [with_scene(picture, objects=objects[:-n]) for n in (1, 2) if len(objects) > n]
        for other in less:
            changed_class = index_map(picture) != index_map(other)
            assert differs(picture, other)[changed_class].mean() > 0.9, seed


@pytest.mark.parametrize(
    ("change", "fewest"),
    [
        ({"smile": -0.6}, 40),
        ({"smile": 0.9}, 40),
        ({"energy": 0.0}, 300),
        ({"energy": 1.0}, 300),
        ({"stature": 0.0}, 800),
        ({"stature": 1.0}, 400),
        *(({"left_arm": arm}, 300) for arm in ARMS if arm != "down"),
        *(({"right_arm": arm}, 300) for arm in ARMS if arm != "down"),
    ],
)
def test_every_part_of_a_pose_is_visible(change: dict[str, object], fewest: int) -> None:
    before, after = one_figure(), one_figure(**change)
    changed = differs(before, after)
    inside = within(changed.shape, box_of(before), 1) | within(changed.shape, box_of(after), 1)
    assert (changed & inside).sum() >= fewest


def test_the_smile_is_in_the_face() -> None:
    """The mouth is in the upper part of a body, whatever the smile."""
    before, after = one_figure(smile=-1.0), one_figure(smile=1.0)
    x1, y1, x2, y2 = box_of(before)
    rows, columns = np.nonzero(differs(before, after))
    assert rows.max() < y1 + 0.3 * (y2 - y1)
    assert columns.max() - columns.min() < 0.7 * (x2 - x1)


def test_a_slumped_figure_is_lower() -> None:
    heights = []
    for stature in (0.0, 0.5, 1.0):
        picture = one_figure(stature=stature)
        _, top, _, bottom = box_of(picture)
        heights.append(bottom - top)
    assert heights == sorted(heights)
    assert heights[2] - heights[0] > 0.04 * heights[2]


def test_an_upright_figure_has_its_height() -> None:
    for look in range(60):
        picture = one_figure(stature=1.0, energy=0.2, look=look)
        _, top, _, bottom = box_of(picture)
        assert abs((bottom - top) - 0.7 * picture.height) <= 3


def test_the_arms_are_distinct() -> None:
    for side in ("left_arm", "right_arm"):
        for energy in (0.1, 0.9):
            drawn = {arm: pixels(one_figure(**{side: arm, "energy": energy})) for arm in ARMS}
            for first, second in combinations(ARMS, 2):
                changed = (drawn[first] != drawn[second]).any(axis=2).sum()
                assert changed >= 250, (side, first, second)


def test_left_and_right_are_as_seen() -> None:
    picture = one_figure(left_arm="out")
    x1, _, x2, _ = box_of(picture)
    middle = picture.figures[0].x * picture.width
    assert middle - x1 > 1.4 * (x2 - middle)


@pytest.mark.parametrize("setting", BACKDROPS)
def test_the_light_is_in_the_whole_picture(setting: str) -> None:
    def statistics(**light: float) -> tuple[float, float, float]:
        """Mean brightness, red over blue, and distance of the channels."""
        values = {"warmth": 0.5, "brightness": 0.6, "vividness": 0.6, **light}
        lit = with_scene(one_figure(), setting=setting, objects=(), light=Light(**values))
        image = pixels(lit)
        return (
            float(image.mean()),
            float((image[..., 0] - image[..., 2]).mean()),
            float((image.max(axis=2) - image.min(axis=2)).mean()),
        )

    levels = (0.0, 0.5, 1.0)
    for number, name in enumerate(("brightness", "warmth", "vividness")):
        low, middle, high = (statistics(**{name: level})[number] for level in levels)
        assert low + 8 < middle < high - 8, (name, low, middle, high)


def test_the_light_changes_no_class() -> None:
    for seed in range(60, 78):
        picture = random_picture(seed)
        dark, bright = (with_scene(picture, light=Light(*[x] * 3)) for x in (0.1, 0.9))
        assert (index_map(dark) == index_map(bright)).all(), seed


def test_every_object_is_drawn_in_its_place() -> None:
    for name, prop in PROPS.items():
        for setting in BACKDROPS:
            if not prop.fits(setting):
                continue
            for place in range(SLOTS[prop.slot]):
                objects = (PlacedObject(name, place),)
                picture = with_scene(one_figure(), setting=setting, objects=objects)
                added = index_map(picture) == ADE20K_INDEX[name]
                assert 150 < added.sum() < 0.2 * added.size, (name, setting)
                centre = np.nonzero(added)[1].mean() / picture.width
                expected = (place + 0.5) / SLOTS[prop.slot]
                assert abs(centre - expected) < 0.2, (name, setting, place)


def test_every_object_has_colours_of_its_own() -> None:
    for name, prop in PROPS.items():
        setting = next(setting for setting in BACKDROPS if prop.fits(setting))
        bare = with_scene(one_figure(), setting=setting, objects=())
        with_object = with_scene(bare, objects=(PlacedObject(name, 0),))
        mask = index_map(with_object) == ADE20K_INDEX[name]
        assert len(np.unique(pixels(with_object)[mask], axis=0)) >= 4, name
        assert differs(bare, with_object)[mask].mean() > 0.8, name
