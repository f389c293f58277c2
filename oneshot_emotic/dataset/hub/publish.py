"""From a dataset folder to a repository on the Hub: one commit, tagged with the fingerprint.

Every step looks at what is there first, so that a run that was stopped anywhere is completed by the
next: the repository is made (private), gated if asked for, all files go up in one commit, only then
it is tagged, and last, if asked for, made public.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from oneshot_emotic.dataset.folder import CARD, MANIFEST, Manifest, read_manifest
from oneshot_emotic.dataset.hub.client import hub_errors, token_problems
from oneshot_emotic.dataset.hub.fetch import fetch_dataset
from oneshot_emotic.dataset.hub.repository import Repository
from oneshot_emotic.dataset.whole import ALL_FILES, PublishedFile, listed_files
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.splits import DatasetIdentity

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo

#: What may lie in the repository: our files, and what the Hub itself puts into a new one.
_EXPECTED_FILES = {*ALL_FILES, ".gitattributes"}

_AGAIN = "Run it again: what is there already is kept"
_OTHER = "Give a repository of its own"


@dataclass(frozen=True)
class Published:
    """What is on the Hub now.

    Attributes:
        url: The repository's page.
        commit: The commit that the tag names.
        private: Whether only its owners see it.
        gated: How access to the files is given: `auto` or `manual`; "" for without asking.
        changed: Whether this run did anything.
    """

    url: str
    commit: str
    private: bool
    gated: str
    changed: bool


def publish(
    repo_id: str,
    identity: DatasetIdentity,
    files: Sequence[PublishedFile],
    *,
    public: bool = False,
    gated: Literal["auto", "manual"] | None = None,
    replace_card: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Published:
    """Make a dataset repository hold these files, at a revision tagged with the fingerprint.

    Args:
        repo_id: `ORG/NAME`.
        identity: Which data set it is.
        files: Its files, from `check_publishable`.
        public: Make the repository public; otherwise a new one is private.
        gated: Give the files only to who asks and agrees to the terms in the card, at once (`auto`)
            or when an owner says so (`manual`); None leaves that as it is.
        replace_card: Replace a card that somebody has edited on the Hub; it is kept otherwise.
        progress: Called with each step as it begins.

    Raises:
        InputError: The Hub refused or failed; the repository is public, and `public` was not asked
            for; it holds something else; somebody else changed it meanwhile.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if problems := token_problems():
        raise InputError(problems)
    api, tag = HfApi(), identity.fingerprint
    with hub_errors(repo_id, _AGAIN):
        if not api.repo_exists(repo_id, repo_type="dataset"):
            progress("making the repository (private)")
            api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
        there = api.dataset_info(repo_id)
        manifest = _check_target(api, there, identity, public)
        tagged = _tagged_commit(api, repo_id, tag)
        closed = gated is not None and there.gated != gated
        if closed:  # before the commit: the repository may be public already
            progress(f"making access a matter of asking ({gated})")
            api.update_repo_settings(repo_id, repo_type="dataset", gated=gated)
        if manifest and not replace_card and _card_is_edited(api, there, manifest):
            progress("keeping the card, which was edited on the Hub (--replace-card replaces it)")
            files = [file for file in files if file.path != CARD]
        progress("uploading what is not there yet")
        # The library uploads only what the Hub lacks, and makes no commit where nothing changes;
        # with a parent it fails where somebody else has committed since `there` was looked at.
        commit = api.create_commit(
            repo_id,
            [CommitOperationAdd(file.path, file.content) for file in files],
            repo_type="dataset",
            commit_message=f"{identity.name} ({identity.label_rule}), fingerprint {tag[:12]}",
            parent_commit=there.sha,
        ).oid
        if tagged is None:
            progress("tagging the revision")
            api.create_tag(repo_id, repo_type="dataset", tag=tag, revision=commit)
        opened = public and bool(there.private)
        if opened:
            progress("making the repository public")
            api.update_repo_settings(repo_id, repo_type="dataset", private=False)
    return Published(
        url=f"{api.endpoint}/datasets/{repo_id}",
        commit=tagged or str(commit),
        private=bool(there.private) and not public,
        gated=gated or there.gated or "",
        changed=opened or closed or tagged is None or commit != there.sha,
    )


def _check_target(
    api: HfApi, there: DatasetInfo, identity: DatasetIdentity, public: bool
) -> Manifest | None:
    """Refuse to publish into the open unasked, or over anything else; the manifest that is there.

    Beside an earlier publication of the data set, others may have put a licence and the like.
    """
    if not there.private and not public:
        remedy = "Give --public if that is meant, or make it private on its settings page"
        raise InputError("the repository is public already", there.id, remedy)
    names = {file.rfilename for file in there.siblings or []}
    strange = names - _EXPECTED_FILES
    if MANIFEST in names:
        strange = {name for name in strange if name.startswith("data/")}
    if strange:
        raise InputError(f"holds other files: {some(sorted(strange))}", there.id, _OTHER)
    if MANIFEST not in names:
        return None
    path = api.hf_hub_download(there.id, MANIFEST, repo_type="dataset", revision=there.sha)
    manifest = read_manifest(Path(path).parent)
    found = manifest.identity
    if (found.name, found.label_rule) != (identity.name, identity.label_rule):
        held, ours = (f"{data.name!r} ({data.label_rule})" for data in (found, identity))
        raise InputError(f"holds the data set {held}, not {ours}", there.id, _OTHER)
    return manifest


def _card_is_edited(api: HfApi, there: DatasetInfo, manifest: Manifest) -> bool:
    """Whether the card on the Hub is another one than the manifest beside it lists."""
    if all(file.rfilename != CARD for file in there.siblings or []):
        return False
    path = Path(api.hf_hub_download(there.id, CARD, repo_type="dataset", revision=there.sha))
    content = path.read_bytes()
    listed = listed_files(manifest, path.parent, [CARD])[CARD]
    return (len(content), sha256(content).hexdigest()) != listed


def _tagged_commit(api: HfApi, repo_id: str, tag: str) -> str | None:
    """The commit that a tag names, if it is there; it must hold the splits, in whatever files.

    A new commit beside it then has a new card, or parquet files of another writer: nothing that a
    score sees.
    """
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        commit = api.dataset_info(repo_id, revision=tag).sha or ""
    except RevisionNotFoundError:
        return None
    misplaced = Problem(
        f"the tag {tag} is there already",
        repo_id,
        "If its commit does not hold these splits, remove the tag on the Hub",
    )
    try:
        folder = fetch_dataset(Repository(repo_id, commit))
    except InputError as error:
        raise InputError([*error.problems, misplaced]) from None
    if (found := read_manifest(folder).identity.fingerprint) != tag:
        what = f"the commit {commit} holds the splits {found}"
        raise InputError([Problem(what, repo_id), misplaced])
    return commit
