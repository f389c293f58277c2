"""What `huggingface_hub` raises, as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from oneshot_emotic.errors import InputError, NotHereError, Problem, printable

_LOG_IN = "set HF_TOKEN to a token that may read it, or run `hf auth login`"
_TO_WRITE = "Set HF_TOKEN to a token with write access to the repository, or run `hf auth login`"


@contextmanager
def hub_errors(
    where: str, remedy: str, kind: Literal["dataset", "model"] = "dataset"
) -> Iterator[None]:
    """Turn the library's errors into an `InputError`; a full disk and the like pass.

    Args:
        where: The repository, for messages.
        remedy: What to do where the Hub failed or could not be reached.
        kind: Of the repository.

    Raises:
        NotHereError: With what the Hub said.
    """
    try:
        yield
    except InputError:
        raise
    except (transport_error(), RuntimeError, ValueError, OSError) as error:
        problem = _problem(error, where, remedy, kind)
        if problem is None:
            raise
        raise NotHereError(problem) from None


def token_problems() -> list[Problem]:
    """That there is no token to write with."""
    from huggingface_hub import get_token

    if get_token() is not None:
        return []
    remedy = "Set HF_TOKEN to one with write access, or run `hf auth login`"
    return [Problem("there is no token for the Hub", remedy=remedy)]


def transport_error() -> type[Exception]:
    """What the HTTP library below `huggingface_hub` raises: requests, httpx or its successor."""
    from huggingface_hub.errors import HfHubHTTPError

    return HfHubHTTPError.__bases__[0]


def _problem(error: Exception, where: str, remedy: str, kind: str) -> Problem | None:
    """What an error means to the user; None for one of the disk, which the command line tells."""
    from huggingface_hub import errors, get_token

    cause = _first_line(error)
    if isinstance(error, errors.GatedRepoError):
        return _gated(where, kind)
    if isinstance(error, errors.RepositoryNotFoundError):
        what = f"there is no such {kind} repository on the Hub to be read"
        if get_token() is None:
            what += " without a token, and there is none"
        return Problem(what, where, f"If it is private, {_LOG_IN}")
    if isinstance(error, errors.RevisionNotFoundError):
        return Problem("has no such revision on the Hub", where)
    if isinstance(error, errors.LocalEntryNotFoundError):
        cause = _first_line(error.__cause__ or error)
        return Problem(
            f"is not in the Hub's cache, and could not be fetched: {cause}", where, remedy
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return Problem("the Hub has no such file at this revision", where)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return Problem("the Hub is switched off by HF_HUB_OFFLINE", where, "Unset it")
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return Problem("the Hub refused the token (401)", where, _TO_WRITE)
        if status == 403:
            return Problem(f"the token may not do this (403): {cause}", where, _TO_WRITE)
        if status in (409, 412):
            return Problem("somebody else has changed the repository meanwhile", where, remedy)
        return Problem(f"the Hub answered {status}: {cause}", where, remedy)
    if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
        return None
    # The library wraps what went wrong with a file in a RuntimeError.
    if isinstance(error, RuntimeError) and error.__cause__:
        cause = _first_line(error.__cause__)
    return Problem(f"the work with the Hub failed: {cause}", where, remedy)


def _gated(where: str, kind: str) -> Problem:
    """A repository that is to be seen, but whose files are given on request only."""
    from huggingface_hub import constants, get_token

    place = "datasets/" if kind == "dataset" else ""
    page = f"{constants.ENDPOINT}/{place}{where.partition('@')[0]}"
    ask = f"ask for access at {page} (by hand approved access takes a while)"
    if get_token() is None:
        what = "is gated, and there is no token to show that you have access"
        return Problem(what, where, f"Log in on its page and {ask}, then {_LOG_IN}")
    what = "is gated, and the token's owner has no access yet"
    return Problem(what, where, f"In a browser, {ask}, and run it again")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = printable(lines[0] if lines else "", 200)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
