"""Who is in the stand-in: EMOTIC's form, its statistics, and cues that carry what they should."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from oneshot_emotic.ade20k import ADE20K_CLASSES
from oneshot_emotic.categories import CATEGORIES
from oneshot_emotic.errors import InputError
from oneshot_emotic.synthetic.emotions import EMOTIONS, companion_weights
from oneshot_emotic.synthetic.population import generate
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.spec import ARMS, BACKDROPS, PROPS, SLOTS
from oneshot_emotic.tasks import task_definition


@pytest.fixture(scope="module")
def images():
    return list(generate(StandInSettings()))


def persons(images):
    return [(image, person) for image in images for person in image.persons]


def annotations(images):
    return [(p.categories, p.levels, p.combined_empty) for _, p in persons(images)]


def test_as_many_as_asked_for(images):
    assert len(persons(images)) == 4000
    assert len(persons(generate(StandInSettings(persons=7)))) == 7


def test_a_larger_one_begins_with_the_smaller(images):
    assert list(islice(generate(StandInSettings(persons=9000)), 50)) == images[:50]


def test_another_seed_is_another_population(images):
    assert list(islice(generate(StandInSettings(seed=1)), 5)) != images[:5]


@pytest.mark.parametrize(
    "changed", [{"body_cue": 0}, {"scene_cue": 0}, {"semantic_cue": 0}, {"posture_noise": 3}]
)
def test_cues_change_what_is_seen_and_no_label(changed):
    before = list(generate(StandInSettings(persons=300)))
    after = list(generate(StandInSettings(persons=300, **changed)))
    assert annotations(after) == annotations(before)
    assert [i.picture for i in after] != [i.picture for i in before]


def test_label_statistics(images):
    """Roughly EMOTIC's: 1.96 labels a person in train, 5 to 7 in val and test, a long tail."""
    found = persons(images)
    train = [p for i, p in found if i.partition == "train"]
    rest = [p for i, p in found if i.partition != "train"]
    assert 0.68 < len(train) / len(found) < 0.76
    mean = sum(len(set(p.categories[0])) for p in train) / len(train)
    assert 1.8 < mean < 2.1
    union = sum(len({c for names in p.categories for c in names}) for p in rest) / len(rest)
    assert 4.5 < union < 7
    assert all(len(p.categories) == len(p.levels) == 1 for p in train)
    assert {len(p.categories) for p in rest} == set(range(1, 11))
    assert any(len(p.levels) != len(p.categories) for p in rest)
    assert any(p.combined_empty for p in rest)
    nan = sum(p.levels[0][0] is None for p in train)
    assert 0.008 < nan / len(train) < 0.022
    counts = Counter(c for p in train for c in p.categories[0])
    assert counts.most_common(1)[0][0] == "Engagement"
    assert max(counts.values()) > 15 * min(counts[name] for name in CATEGORIES)
    assert 1.35 < len(found) / len(images) < 1.6
    levels = {level for p in train for level in p.levels[0] if level is not None}
    assert levels == set(range(1, 11))


def test_novel_classes_are_new_combinations_of_what_is_seen():
    novel = {m for c in task_definition("cat-6-6").classes if c.novel for m in c.members}
    base = [EMOTIONS[name] for name in CATEGORIES if name not in novel]
    gestures = {hand for item in base for hand in item.arms}
    objects = {name for item in base for name in item.objects}
    pairs = {item.arms for item in base}
    for name in novel:
        assert set(EMOTIONS[name].arms) <= gestures
        assert EMOTIONS[name].arms not in pairs
        assert set(EMOTIONS[name].objects) <= objects
        assert not any(set(EMOTIONS[name].objects) <= set(item.objects) for item in base)
    assert len({item.arms for item in EMOTIONS.values()}) == len(EMOTIONS)


def test_tables_fit_each_other():
    assert set(EMOTIONS) == set(CATEGORIES)
    assert len(ADE20K_CLASSES) == len(set(ADE20K_CLASSES)) == 150
    named = {name for names in BACKDROPS.values() for name in names} | set(PROPS) | {"person"}
    assert named <= set(ADE20K_CLASSES)
    for name, emotion in EMOTIONS.items():
        assert set(emotion.objects) <= set(PROPS)
        assert set(emotion.arms) <= set(ARMS)
        weights = companion_weights(name)
        assert weights[CATEGORIES.index(name)] == 0
        assert len(weights) == 26


def test_every_object_has_its_place(images):
    for image in images:
        scene = image.picture.scene
        taken = [(PROPS[item.name].slot, item.place) for item in scene.objects]
        assert len(set(taken)) == len(taken) == len({item.name for item in scene.objects})
        assert all(place < SLOTS[slot] for slot, place in taken)
        assert all(PROPS[item.name].fits(scene.setting) for item in scene.objects)


def correlation(pairs):
    pairs = list(pairs)
    n = len(pairs)
    mean_x, mean_y = sum(x for x, _ in pairs) / n, sum(y for _, y in pairs) / n
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    spread_x = sum((x - mean_x) ** 2 for x, _ in pairs)
    spread_y = sum((y - mean_y) ** 2 for _, y in pairs)
    return covariance / (spread_x * spread_y) ** 0.5


def cue_strengths(settings):
    """How far each cue goes with the first annotator's levels, in correlations."""
    found = [
        (image, person)
        for image, person in persons(generate(settings))
        if person.levels[0][0] is not None
    ]
    body = correlation((p.levels[0][0], p.figure.pose.smile) for _, p in found)
    scene = correlation((p.levels[0][0], i.picture.scene.light.warmth) for i, p in found)
    related = sum(
        item.name in EMOTIONS[p.categories[0][0]].objects
        for i, p in found
        for item in i.picture.scene.objects
    ) / sum(len(i.picture.scene.objects) for i, _ in found)
    return body, scene, related


def test_each_cue_carries_what_its_parameter_says():
    body, scene, related = cue_strengths(StandInSettings(persons=1500))
    assert body > 0.5 and scene > 0.4 and related > 0.4
    off = cue_strengths(StandInSettings(persons=1500, body_cue=0, scene_cue=0, semantic_cue=0))
    assert abs(off[0]) < 0.1 and abs(off[1]) < 0.1 and off[2] < related / 1.5
    assert cue_strengths(StandInSettings(persons=1500, body_cue=0))[1:] == (scene, related)
    assert cue_strengths(StandInSettings(persons=1500, semantic_cue=0))[:2] == (body, scene)


def test_settings_refuse_all_wrong_values_at_once():
    with pytest.raises(InputError) as error:
        StandInSettings(persons=0, seed=-1, body_cue=2, posture_noise=-1)
    assert len(error.value.problems) == 4
