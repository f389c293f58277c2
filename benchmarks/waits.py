"""Counts the operations of torch at which the host waits for a device; fake tensors will do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_COPIES = {"_to_copy", "copy_"}
_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
_ASKED = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}


class HostWaits(TorchDispatchMode):
    """Counts waits while it is entered.

    A wait is a look at a value (`item`), a result whose shape depends on values (`nonzero`, a mask
    as an index), or a copy to or from the host that is not `non_blocking`.

    Attributes:
        counts: Operation -> waits.
    """

    def __init__(self, device: str = "cuda") -> None:
        """With the kind of device that is waited for."""
        super().__init__()
        self.device = device
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Count, then do it: a fake tensor refuses to be looked at."""
        kwargs = kwargs or {}
        name = function._schema.name.removeprefix("aten::")
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        kinds = {x.device.type for x in tensors}
        if kwargs.get("device") is not None:
            kinds.add(torch.device(kwargs["device"]).type)
        if name in _COPIES:
            waits = len(kinds) > 1 and not (kwargs.get("non_blocking") or True in args[2:])
        elif name in _INDEXED:
            waits = len(kinds) > 1 or any(x.dtype == torch.bool for x in tensors[1:])
        else:
            waits = not _ASKED.isdisjoint(function.tags)
        if waits and self.device in kinds:
            self.counts[name] += 1
        return function(*args, **kwargs)
