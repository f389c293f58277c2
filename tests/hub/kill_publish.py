"""`publish` killed (signal 9) at random moments, over and over, against a loopback Hub.

    python tests/hub/kill_publish.py FOLDER --moments 200 --seed 0

runs with HF_ENDPOINT naming the Hub. Every client is a fork of this process, which has all modules
in memory and has checked the folder; moments are uniform over the work with the Hub. After each
kill the Hub's state is looked at; what it may be is in `check`. Then the next run on the same
repository is killed too, or, every fifth time, left to end and must complete the publication.
Prints what was found as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path

REPO = "lab/killed"


def control(path, data=None):
    address = f"{os.environ['HF_ENDPOINT']}/_control/{path}"
    with urllib.request.urlopen(address, data=data, timeout=30) as answer:
        return json.load(answer)


def start(work):
    """A fork that does `work`; its output is dropped."""
    if child := os.fork():
        return child
    status = 99
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        work()
        status = 0
    finally:
        os._exit(status)


def ended(child):
    """The exit status of a fork; -9 when it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


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
    options = parser.parse_args()

    import huggingface_hub
    import tqdm

    # By default its lock lasts beyond the process: a killed fork would keep it from all others.
    tqdm.tqdm.set_lock(threading.RLock())
    tqdm.tqdm.monitor_interval = 0

    from oneshot_emotic.dataset.hub.publish import publish
    from oneshot_emotic.dataset.whole import check_publishable

    identity, files = check_publishable(options.folder)
    expected = {file.path: file.sha256 for file in files}

    def work():
        publish(REPO, identity, files)

    def completed():
        return ended(start(work)) == 0 and check(expected, identity.fingerprint) == "tagged"

    work()  # here, so that every fork has the modules
    # Forks must not share its connections; versions before 1 keep them by process.
    getattr(huggingface_hub, "close_session", lambda: None)()
    control("clear", b"")
    begun = time.monotonic()
    assert completed()
    whole = time.monotonic() - begun

    rng = random.Random(options.seed)
    stages = ("nothing", "repository", "committed", "tagged")
    found = dict.fromkeys(("killed", *stages, "completed"), 0)
    fresh = True
    while found["killed"] < options.moments:
        if fresh:
            control("clear", b"")
        child = start(work)
        time.sleep(rng.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        status = ended(child)
        assert status in (0, -signal.SIGKILL), f"ended with {status}"
        stage = check(expected, identity.fingerprint)
        if status == 0:
            fresh = True
            continue  # too late: it was done
        found["killed"] += 1
        found[stage] += 1
        last = found["killed"] == options.moments
        fresh = last or stage == "tagged" or rng.random() < 0.2
        if fresh:
            assert completed(), f"could not complete from {stage}"
            found["completed"] += 1
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
