"""`evaluate` on embeddings whose score is known beforehand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made import python

from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.evaluate import evaluate, evaluate_controls
from oneshot_emotic.scoring.scores import Scores, merged
from oneshot_emotic.splits import split_task


def one_hot(task):
    return (task.novel.sample_ids, np.eye(len(task.classes))[task.novel_labels])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [0.1, 0.0, -3.0])
def test_constant_embeddings_score_exactly_chance(task, dtype, value):
    constant = np.full((len(task.novel), 7), value, dtype=dtype)
    scores = evaluate((task.novel.sample_ids, constant), task, (1, 5))
    for shots in (1, 5):
        figure = scores[shots].balanced_accuracy
        assert figure.mean == figure.min == figure.max == figure.draw_0 == 1 / 6
        assert scores[shots].accuracy.mean == 1 / 6
        assert scores[shots].above_chance == 0


def test_one_hot_labels_score_100(task, level_task):
    for each in (task, level_task):
        scores = evaluate(one_hot(each), each, (1, 3, 5))
        for shots in (1, 3, 5):
            result = scores[shots]
            assert result.balanced_accuracy.mean == result.accuracy.mean == 1
            assert result.macro_f1.mean == result.balanced_accuracy.min == 1
            assert all(figure.mean == 1 for figure in result.recall.values())
            assert result.above_chance == 1
            assert np.array_equal(result.confusion, np.eye(len(each.classes)))


def test_level_error(level_task, task):
    assert evaluate(one_hot(level_task), level_task)[1].level_error.mean == 0
    assert evaluate(one_hot(task), task)[1].level_error is None
    assert set(evaluate_controls(task, (1,))) == {"chance", "majority"}
    controls = evaluate_controls(level_task, (1,))
    counts = level_task.novel.counts
    assert max(counts, key=lambda name: counts[name]) == "7"
    # The classes 2, 4, 7 and 10 are 5, 3, 0 and 3 from the level 7; 2, 0, 3 and 6 from 4.
    assert controls["majority"][1].level_error.mean == 11 / 4
    assert controls["constant"][1].level_error.mean == 11 / 4
    # All tied: from 2 it is 2, 5 and 8 to the others, and so on.
    assert controls["chance"][1].level_error.mean == pytest.approx((15 + 11 + 11 + 17) / 4 / 4)


def test_shuffled_ids_score_chance_within_the_interval(task, rng):
    ids, vectors = one_hot(task)
    noisy = vectors + rng.normal(size=vectors.shape) / 2
    assert evaluate((ids, noisy), task)[1].balanced_accuracy.low > 1 / 6
    for _ in range(5):
        shuffled = [ids[place] for place in rng.permutation(len(ids))]
        figure = evaluate((shuffled, noisy), task)[1].balanced_accuracy
        assert figure.low <= 1 / 6 <= figure.high
        assert abs(figure.mean - 1 / 6) < 0.02


def test_row_order_and_form_do_not_matter(task, rng):
    ids = list(task.novel.sample_ids)
    array = rng.normal(size=(len(ids), 9)).astype(np.float32)
    expected = evaluate((ids, array), task).to_dict()
    order = rng.permutation(len(ids))
    shuffled = ([ids[place] for place in order], array[order])
    assert evaluate(shuffled, task).to_dict() == expected
    assert evaluate(dict(zip(ids, array, strict=True)), task).to_dict() == expected
    assert evaluate(dict(zip(ids, array.tolist(), strict=True)), task).to_dict() == expected
    assert evaluate((ids, array.astype(np.float64)), task).to_dict() == expected
    assert evaluate((np.array(ids), array), task).to_dict() == expected


def test_minus_zero_is_zero(task):
    ids = task.novel.sample_ids
    zeros = np.zeros((len(ids), 3))
    assert evaluate((ids, zeros), task).digest == evaluate((ids, -zeros), task).digest


class FakeTensor:
    """What `evaluate` may ask of a tensor, so that it can be tested without torch."""

    def __init__(self, array, dtype="torch.float32", device="cuda:0", grad=True):
        self.array, self.dtype, self.device, self.grad = array, dtype, device, grad

    def detach(self):
        return FakeTensor(self.array, self.dtype, self.device, grad=False)

    def cpu(self):
        return FakeTensor(self.array, self.dtype, "cpu", self.grad)

    def float(self):
        return FakeTensor(self.array, "torch.float32", self.device, self.grad)

    def numpy(self):
        if self.grad or self.device != "cpu" or self.dtype == "torch.bfloat16":
            raise TypeError("as torch does")
        return self.array


def test_tensors(task, rng):
    ids = task.novel.sample_ids
    array = rng.normal(size=(len(ids), 4)).astype(np.float32)
    expected = evaluate((ids, array), task).to_dict()
    assert evaluate((ids, FakeTensor(array)), task).to_dict() == expected
    assert evaluate((ids, FakeTensor(array, "torch.bfloat16")), task).to_dict() == expected
    vectors = {name: FakeTensor(row) for name, row in zip(ids, array, strict=True)}
    assert evaluate(vectors, task).to_dict() == expected


def test_real_torch_tensors(task, rng):
    torch = pytest.importorskip("torch")
    ids = task.novel.sample_ids
    array = rng.normal(size=(len(ids), 4)).astype(np.float32)
    tensor = torch.tensor(array, requires_grad=True)
    expected = evaluate((ids, array), task).to_dict()
    assert evaluate((ids, tensor), task).to_dict() == expected
    assert evaluate(dict(zip(ids, tensor, strict=True)), task).to_dict() == expected
    half = tensor.to(torch.bfloat16)
    assert evaluate((ids, half), task).to_dict() == evaluate((ids, half.float()), task).to_dict()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_same_bytes_in_another_process_with_other_blas_threads(task, threads, tmp_path):
    code = (
        "import json, numpy as np\n"
        "from oneshot_emotic import evaluate, load_task\n"
        "task = load_task('cat-6-6')\n"
        "x = np.random.default_rng(3).normal(size=(len(task.novel), 33)).astype('f4')\n"
        "print(json.dumps(evaluate((task.novel.sample_ids, x), task, (1, 5)).to_dict()))"
    )
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    result = python("-c", code, **dict.fromkeys(names, threads), PYTHONHASHSEED=threads)
    x = np.random.default_rng(3).normal(size=(len(task.novel), 33)).astype("f4")
    here = evaluate((task.novel.sample_ids, x), task, (1, 5)).to_dict()
    assert result.stdout.strip() == json.dumps(here)


class TestBadInput:
    def check(self, embeddings, task, *messages):
        with pytest.raises(InputError) as error:
            evaluate(embeddings, task)
        for message in messages:
            assert message in str(error.value)
        assert len(error.value.problems) >= len(messages)

    def test_everything_at_once(self, task):
        vectors = {name: [1.0, 2.0] for name in task.novel.sample_ids[3:]}
        vectors["train/x/images/nobody.jpg#0"] = [1.0, 2.0]
        vectors[task.base.sample_ids[0]] = [1.0, 2.0]
        vectors[task.novel.sample_ids[9]] = [1.0]
        vectors[task.novel.sample_ids[10]] = [1.0, "x"]
        self.check(
            vectors,
            task,
            "no embedding for 3 of the 793 novel persons of cat-6-6",
            "2 sample_ids of nobody novel in cat-6-6 (1 of base persons)",
            "1 dimensions, not 2 like most, in 1 embedding",
            "no list of numbers in 1 embedding",
        )

    def test_shapes(self, task):
        ids = task.novel.sample_ids
        self.check((ids, np.zeros(len(ids))), task, "has the shape (793,)")
        self.check((ids, np.zeros((5, 2))), task, "has the shape (5, 2)")
        self.check((ids, np.zeros((len(ids), 0))), task, "no dimensions")
        self.check((ids, np.zeros((len(ids), 2), dtype=complex)), task, "type complex128")
        self.check((ids, np.zeros((len(ids), 2), dtype="U3")), task, "not real numbers")
        self.check(dict.fromkeys(ids, ()), task, "no dimensions")
        self.check({name: [[1], [2, 3]] for name in ids}, task, "no list of numbers")
        self.check(dict.fromkeys(ids, 1.0), task, "no list of numbers")
        self.check({}, task, "793 of the 793", "there are no embeddings")
        self.check([1, 2], task, "embeddings are a list")

    def test_unscorable(self):
        small = split_task("cat-6-6", [(f"{n}#0", f"{n}", "Esteem") for n in range(4)], draws=3)
        with pytest.raises(InputError, match="needs two to be scored"):
            evaluate({}, small)


def test_what_a_notebook_shows(task):
    assert repr(task) == (
        "Task(cat-6-6 on synthetic (argmax): base BasePersons(3,207 persons of 6 classes, "
        "417 in an image with a novel person), "
        "novel Persons(793 persons of 6 classes), 1,000 draws)"
    )
    shown = "Scores(embeddings on synthetic: cat-6-6 1-shot balanced accuracy 100.0 %)"
    assert repr(evaluate(one_hot(task), task)) == shown


class TestScores:
    def test_form(self, task, level_task):
        both = merged(
            [evaluate(one_hot(each), each, (1, 5)) for each in (level_task, task)], name="n"
        )
        content = both.to_dict()
        assert content["format"] == "oneshot-emotic-scores/1"
        assert content["protocol"] == 1
        assert content["dataset"]["name"] == "synthetic"
        assert content["submission"]["name"] == "n"
        assert list(content["tasks"]) == ["cat-6-6", "lev-6-4-arousal"]
        figures = content["tasks"]["lev-6-4-arousal"]["5"]
        assert set(figures["balanced_accuracy"]) == {
            "mean",
            "low",
            "high",
            "draw_0",
            "std",
            "min",
            "max",
        }
        assert list(figures["recall"]) == ["2", "4", "7", "10"]
        assert np.array(figures["confusion"]).shape == (4, 4)
        json.dumps(content, allow_nan=False)

    def test_as_a_table_and_for_a_logger(self, task, level_task):
        both = merged([evaluate(one_hot(each), each, (1, 5)) for each in (task, level_task)])
        table, flat = both.to_pandas(), both.flat()
        assert len(table) == len(flat) == 2 * (3 + 6) + 2 * (4 + 4)
        for row in table.itertuples():
            assert flat[f"{row.task}/{row.shots}-shot/{row.figure}"] == row.mean
        recall = table[(table.task == "cat-6-6") & (table.figure == "recall/Esteem")]
        assert recall["shots"].tolist() == [1, 5] and recall["mean"].tolist() == [1, 1]
        assert flat["lev-6-4-arousal/5-shot/level_error"] == 0
        assert flat["cat-6-6/1-shot/balanced_accuracy"] == 1

    def test_overall_needs_every_task_of_the_family(self, task):
        scores = evaluate(one_hot(task), task)
        assert scores.overall("cat") is None
        again = Scores(
            scores.dataset, {"cat-6-6": scores.tasks["cat-6-6"], "cat-6-4": scores.tasks["cat-6-6"]}
        )
        assert again.overall("cat").mean == 1.0
        assert again.overall("cat", shots=5) is None

    def test_the_same_task_twice(self, task):
        scores = evaluate(one_hot(task), task)
        with pytest.raises(InputError, match="cat-6-6 comes more than once"):
            merged([scores, scores])

    def test_several_tasks_are_not_indexed_by_shots(self, task, level_task):
        both = merged([evaluate(one_hot(each), each) for each in (task, level_task)])
        with pytest.raises(KeyError, match=r"scores of 2 tasks .*use scores.tasks\[TASK\]\[1\]"):
            both[1]
