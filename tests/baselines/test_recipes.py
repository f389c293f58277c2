"""The recipes are the paper's, and so are the figures beside them. Needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest
from conftest import REPOSITORY
from oneshot_emotic_baselines.recipes import RECIPES, REPORTED_RESNET50, recipe_named
from oneshot_emotic_baselines.settings import SIZE, Settings

from oneshot_emotic.cli.main import main
from oneshot_emotic.errors import InputError
from oneshot_emotic.tasks import TASKS


def reported(title):
    tables = json.loads((REPOSITORY / "leaderboard/reported.json").read_text())["tables"]
    table = next(table for table in tables if table["title"].startswith(title))
    columns = [column.replace(" ", "-") for column in table["columns"]]
    return {
        row["method"]: (row["sees"], dict(zip(columns, row["figures"], strict=True)))
        for row in table["rows"]
    }


def test_reported_figures_are_those_of_the_leaderboard():
    categories, levels = reported("Table II,"), reported("Table III,")
    by_title = {recipe.title: recipe for recipe in RECIPES.values() if recipe.reported}
    assert set(by_title) == set(categories) == set(levels)
    for title, recipe in by_title.items():
        sees, figures = categories[title]
        assert ", ".join(recipe.branches) == sees
        every = {**figures, **levels[title][1]}
        assert recipe.reported == {task: every[task] for task in TASKS}
    assert reported("Table IV")["Sem-IB-DML, ResNet50"][1] == REPORTED_RESNET50


def test_every_picture_branch_has_its_pretraining():
    for recipe in RECIPES.values():
        assert set(recipe.pretraining) == set(recipe.pixel_branches)
    starred = {name for name, recipe in RECIPES.items() if recipe.title.endswith("*")}
    assert starred == {"kosti", "ib-dml-places"}
    for name in starred:
        assert RECIPES[name].pretraining == {"image": "places365", "body": "imagenet"}


def test_learning_rates_of_the_paper():
    rates = {task: Settings("i-dml", task).rate for task in TASKS}
    assert {task for task, rate in rates.items() if rate == 3.5e-6} == {
        task for task in TASKS if task.startswith("lev-6-4")
    }
    assert set(rates.values()) == {3.5e-4, 3.5e-6}
    assert Settings("i-dml", "lev-6-4-arousal", learning_rate=0.1).rate == 0.1


def test_settings_refuse_all_wrong_values_at_once():
    with pytest.raises(InputError) as caught:
        Settings("i-dml", "cat-6-6", epochs=0, flip=2, optimiser="lion")
    assert [problem.where for problem in caught.value.problems] == ["optimiser", "epochs", "flip"]
    with pytest.raises(InputError, match="no recipe 'b-i-dml'"):
        recipe_named("b-i-dml")


def test_options_begin_with_the_settings_defaults():
    """They stand once: whoever changes `Settings` changes the command line."""
    options = {option.name: option for option in main.get_command(None, "train").params}
    named = [item.name for item in fields(Settings) if item.name in options]
    required = ("recipe", "task", "weights")
    assert named == [item.name for item in fields(Settings)]  # every one can be said
    defaults = {name: options[name].default for name in named if name not in required}
    assert defaults == {name: getattr(Settings, name) for name in defaults}
    assert options["size"].default == SIZE == 256


def test_settings_survive_a_checkpoint():
    settings = Settings("kosti", "cat-6-4", seed=3)
    assert Settings.from_dict(settings.to_dict()) == settings
    with pytest.raises(InputError, match="made by another version"):
        Settings.from_dict({**settings.to_dict(), "mixup": 1})
    short = {k: v for k, v in settings.to_dict().items() if k != "margin"}
    with pytest.raises(InputError, match="made by another version"):
        Settings.from_dict(short)


def test_settings_that_came_later_change_no_earlier_checkpoint():
    """This is what a checkpoint of the committed rows states."""
    stated = json.loads(
        '{"recipe": "b-dml", "task": "cat-6-6", "base": "full", "backbone": "resnet18", "weights": '
        '"none", "seed": 0, "epochs": 3, "persons_per_epoch": 1280, "batch_size": 32, "per_class": '
        '4, "optimiser": "rmsprop", "learning_rate": 0.00035, "step_epochs": 2, "gamma": 0.1, '
        '"weight_decay": 0.0, "margin": 0.2, "epsilon": 0.1, "metric_weight": 0.5, "embedding": '
        '128, "flip": 0.5, "shift": 0.03125, "validation_share": 0.1, "validation_draws": 100, '
        '"precision": "auto", "compile": false}'
    )
    assert list(Settings.from_dict(stated).to_dict().items()) == list(stated.items())
    later = Settings("b-dml", "cat-6-6", weights="stand-in", warmup=0.3, trunk_lr=0, select="class")
    assert {"warmup", "trunk_lr", "select"} < set(later.to_dict())
    assert Settings.from_dict(later.to_dict()) == later


def test_a_rate_of_pretrained_layers_needs_some():
    with pytest.raises(InputError, match="trunk_lr: nothing is pretrained"):
        Settings("b-dml", "cat-6-6", weights="none", trunk_lr=0.1)
    with pytest.raises(InputError, match="trunk_lr: must be from 0 to 1"):
        Settings("b-dml", "cat-6-6", trunk_lr=2)


def test_a_file_of_settings(tmp_path):
    """Its values stand where the options' defaults did; what is wrong in it is said at once."""
    path = tmp_path / "tuned.toml"
    path.write_text('weights = "stand-in"\nwarmup = 0.3\nepochs = 5\n')
    command = main.get_command(None, "train")
    given = ["i-dml", "--task", "cat-6-6", "--data", "x", "--config", str(path), "--epochs", "7"]
    values = command.make_context("train", [*given]).params
    assert (values["weights"], values["warmup"], values["epochs"]) == (("stand-in",), 0.3, 7)
    assert values["gamma"] == Settings.gamma
    path.write_text('epochs = 2.5\nmixup = 1\ncompile = "yes"\n')
    with pytest.raises(InputError) as caught:
        command.make_context("train", [*given])
    assert [problem.what.split(":")[0] for problem in caught.value.problems] == [
        *("epochs", "mixup", "compile")
    ]
    for content in ("epochs =", None):
        path.write_text(content) if content else path.unlink()
        with pytest.raises(InputError, match="cannot be read as TOML"):
            command.make_context("train", [*given])


def test_the_list_shows_every_recipe_and_figure(run):
    output = run("baselines").output
    for recipe in RECIPES.values():
        assert recipe.name in output and recipe.title in output
        assert all(f"{figure:.2f}" in output for figure in recipe.reported.values())
    assert "Reported, not recomputed" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "sem-ib-dml", "--task", "cat-6-6", "--data", "x"),
        ("reproduce", "x"),
        ("sem2vec", "x", "--model", "y"),
    ],
)
def test_without_torch_the_message_says_what_to_install(arguments):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from oneshot_emotic.cli.main import main\n"
        f"main({arguments!r})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "pip install 'oneshot-emotic[baselines]'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_needs_no_torch_does_without():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "import oneshot_emotic_baselines, oneshot_emotic.prepared\n"
        "import oneshot_emotic_baselines.recipes, oneshot_emotic_baselines.sem2vec\n"
        "import oneshot_emotic_baselines.reproduce"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
