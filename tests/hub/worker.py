"""The client end of a test: a process that does what it is told, one thing after another.

It is forked from a server that has NumPy and the like in memory already, sets its environment, and
only then imports huggingface_hub, which reads its settings at that moment.
"""

from __future__ import annotations

import contextlib
import io
import os
import time

#: What every worker needs; nothing that imports huggingface_hub.
PRELOAD = [
    "numpy",
    "pyarrow.parquet",
    "jsonschema",
    "oneshot_emotic.cli.main",
    "oneshot_emotic.dataset.load",
    "oneshot_emotic.dataset.whole",
    "oneshot_emotic.scoring.evaluate",
]


def main(connection, environment, folder):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    while True:
        try:
            kind, arguments = connection.recv()
        except EOFError:
            return
        connection.send(
            {"load": load, "cli": cli, "publish": publish, "hurry": hurry}[kind](*arguments)
        )


def load(dataset, task):
    from oneshot_emotic import InputError, load_task
    from oneshot_emotic.dataset.hub.fetch import fetch_dataset

    fetch_dataset.cache_clear()  # as a new process
    try:
        found = load_task(task, dataset=dataset)
    except InputError as error:
        return str(error)
    return [found.dataset.fingerprint, len(found.novel)]


def cli(arguments):
    from oneshot_emotic.cli.main import main as command
    from oneshot_emotic.dataset.hub.fetch import fetch_dataset

    fetch_dataset.cache_clear()
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            command(arguments)
        except SystemExit as end:
            status = end.code or 0
    return status, out.getvalue(), err.getvalue()


_checked = {}


def publish(folder, repo, public, gated=None):
    """What the command does after the checking, which is done once a folder."""
    from oneshot_emotic import InputError
    from oneshot_emotic.dataset.hub import publish as module
    from oneshot_emotic.dataset.whole import check_publishable

    if folder not in _checked:
        _checked[folder] = check_publishable(folder)
    try:
        done = module.publish(repo, *_checked[folder], public=public, gated=gated)
    except InputError as error:
        return str(error)
    return done


def hurry():
    """No more waiting between the library's tries."""
    time.sleep = lambda seconds: None
