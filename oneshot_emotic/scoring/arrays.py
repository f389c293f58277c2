"""The kinds of arrays that scoring is written in."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

#: Figures, always float64.
FloatArray: TypeAlias = npt.NDArray[np.float64]
#: Places, counts and classes.
IntArray: TypeAlias = npt.NDArray[np.int64]
