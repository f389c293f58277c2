"""`ORG/NAME[@REVISION]`: a dataset repository on the Hub, as a user writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAIN = "main"

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_REPOSITORY = re.compile(rf"(?P<id>{_PART}/{_PART})(?:@(?P<revision>[A-Za-z0-9][\w./-]{{0,199}}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Repository:
    """A dataset repository at a revision.

    Attributes:
        repo_id: `ORG/NAME`.
        revision: A branch, a tag or a commit. A published revision is tagged with its fingerprint.
    """

    repo_id: str
    revision: str = MAIN

    def __str__(self) -> str:
        return self.repo_id if self.revision == MAIN else f"{self.repo_id}@{self.revision}"

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint that the revision is named by, if it is."""
        return self.revision if _FINGERPRINT.fullmatch(self.revision) else None

    @property
    def pinned(self) -> bool:
        """Whether the revision means the same splits for ever, so that a copy of it will do."""
        return self.fingerprint is not None or _COMMIT.fullmatch(self.revision) is not None


def parse_repository(text: str) -> Repository | None:
    """The repository that `ORG/NAME[@REVISION]` means; None for any other text.

    Example:
        >>> parse_repository("lab/emotic@v1")
        Repository(repo_id='lab/emotic', revision='v1')
        >>> parse_repository("../emotic") is None
        True
    """
    match = _REPOSITORY.fullmatch(text)
    if not match or not text.isascii():
        return None
    # What the Hub forbids, and what its cache would stumble over.
    if re.search(r"--|\.\.", match["id"]) or match["id"].endswith(".git"):
        return None
    revision = match["revision"] or MAIN
    if re.search(r"\.\.|//|/$", revision):
        return None
    return Repository(match["id"], revision)
