"""Commands that need the extra [baselines] say so in one line when it is not installed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from oneshot_emotic.errors import InputError, Problem

Function = TypeVar("Function", bound=Callable[..., Any])

_EXTRA = frozenset({"torch", "torchvision", "pytorch_metric_learning", "transformers"})


def needs_baselines(function: Function) -> Function:
    """Turn a missing library of the extra into an `InputError` that says how to install it."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except ModuleNotFoundError as error:
            library = (error.name or "").split(".")[0]
            if library not in _EXTRA:
                raise
            raise InputError(
                Problem(
                    f"this needs {library}, which is not installed",
                    remedy="pip install 'oneshot-emotic[baselines]'",
                )
            ) from None

    return wrapped  # type: ignore[return-value]
