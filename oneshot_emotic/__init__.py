"""One-shot recognition of unseen emotions of people in scenes, on EMOTIC.

    from oneshot_emotic import evaluate, load_task

    task = load_task("cat-6-6")               # the synthetic stand-in; or dataset=FOLDER
    scores = evaluate(embeddings, task)       # sample_id -> vector
    scores[1].balanced_accuracy.mean

Importing this package is cheap: what a name needs is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oneshot_emotic.dataset.load import load_task as load_task
    from oneshot_emotic.encoders.evaluate import evaluate_encoder as evaluate_encoder
    from oneshot_emotic.encoders.evaluate import features_of as features_of
    from oneshot_emotic.errors import InputError as InputError
    from oneshot_emotic.person_dataset import PersonDataset as PersonDataset
    from oneshot_emotic.pictures import open_pictures as open_pictures
    from oneshot_emotic.scoring.combination import combine as combine
    from oneshot_emotic.scoring.evaluate import evaluate as evaluate
    from oneshot_emotic.scoring.scores import Scores as Scores
    from oneshot_emotic.splits import Persons as Persons
    from oneshot_emotic.splits import Task as Task
    from oneshot_emotic.submission.embeddings_file import write_submission as write_submission
    from oneshot_emotic.tasks import TASKS as TASKS

__version__ = "0.3.0"

_HOMES = {
    "InputError": "oneshot_emotic.errors",
    "PersonDataset": "oneshot_emotic.person_dataset",
    "Persons": "oneshot_emotic.splits",
    "Scores": "oneshot_emotic.scoring.scores",
    "TASKS": "oneshot_emotic.tasks",
    "Task": "oneshot_emotic.splits",
    "combine": "oneshot_emotic.scoring.combination",
    "evaluate": "oneshot_emotic.scoring.evaluate",
    "evaluate_encoder": "oneshot_emotic.encoders.evaluate",
    "features_of": "oneshot_emotic.encoders.evaluate",
    "load_task": "oneshot_emotic.dataset.load",
    "open_pictures": "oneshot_emotic.pictures",
    "write_submission": "oneshot_emotic.submission.embeddings_file",
}

__all__ = [
    "TASKS",
    "InputError",
    "PersonDataset",
    "Persons",
    "Scores",
    "Task",
    "__version__",
    "combine",
    "evaluate",
    "evaluate_encoder",
    "features_of",
    "load_task",
    "open_pictures",
    "write_submission",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
