"""Commands that need an extra say so in one line when it is not installed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from oneshot_emotic.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])

#: Library -> the extra that brings it.
_EXTRAS = {
    **dict.fromkeys(("torch", "torchvision", "pytorch_metric_learning"), "baselines"),
    "transformers": "baselines",
    **dict.fromkeys(("jinja2", "markupsafe", "matplotlib", "sklearn"), "report"),
}


def needs_extra(function: Function) -> Function:
    """Turn a missing library of an extra into an `InputError` that says how to install it."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except ModuleNotFoundError as error:
            library = (error.name or "").split(".")[0]
            if library not in _EXTRAS:
                raise
            raise InputError(
                f"this needs {library}, which is not installed",
                remedy=f"pip install 'oneshot-emotic[{_EXTRAS[library]}]'",
            ) from None

    return wrapped  # type: ignore[return-value]
