"""Libraries for browsers, shipped as they were published: see vendored/manifest.json."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

FOLDER: Traversable = files(__package__) / "vendored"


def manifest() -> dict[str, dict[str, Any]]:
    """Of each library its package, version, source and licence, and SHA-256 of each file."""
    content: dict[str, dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    return content


@cache
def library(name: str, ending: str) -> tuple[str, ...]:
    """The texts of a library's files with an ending, without addresses of source maps."""
    texts = (
        (FOLDER / name / file).read_text("utf-8")
        for file in manifest()[name]["files"]
        if file.endswith(ending)
    )
    return tuple(re.sub(r"\n?(//|/\*)# sourceMappingURL=\S+( \*/)?\n?", "", x) for x in texts)
