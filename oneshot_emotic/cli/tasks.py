"""`oneshot-emotic tasks`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.options import dataset_option, json_option
from oneshot_emotic.cli.progress import echo, write_result

FORMAT = "oneshot-emotic-tasks/1"


@click.command()
@dataset_option
@json_option
def command(dataset: str, json_file: Path | None) -> None:
    """List the tasks of a data set, their classes and persons."""
    from oneshot_emotic.dataset.folder import read_tasks
    from oneshot_emotic.dataset.locate import dataset_folder

    tasks = read_tasks(dataset_folder(dataset))
    identity = next(iter(tasks.values())).dataset
    assert identity is not None
    listed: dict[str, dict[str, Any]] = {
        name: {
            "base": {x: task.base.counts.get(x, 0) for x in task.definition.base_classes},
            "novel": {x: task.novel.counts[x] for x in task.classes},
            "left_out": dict(task.dropped_classes),
            "unscorable": task.unscorable or None,
        }
        for name, task in tasks.items()
    }
    if write_result(json_file, {"format": FORMAT, "dataset": identity.to_dict(), "tasks": listed}):
        return
    echo(f"data set     {identity.name}, label rule {identity.label_rule}")
    echo(f"fingerprint  {identity.fingerprint}", "")
    for name, task in listed.items():
        echo(name)
        for kind in ("base", "novel"):
            persons = task[kind]
            classes = ", ".join(f"{item} {count:,}" for item, count in persons.items())
            echo(f"  {kind:5}  {sum(persons.values()):6,}  {classes}")
        if task["left_out"]:
            classes = ", ".join(f"{item} {count}" for item, count in task["left_out"].items())
            echo(f"  left out for lack of persons: {classes}")
        if task["unscorable"]:
            echo(f"  cannot be scored: {task['unscorable']}")
