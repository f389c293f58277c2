"""`publish` killed (signal 9) at random moments, over and over, against a loopback Hub.

    python tests/hub/kill_publish.py FOLDER --moments 200 --seed 0 --long

runs with HF_ENDPOINT naming a Hub that `loopback.py` started as a process. Every client is a fork
of this process, which has all modules in memory. The short form forks after the folder was checked;
the long one runs the whole command line, and every fifth kill comes while it checks the folder. The
other moments are uniform over the work with the Hub. After each kill the Hub's state is looked at;
what it may be is in `check`. Then the next run on the same repository is killed too, or (always
with --long, else every fifth time) left to end and must complete the publication. Prints what was
found as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

REPO = "lab/killed"


def control(path, data=None):
    address = f"{os.environ['HF_ENDPOINT']}/_control/{path}"
    with urllib.request.urlopen(address, data=data, timeout=30) as answer:
        return json.load(answer)


def start(work):
    """A fork that does `work`; its output is dropped."""
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        work()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    finally:
        os._exit(status)


def finish(work):
    child = start(work)
    begun = time.monotonic()
    while time.monotonic() - begun < 60:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "no end within 60 s"


def wait_for(pipe):
    assert select.select([pipe], [], [], 60)[0], "the client never turned to the Hub"
    os.read(pipe, 1)


def drain(pipe):
    while select.select([pipe], [], [], 0)[0]:
        os.read(pipe, 1)


def check(expected, fingerprint):
    """What stage the repository is in; fails if anything is half there."""
    repo = control("state").get(REPO)
    if repo is None:
        return "nothing"
    assert repo["private"], "visible"
    assert len(repo["history"]) <= 2, "committed twice"
    first, *rest = repo["history"]
    assert list(repo["files"][first]) == [".gitattributes"]
    for commit in rest:
        files = {k: v for k, v in repo["files"][commit].items() if k != ".gitattributes"}
        assert files == expected, "a part of a commit"
    if repo["tags"]:
        assert repo["tags"] == {fingerprint: rest[0]}, "a tag on another commit"
        return "tagged"
    return "committed" if rest else "repository"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()

    import huggingface_hub
    import tqdm

    # By default its lock lasts beyond the process: a killed fork would keep it from all others.
    tqdm.tqdm.set_lock(threading.RLock())
    tqdm.tqdm.monitor_interval = 0

    from oneshot_emotic.cli.main import main as command
    from oneshot_emotic.dataset.hub.publish import publish
    from oneshot_emotic.dataset.whole import check_publishable

    begun = time.monotonic()
    identity, files = check_publishable(options.folder)
    checking = time.monotonic() - begun
    expected = {file.path: file.sha256 for file in files}
    if options.long:
        work = partial(command, ["publish", str(options.folder), "--repo-id", REPO])
    else:
        work = partial(publish, REPO, identity, files)
    publish(REPO, identity, files)  # here, so that every fork has the modules
    # Forks must not share its connections; versions before 1 keep them by process.
    getattr(huggingface_hub, "close_session", lambda: None)()

    # A fork says when it turns to the Hub: asking for the token is the first that it does.
    reached, reaching = os.pipe()
    get_token = huggingface_hub.get_token

    def told_token():
        os.write(reaching, b".")
        return get_token()

    huggingface_hub.get_token = told_token
    durations = []
    for _ in range(3):
        control("clear", b"")
        child = start(work)
        wait_for(reached)
        begun = time.monotonic()
        _, status = os.waitpid(child, 0)
        durations.append(time.monotonic() - begun)
        assert status == 0
        assert check(expected, identity.fingerprint) == "tagged"
    whole = sorted(durations)[1]

    rng = random.Random(options.seed)
    stages = dict.fromkeys(("nothing", "repository", "committed", "tagged"), 0)
    killed = completed = 0
    fresh = True
    while killed < options.moments:
        if fresh:
            control("clear", b"")
        child = start(work)
        if options.long and rng.random() < 0.2:
            time.sleep(rng.uniform(0, checking))
        else:
            wait_for(reached)
            time.sleep(rng.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        drain(reached)
        ended = os.waitstatus_to_exitcode(status)
        assert ended in (0, -signal.SIGKILL), f"ended with {ended}"
        stage = check(expected, identity.fingerprint)
        if ended == 0:
            fresh = True
            continue  # too late: it was done
        killed += 1
        stages[stage] += 1
        fresh = options.long or stage == "tagged" or rng.random() < 0.2
        if fresh:
            ended = finish(work)
            assert ended == 0, f"could not complete from {stage}: {ended}"
            drain(reached)
            assert check(expected, identity.fingerprint) == "tagged"
            completed += 1
    figures = {"killed": killed, "stages": stages, "completed": completed, "hub_seconds": whole}
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
