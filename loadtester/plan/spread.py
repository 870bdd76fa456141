"""The range of a figure over simulated runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from loadtester.plan.prediction import Range

_LOW, _HIGH = 0.05, 0.95
#: Student's t at 95 %, by degrees of freedom from 1 (any table of the distribution); beyond them the quantiles serve.
_T95: Final = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782)


def spread(values: Sequence[float], *, is_thinned: bool, most: float = np.inf) -> Range:
    """The values' mean and range; none is below 0 or above `most`.

    Of whole runs it is the quantiles of the values. Few runs that each saw another part of the plan say less: theirs is
    the prediction interval of one more such run, mean ± t s sqrt(1 + 1/n) (Hahn and Meeker 1991, chapter 4).
    """
    mean = float(np.mean(values))
    freedom = len(values) - 1
    if not is_thinned or not 0 < freedom <= len(_T95):
        low, high = np.quantile(values, (_LOW, _HIGH))
        return Range(mean, float(low), float(high))
    reach = _T95[freedom - 1] * float(np.std(values, ddof=1)) * float(np.sqrt(1 + 1 / len(values)))
    return Range(mean, max(0.0, mean - reach), min(most, mean + reach))
