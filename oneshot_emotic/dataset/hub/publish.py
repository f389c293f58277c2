"""From a dataset folder to a repository on the Hub: one commit, tagged with the fingerprint.

Every step looks at what is there first, so that a run that was stopped anywhere is completed by the
next: the repository is made (private), all files go up in one commit, that commit is compared with
the folder file by file, only then it is tagged, and last, if asked for, made public.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from oneshot_emotic.dataset.folder import MANIFEST
from oneshot_emotic.dataset.hub.client import hub_errors, status_of
from oneshot_emotic.dataset.hub.repository import MAIN
from oneshot_emotic.dataset.whole import ALL_FILES, PublishedFile
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.splits import DatasetIdentity

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo

#: What the Hub itself puts into a new repository.
_HUB_FILES = frozenset({".gitattributes"})

_AGAIN = "Run it again: what is there already is kept"


@dataclass(frozen=True)
class Published:
    """What is on the Hub now.

    Attributes:
        url: The repository's page.
        commit: The commit that the tag names.
        private: Whether only its owners see it.
        changed: Whether this run did anything.
    """

    url: str
    commit: str
    private: bool
    changed: bool


def publish(
    repo_id: str,
    identity: DatasetIdentity,
    files: Sequence[PublishedFile],
    *,
    public: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Published:
    """Make a dataset repository hold these files, at a revision tagged with the fingerprint.

    Args:
        repo_id: `ORG/NAME`.
        identity: Which data set it is.
        files: Its files, from `check_publishable`.
        public: Make the repository public; otherwise a new one is private.
        progress: Called with each step as it begins.

    Raises:
        InputError: The Hub refused or failed; the repository is public, and `public` was not asked
            for; it holds something else; somebody else changed it meanwhile.
    """
    from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise InputError(
            Problem(
                "there is no token for the Hub",
                remedy="Set HF_TOKEN to one with write access, or run `hf auth login`",
            )
        )
    with hub_errors(repo_id, _AGAIN):
        return _publish(HfApi(), repo_id, identity, files, public, progress)


def _publish(
    api: HfApi,
    repo_id: str,
    identity: DatasetIdentity,
    files: Sequence[PublishedFile],
    public: bool,
    progress: Callable[[str], None],
) -> Published:
    changed = not api.repo_exists(repo_id, repo_type="dataset")
    if changed:
        progress("making the repository (private)")
        api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
    there = _info(api, repo_id, MAIN)
    _check_target(api, repo_id, there, identity, public)
    tag = identity.fingerprint
    tagged = _tagged_commit(api, repo_id, tag)
    if tagged is not None:
        _check_tagged(api, repo_id, tagged, tag)
    commit = there.sha or ""
    if missing := _missing(there, files):
        progress(f"uploading {len(missing)} files, {sum(len(x.content) for x in missing):,} bytes")
        commit = _commit(api, repo_id, missing, identity, parent=commit)
        changed = True
        if left := _missing(_info(api, repo_id, commit), files):
            listed = some(file.path for file in left)
            raise InputError(Problem(f"the commit lacks or changed {listed}", repo_id, _AGAIN))
    if tagged is None:
        progress("tagging the revision")
        api.create_tag(repo_id, repo_type="dataset", tag=tag, revision=commit)
        changed = True
    private = bool(there.private)
    if public and private:
        progress("making the repository public")
        api.update_repo_settings(repo_id, repo_type="dataset", private=False)
        private, changed = False, True
    url = f"{api.endpoint}/datasets/{repo_id}"
    return Published(url, tagged or commit, private, changed)


def _check_target(
    api: HfApi, repo_id: str, there: DatasetInfo, identity: DatasetIdentity, public: bool
) -> None:
    """Refuse to publish into the open unasked, or over anything else."""
    if not there.private and not public:
        raise InputError(
            Problem(
                "the repository is public already",
                repo_id,
                "Give --public if that is meant, or make it private on its settings page",
            )
        )
    names = {file.rfilename for file in there.siblings or []}
    if strange := sorted(names - set(ALL_FILES) - _HUB_FILES):
        raise InputError(
            Problem(f"holds other files: {some(strange)}", repo_id, "Give a repository of its own")
        )
    if MANIFEST not in names:
        return
    found = _manifest(api, repo_id, there.sha or MAIN)
    stated = (found.get("dataset"), found.get("label_rule"))
    if stated != (identity.name, identity.label_rule):
        raise InputError(
            Problem(
                f"holds the data set {stated[0]!r} ({stated[1]}), not {identity.name!r} "
                f"({identity.label_rule})",
                repo_id,
                "Give a repository of its own",
            )
        )


def _commit(
    api: HfApi,
    repo_id: str,
    files: Sequence[PublishedFile],
    identity: DatasetIdentity,
    parent: str,
) -> str:
    """All files in one commit, if nobody else has committed since `parent`."""
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import HfHubHTTPError

    try:
        made = api.create_commit(
            repo_id,
            [CommitOperationAdd(file.path, file.content) for file in files],
            repo_type="dataset",
            commit_message=f"{identity.name} ({identity.label_rule}), "
            f"fingerprint {identity.fingerprint[:12]}",
            parent_commit=parent,
        )
    except HfHubHTTPError as error:
        if status_of(error) in (409, 412):
            raise InputError(
                Problem("somebody else has changed the repository meanwhile", repo_id, _AGAIN)
            ) from None
        raise
    return str(made.oid)


def _tagged_commit(api: HfApi, repo_id: str, tag: str) -> str | None:
    references = api.list_repo_refs(repo_id, repo_type="dataset")
    return next((item.target_commit for item in references.tags if item.name == tag), None)


def _check_tagged(api: HfApi, repo_id: str, commit: str, tag: str) -> None:
    """A tag stays where it is if it names these splits, in whatever files.

    A new commit then has a new card, or parquet files of another writer: nothing a score sees.
    """
    problem = Problem(
        f"the tag {tag} is there already, on a commit that does not hold these splits",
        repo_id,
        "Remove the tag on the Hub",
    )
    # The tag as revision: what it leads to is what counts.
    there = _info(api, repo_id, tag)
    entries = {file.rfilename: file for file in there.siblings or []}
    if MANIFEST not in entries:
        raise InputError(problem)
    manifest = _manifest(api, repo_id, there.sha or commit)
    listed = manifest.get("files")
    if manifest.get("fingerprint") != tag or not isinstance(listed, dict):
        raise InputError(problem)
    if not {*listed, MANIFEST} == set(ALL_FILES) <= set(entries):
        raise InputError(problem)
    for path, entry in listed.items():
        large = entries[path].lfs
        if large is not None and large.sha256 != entry.get("sha256"):
            raise InputError(problem)


def _info(api: HfApi, repo_id: str, revision: str) -> DatasetInfo:
    return api.dataset_info(repo_id, revision=revision, files_metadata=True)


def _missing(there: DatasetInfo, files: Sequence[PublishedFile]) -> list[PublishedFile]:
    """The files that a revision does not hold, or holds otherwise."""
    found = {file.rfilename: file for file in there.siblings or []}
    missing = []
    for file in files:
        entry = found.get(file.path)
        if entry is None:
            missing.append(file)
        elif entry.lfs is not None:
            if entry.lfs.sha256 != file.sha256:
                missing.append(file)
        elif entry.blob_id != _git_blob(file.content):
            missing.append(file)
    return missing


def _git_blob(content: bytes) -> str:
    """The name that git gives to a file's content."""
    header = f"blob {len(content)}\0".encode()
    return sha1(header + content, usedforsecurity=False).hexdigest()


def _manifest(api: HfApi, repo_id: str, commit: str) -> dict[str, Any]:
    """A revision's manifest as it is; empty when it is no JSON object."""
    path = api.hf_hub_download(repo_id, MANIFEST, repo_type="dataset", revision=commit)
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123
            content = json.load(stream)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
