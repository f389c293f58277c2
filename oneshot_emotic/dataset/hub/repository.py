"""Dataset repositories on the Hub: as a user writes them, and the registered official ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from oneshot_emotic.names import REPOSITORY_ID, SHA256

MAIN = "main"

_REVISION = re.compile(r"(?!.*(?:\.\.|//))[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,198}[A-Za-z0-9_.-])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


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
        return self.revision if SHA256.fullmatch(self.revision) else None

    @property
    def pinned(self) -> bool:
        """Whether the revision means the same splits for ever, so that a copy of it will do."""
        return self.fingerprint is not None or _COMMIT.fullmatch(self.revision) is not None


#: The registered official data sets: name -> repository, at the fingerprint of the official splits.
#: It goes in here when a licence holder has built and published them; without it nothing is ever
#: fetched under the name.
OFFICIAL: Mapping[str, Repository] = {"emotic": Repository("oneshot-emotic/emotic")}


def parse_repository(text: str) -> Repository | None:
    """The repository that `ORG/NAME[@REVISION]` means; None for any other text.

    Example:
        >>> parse_repository("lab/emotic@v1")
        Repository(repo_id='lab/emotic', revision='v1')
        >>> parse_repository("../emotic") is None
        True
    """
    repo_id, at, revision = text.partition("@")
    if not REPOSITORY_ID.fullmatch(repo_id) or (at and not _REVISION.fullmatch(revision)):
        return None
    return Repository(repo_id, revision or MAIN)
