"""The registered official data sets: name -> repository on the Hub, and fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oneshot_emotic.dataset.hub.repository import Repository


@dataclass(frozen=True)
class Official:
    """A registered data set.

    Attributes:
        repo_id: Its repository.
        fingerprint: Of its official splits; None until a licence holder has built and published
            them. Without one, nothing is ever fetched under the name.
    """

    repo_id: str
    fingerprint: str | None

    @property
    def repository(self) -> Repository | None:
        """The repository at the official revision, once there is one."""
        return Repository(self.repo_id, self.fingerprint) if self.fingerprint else None


#: Name -> where it is. The fingerprint goes in here with the first publication.
OFFICIAL: Mapping[str, Official] = {
    "emotic": Official("oneshot-emotic/emotic", fingerprint=None),
}
