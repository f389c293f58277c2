"""What a report says, against plain computations."""

from __future__ import annotations

import numpy as np
import pytest
from submission_report.small_reports import small_report, small_task, vectors

from oneshot_emotic import evaluate
from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.comparison import compare
from oneshot_emotic.scoring.preparation import prepare
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.submission.check import Checked
from oneshot_emotic.submission_report.contents import gather
from oneshot_emotic.submission_report.embedding_map import embedding_map, map_sample
from oneshot_emotic.submission_report.examples import examples, taken_classes
from oneshot_emotic.submission_report.supports import draw_values, extreme_supports

SHOTS = (1, 2, 3, 4, 5)


@pytest.fixture(scope="module")
def small():
    return small_task()


def taken_by_hand(task, array):
    """Of draw 0: the class of the nearest support, -1 for persons of a support's image."""
    supports = task.support[0, 0]
    apart = ((array[:, None].astype(float) - array[supports].astype(float)) ** 2).sum(axis=2)
    held = {task.novel.image_ids[place] for place in supports}
    return np.array(
        [
            -1 if image in held else row.argmin()
            for image, row in zip(task.novel.image_ids, apart, strict=True)
        ]
    )


class TestExamples:
    def test_taken_classes_by_hand(self, small):
        array = vectors(small)
        assert taken_classes(prepare(array), small).tolist() == taken_by_hand(small, array).tolist()

    def test_draw_0_of_the_scores_is_theirs(self, small):
        array = vectors(small)
        taken = taken_classes(prepare(array), small)
        asked = taken >= 0
        right = np.mean(taken[asked] == small.novel_labels[asked])
        scores = evaluate((small.novel.sample_ids, array), small)
        assert scores[1].accuracy.draw_0 == pytest.approx(right, abs=1e-12)

    def test_one_right_and_one_wrong_of_each_class(self, small):
        array = vectors(small)
        prepared = prepare(array)
        taken = taken_by_hand(small, array)
        found = examples(prepared, small, taken_classes(prepared, small))
        place = {name: number for number, name in enumerate(small.novel.sample_ids)}
        wanted = {
            (small.classes[label], bool(right))
            for label, right in zip(small.novel_labels, taken == small.novel_labels, strict=True)
        }
        held = {
            x
            for x in wanted
            if any(
                taken[p] >= 0
                and small.novel.labels[p] == x[0]
                and (small.classes[taken[p]] == x[0]) == x[1]
                for p in range(len(taken))
            )
        }
        assert {(x.label, x.right) for x in found} == held and len(found) == len(held)
        for x in found:
            query, nearest, other = (
                array[place[y]].astype(float) for y in (x.query, x.nearest, x.other)
            )
            assert small.classes[taken[place[x.query]]] == x.taken
            assert small.novel.labels[place[x.nearest]] == x.taken
            assert small.novel.labels[place[x.other]] == x.other_label
            apart = {
                name: np.linalg.norm(query - array[support].astype(float))
                for name, support in zip(small.classes, small.support[0, 0], strict=True)
            }
            others = {name: away for name, away in apart.items() if name != x.label}
            assert x.other_label == (min(others, key=others.get) if x.right else x.label)
            ratio = np.linalg.norm(query - other) / np.linalg.norm(query - nearest)
            assert x.further == pytest.approx(ratio, abs=6e-4) and x.further >= 1

    def test_all_in_one_place(self, small):
        prepared = prepare(np.ones((len(small.novel), 3), dtype=np.float32))
        found = examples(prepared, small, taken_classes(prepared, small))
        assert {x.taken for x in found} == {small.classes[0]}
        assert {x.further for x in found} == {None}


class TestSupports:
    def test_means_over_the_draws_of_a_person(self, small):
        scores = evaluate((small.novel.sample_ids, vectors(small)), small)[1]
        values = draw_values(scores.balanced_accuracy)
        assert values[0] == scores.balanced_accuracy.draw_0
        assert max(values) == scores.balanced_accuracy.max
        assert np.mean(values) == pytest.approx(scores.balanced_accuracy.mean)
        found = extreme_supports(small, scores)
        assert list(found) == list(small.classes)
        for label, ends in found.items():
            of = {}
            for draw in range(small.draws):
                [person] = small.support_ids(draw)[label]
                of.setdefault(person, []).append(values[draw])
            means = {person: float(np.mean(x)) for person, x in of.items()}
            assert ends.persons == len(means)
            by_value = sorted(means, key=lambda x: (means[x], x))
            assert [x.sample_id for x in ends.hardest] == by_value[:3]
            assert {x.sample_id for x in ends.easiest} == set(by_value[-3:])
            for x in (*ends.hardest, *ends.easiest):
                assert x.draws == len(of[x.sample_id]) and x.label == label
                assert x.balanced_accuracy == pytest.approx(means[x.sample_id])

    def test_few_persons_are_not_named_twice(self):
        task = small_task(persons=3)
        scores = evaluate((task.novel.sample_ids, vectors(task)), task)[1]
        for ends in extreme_supports(task, scores).values():
            assert not set(ends.hardest) & set(ends.easiest)

    def test_none_without_evidence(self, small):
        ids = small.novel.sample_ids
        scores = evaluate((ids, vectors(small)), small, intervals=False)[1]
        assert draw_values(scores.accuracy) is None and extreme_supports(small, scores) == {}


