"""Which runs of which parts go together, and what a card may say of a combination."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oneshot_emotic import combine, load_task
from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.combination import WEIGHTS
from oneshot_emotic.submission.check import Checked
from oneshot_emotic.submission.combination import (
    MAX_PARTS,
    Part,
    combined,
    combined_card,
    common_tasks,
)
from oneshot_emotic.submission.metadata import document_problems, schema_of
from oneshot_emotic.submission.model_card import merged_card, parts_text


def part_of(name, *cards, **runs):
    """A part with so many runs of each task, such as cat_6_4=3."""
    made = {}
    for task_name, many in runs.items():
        task = load_task(task_name.replace("_", "-"))
        made[task.name] = [
            Checked(task, vectors(task, f"{name}{run}"), name, f"{name}/{run}")
            for run in range(many)
        ]
    return Part(name, made, cards or ({},))


def vectors(task, seed):
    rng = np.random.default_rng([*seed.encode(), len(task.novel)])
    return rng.normal(size=(len(task.novel), 3)).astype(np.float32)


class TestRuns:
    def test_the_n_th_ones_go_together_and_a_single_one_with_each(self):
        parts = [part_of("a", cat_6_4=2), part_of("b", cat_6_4=1), part_of("c", cat_6_4=2)]
        assert common_tasks(parts) == ["cat-6-4"]
        task = load_task("cat-6-4")
        found = list(combined(parts, [1, 2, 3], ["cat-6-4"]))
        assert [x.where for x in found] == ["a/0 + b/0 + c/0", "a/1 + b/0 + c/1"]
        for run, item in enumerate(found):
            names = (f"a{run}", "b0", f"c{run}")
            given = [(task.novel.sample_ids, vectors(task, name)) for name in names]
            assert np.array_equal(item.aligned, combine(given, [1, 2, 3])[1])

    def test_other_numbers_of_them(self):
        parts = [part_of("a", cat_6_4=3, cat_6_6=1), part_of("b", cat_6_4=2, cat_6_6=4)]
        with pytest.raises(InputError) as error:
            common_tasks(parts)
        words = "cat-6-4: different numbers of runs: a has 3, b has 2. Give as many of each"
        assert words in str(error.value) and "cat-6-6" not in str(error.value)


class TestTasks:
    def test_those_that_all_have(self):
        parts = [part_of("a", cat_6_6=1, cat_6_4=1), part_of("b", cat_6_4=1, lev_7_3_valence=1)]
        assert common_tasks(parts) == ["cat-6-4"]
        assert [x.task.name for x in combined(parts, [1, 1], ["cat-6-4"])] == ["cat-6-4"]

    def test_none(self):
        with pytest.raises(InputError, match="no task in common: a has cat-6-6; b has cat-6-4"):
            common_tasks([part_of("a", cat_6_6=1), part_of("b", cat_6_4=1)])

    def test_of_several_data_sets(self):
        one, other = part_of("a", cat_6_6=1), part_of("b", cat_6_6=1)
        (run,) = other.runs["cat-6-6"]
        identity = replace(run.task.dataset, name="emotic", fingerprint="1" * 64)
        moved = replace(run, task=replace(run.task, dataset=identity))
        words = r"several data sets .*: a on synthetic \(f3238c35bd98\), b on emotic \(1{12}\)"
        with pytest.raises(InputError, match=words):
            common_tasks([one, replace(other, runs={"cat-6-6": [moved]})])


@pytest.mark.parametrize(
    ("width", "max_bytes", "words"),
    [
        (40_000, 1 << 40, "80,000 dimensions; at most 65,536 are read"),
        (3, 4000, "bytes as float64, more than the 4,000"),
    ],
)
def test_what_could_not_be_read_again(width, max_bytes, words):
    """Seen before memory is taken for it: the parts here have none of their own."""
    parts = [part_of("a", cat_6_4=1), part_of("b", cat_6_4=1)]
    for part in parts:
        (run,) = part.runs["cat-6-4"]
        wide = np.broadcast_to(np.float32(1), (len(run.aligned), width))
        part.runs["cat-6-4"][0] = replace(run, aligned=wide)
    with pytest.raises(InputError, match=words):
        list(combined(parts, [1, 1], ["cat-6-4"], max_bytes=max_bytes))


def card_of(*cards, **options):
    """The card of parts with a card each; or several of one part, as a list."""
    of_parts = [one if isinstance(one, list) else [one] for one in cards]
    parts = [Part(f"P{n}", {}, of_part) for n, of_part in enumerate(of_parts, 1)]
    card = combined_card(parts, **options)
    assert not document_problems(card, "model", "")
    return card


class TestCard:
    def test_what_is_said_of_the_whole(self):
        card = card_of(
            {
                "name": "P1",
                "date": "2026-01-01",
                "code": "https://example.org/a",
                "authors": ["Ada", "Ben"],
                "modalities": ["body"],
                "backbone": "ResNet-18",
                "pretraining": "ImageNet",
                "parameters": 11,
                "training_seeds": [0, 1],
                "licence": "MIT",
                "seen_unseen_names": False,
                "base": "full",
                "seen_test_images": False,
            },
            {
                "name": "P2",
                "authors": ["Ben", "Cy"],
                "modalities": ["text", "body"],
                "backbone": "CLIP",
                "pretraining": "LAION",
                "parameters": 150,
                "licence": "MIT",
                "seen_unseen_names": True,
                "base": "none",
                "seen_test_images": True,
            },
        )
        assert card.pop("description").startswith("Late fusion of 2 submissions")
        assert card == {
            "name": "P1 + P2",
            "authors": ["Ada", "Ben", "Cy"],
            "modalities": ["body", "text"],
            "backbone": "ResNet-18 + CLIP",
            "pretraining": "ImageNet + LAION",
            "parameters": 161,
            "training_seeds": [0, 1],
            "licence": "MIT",
            "seen_unseen_names": True,
            "base": "full",
            "seen_test_images": True,
        }

    @pytest.mark.parametrize("field", ["seen_unseen_names", "seen_test_images"])
    def test_what_one_has_seen_all_have(self, field):
        """A yes is one whatever the others leave unsaid; a no is none."""
        yes, no, unsaid = {field: True}, {field: False}, {}
        assert card_of(yes, no)[field] and card_of(unsaid, yes)[field] and card_of(yes)[field]
        assert card_of([no, yes], no)[field]
        assert card_of(no, no)[field] is False
        assert field not in card_of(no, unsaid) and field not in card_of(unsaid, unsaid)

    def test_the_base(self):
        full, clean, none, unsaid = {"base": "full"}, {"base": "clean"}, {"base": "none"}, {}
        assert card_of(none, full)["base"] == card_of(unsaid, full)["base"] == "full"
        assert card_of(none, clean)["base"] == "clean" and card_of(none, none)["base"] == "none"
        assert "base" not in card_of(clean, unsaid) and "base" not in card_of(none, unsaid)

    def test_parameters_are_those_of_each_part_once(self):
        assert card_of([{"parameters": 5}] * 3, {"parameters": 5})["parameters"] == 10
        assert "parameters" not in card_of(
            [{"parameters": 5}, {"parameters": 6}], {"parameters": 5}
        )
        assert "parameters" not in card_of({"parameters": 5}, {})

    def test_seeds_that_differ_are_left_out(self):
        assert card_of({"training_seeds": [3]}, {})["training_seeds"] == [3]
        assert "training_seeds" not in card_of({"training_seeds": [3]}, {"training_seeds": [4]})

    def test_what_would_be_too_long_is_left_out(self):
        long = [{"backbone": f"{n}" * 60, "authors": [f"A{n}{x}" for x in range(30)]} for n in "12"]
        card = card_of(*long)
        assert "backbone" not in card and "authors" not in card
        name = combined_card([Part("n" * 80, {}, [{}])] * MAX_PARTS)["name"]
        assert name == "n" * 80

    def test_lengths_as_they_are_are_said(self):
        assert "at unit length" in card_of({}, {})["description"]
        assert "as they are" in card_of({}, {}, as_is=True)["description"]


PARTS = [
    {"name": n, "digest": "0123456789ab" + "0" * 52, "weight": w} for n, w in (("A", 2), ("B", 0.5))
]


class TestParts:
    def test_in_words(self):
        assert parts_text(PARTS) == "2 x A (0123456789ab), 0.5 x B (0123456789ab)"

    def test_as_many_as_the_schema_allows(self):
        assert schema_of("model")["properties"]["parts"]["maxItems"] == MAX_PARTS
        assert not document_problems({"parts": PARTS * 4}, "model", "")
        bounds = [part | {"weight": x} for part, x in zip(PARTS, WEIGHTS, strict=True)]
        assert not document_problems({"parts": bounds}, "model", "")

    @pytest.mark.parametrize(
        ("parts", "words"),
        [
            ("A", "is not of type 'array'"),
            (PARTS[:1], "has 1 entries; at least 2 are needed"),
            (PARTS * 5, "has 10 entries; at most 8 are allowed"),
            ([PARTS[0], {"name": "B"}], "'digest' is a required property"),
            ([PARTS[0], PARTS[1] | {"url": "x"}], "'url' was unexpected"),
            ([PARTS[0], PARTS[1] | {"name": "a\u202eb"}], "parts.1.name: holds characters"),
            ([PARTS[0], PARTS[1] | {"name": "n" * 81}], "is too long"),
            ([PARTS[0], PARTS[1] | {"name": ""}], "parts.1.name"),
            ([PARTS[0], PARTS[1] | {"digest": "0" * 64 + "\n"}], "parts.1.digest"),
            ([PARTS[0], PARTS[1] | {"digest": "F" * 64}], "parts.1.digest"),
            ([PARTS[0], PARTS[1] | {"name": "--"}], "'--' has no visible letter"),
            ([PARTS[0], "B"], "'B' is not of type 'object'"),
            *(
                ([PARTS[0], PARTS[1] | {"weight": weight}], "parts.1.weight")
                for weight in (0, -1, 9e-10, 1e10, float("inf"), "1", True, None)
            ),
        ],
    )
    def test_what_is_none(self, parts, words):
        problems = document_problems({"parts": parts}, "model", "card")
        assert words in "\n".join(map(str, problems))

    def test_files_of_several_combinations_are_not_one_submission(self):
        cards = [{"parts": PARTS}, {"parts": PARTS[::-1]}]
        with pytest.raises(InputError, match=r"differ in 'parts'.*Submit each separately"):
            merged_card(cards, {})
