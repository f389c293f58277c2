"""`oneshot-emotic tasks`."""

from __future__ import annotations

import click

from oneshot_emotic.cli.options import dataset_option
from oneshot_emotic.cli.progress import echo


@click.command()
@dataset_option
def command(dataset: str) -> None:
    """List the tasks of a data set, their classes and persons."""
    from oneshot_emotic.dataset.folder import read_tasks
    from oneshot_emotic.dataset.locate import dataset_folder

    tasks = read_tasks(dataset_folder(dataset))
    identity = next(iter(tasks.values())).dataset
    assert identity is not None
    echo(f"data set     {identity.name}, label rule {identity.label_rule}")
    echo(f"fingerprint  {identity.fingerprint}", "")
    for name, task in tasks.items():
        echo(name)
        base = task.base.counts
        listed = ", ".join(f"{item} {base.get(item, 0):,}" for item in task.definition.base_classes)
        echo(f"  base   {len(task.base):6,}  {listed}")
        listed = ", ".join(f"{item} {task.novel.counts[item]:,}" for item in task.classes)
        echo(f"  novel  {len(task.novel):6,}  {listed}")
        if task.dropped_classes:
            listed = ", ".join(f"{item} {count}" for item, count in task.dropped_classes.items())
            echo(f"  left out for lack of persons: {listed}")
        if task.unscorable:
            echo(f"  cannot be scored: {task.unscorable}")