class TestMap:
    def test_who_is_on_it(self, small):
        assert map_sample(small).tolist() == list(range(len(small.novel)))
        some = map_sample(small, 20)
        assert len(set(some.tolist())) == 20 and set(small.support[0, 0]) <= set(some.tolist())
        assert some.tolist() == sorted(some.tolist()) == map_sample(small, 20).tolist()

    @pytest.mark.parametrize("dimensions", [1, 2, 60])
    def test_the_same_again(self, small, dimensions):
        pytest.importorskip("sklearn")
        prepared = prepare(vectors(small, dimensions=dimensions))
        one, two = (embedding_map(prepared, small) for _ in range(2))
        assert one.positions.tobytes() == two.positions.tobytes()
        assert np.isfinite(one.positions).all() and one.positions.shape == (72, 2)
        assert (one.positions == np.round(one.positions, 2)).all()

    def test_classes_far_apart_lie_apart(self, small):
        pytest.importorskip("sklearn")
        array = np.eye(6, dtype=np.float32)[small.novel_labels] * 100 + vectors(small)
        found = embedding_map(prepare(array), small)
        labels = small.novel_labels[found.persons]
        apart = np.linalg.norm(found.positions[:, None] - found.positions, axis=2)
        np.fill_diagonal(apart, np.inf)
        assert np.mean(labels[apart.argmin(axis=1)] == labels) > 0.95

    def test_nothing_to_show(self, small):
        assert embedding_map(prepare(np.ones((72, 4), dtype=np.float32)), small) is None

    def test_huge_and_tiny_values(self, small):
        pytest.importorskip("sklearn")
        for factor in (1e-38, 1e38):
            array = (vectors(small).astype(np.float64) / 10 * factor).astype(np.float32)
            assert np.isfinite(embedding_map(prepare(array), small).positions).all()


@pytest.mark.usefixtures("flat_map")
class TestReport:
    def test_scores_are_those_of_evaluate(self, small):
        report = small_report(task=small)
        scores = evaluate((small.novel.sample_ids, vectors(small)), small, SHOTS).named("Model")
        [given] = report.to_dict()["submissions"]
        assert given["scores"] == scores.to_dict()

    def test_differences_are_those_of_compare(self, small):
        report = small_report(("One", "Two", "Three"), small)
        assert [(x.a.letter, x.b.letter) for x in report.pairs] == [
            ("A", "B"),
            ("A", "C"),
            ("B", "C"),
        ]
        for pair in report.pairs:
            lines = [x for x in compare(pair.a.scores, pair.b.scores) if x.shots in (1, 5)]
            shown = [
                x
                for x in report.to_dict()["differences"]
                if (x["a"], x["b"]) == (pair.a.letter, pair.b.letter)
            ]
            assert [x.difference.to_dict() for x in lines] == [
                {k: x[k] for k in ("mean", "low", "high", "p", "separated")} for x in shown
            ]

    def test_runs_are_one_submission(self, small):
        report = small_report(task=small, runs=2)
        [row] = report.submissions
        ids = small.novel.sample_ids
        parts = [evaluate((ids, vectors(small, run)), small, SHOTS) for run in range(2)]
        assert row.scores.to_dict() == combine_runs(parts).named("Model").to_dict()
        [entry] = report.tasks[0].entries
        assert entry.figures[1].diagnostics is None
        assert entry.first_run[1].diagnostics == parts[0][1].diagnostics
        both = [draw_values(part[1].accuracy) for part in parts]
        assert draw_values(entry.figures[1].accuracy) == pytest.approx(np.mean(both, axis=0))

    def test_submissions_without_a_common_task(self):
        tasks = small_task("cat-6-6"), small_task("lev-7-3-valence")
        files = [(x.name, [Checked(x, vectors(x), None, x.name)]) for x in tasks]
        report = gather(files)
        assert [part.task.name for part in report.tasks] == ["cat-6-6", "lev-7-3-valence"]
        assert report.pairs == [] and [x.name for x in report.submissions] == [
            "cat-6-6",
            "lev-7-3-valence",
        ]

    def test_other_data_sets_and_too_many_are_refused(self):
        tasks = small_task(), small_task(dataset="mine")
        with pytest.raises(InputError, match="do not go together"):
            gather([("x", [Checked(x, vectors(x), None, "f")]) for x in tasks])
        with pytest.raises(InputError, match="at most 8"):
            small_report([f"Model {n}" for n in range(9)], tasks[0])
