"""What `huggingface_hub` raises, as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oneshot_emotic.errors import InputError, Problem, printable

_LOG_IN = "If it is private, set HF_TOKEN to a token that may read it, or run `hf auth login`"


@contextmanager
def hub_errors(where: str, remedy: str) -> Iterator[None]:
    """Turn the library's errors into an `InputError`; a full disk and the like pass.

    Args:
        where: The repository, for messages.
        remedy: What to do where the Hub failed or could not be reached.

    Raises:
        InputError: With what the Hub said.
    """
    from huggingface_hub import errors

    try:
        yield
    except (errors.RepositoryNotFoundError, errors.GatedRepoError):
        raise InputError(
            Problem("there is no such dataset repository on the Hub to be read", where, _LOG_IN)
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(Problem("has no such revision on the Hub", where)) from None
    except errors.LocalEntryNotFoundError as error:
        cause = _first_line(error.__cause__ or error)
        raise InputError(
            Problem(f"is not in the Hub's cache, and could not be fetched: {cause}", where, remedy)
        ) from None
    except errors.OfflineModeIsEnabled:
        raise InputError(
            Problem("the Hub is switched off by HF_HUB_OFFLINE", where, "Unset it")
        ) from None
    except errors.HfHubHTTPError as error:
        raise InputError(_refusal(error, where, remedy)) from None
    except errors.EntryNotFoundError as error:
        raise InputError(Problem(f"lacks a file: {_first_line(error)}", where)) from None
    except (transport_error(), RuntimeError, ValueError, OSError) as error:
        # A disk's error has a number, and is for the command line to tell.
        local = isinstance(error, OSError) and error.errno is not None
        if isinstance(error, InputError) or (local and not isinstance(error, ConnectionError)):
            raise
        # The library wraps what went wrong with a file in a RuntimeError.
        cause = _first_line((isinstance(error, RuntimeError) and error.__cause__) or error)
        raise InputError(Problem(f"the work with the Hub failed: {cause}", where, remedy)) from None


def transport_error() -> type[Exception]:
    """What the HTTP library below `huggingface_hub` raises, whichever it is.

    The base of httpx's errors for huggingface_hub 1 and later; before, one of those of requests,
    the others of which are OSErrors.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return next(base for base in HfHubHTTPError.__mro__[1:] if issubclass(base, Exception))


def status_of(error: Exception) -> int | None:
    """The HTTP status of an error of the library."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _refusal(error: Exception, where: str, remedy: str) -> Problem:
    status = status_of(error)
    if status == 401:
        return Problem("the Hub asks who is there (401)", where, _TOKEN)
    if status == 403:
        return Problem(f"the token may not do this (403): {_first_line(error)}", where, _TOKEN)
    return Problem(f"the Hub answered {status}: {_first_line(error)}", where, remedy)


_TOKEN = "Set HF_TOKEN to a token with write access to the repository, or run `hf auth login`"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = printable(lines[0] if lines else "", 200)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
