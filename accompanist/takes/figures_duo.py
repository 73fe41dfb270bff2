"""Figures of two who play together and listen to one another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["duo_figures"]

FloatArray = npt.NDArray[np.float64]

_BEGIN_S = 10.0
"""Until then they are still finding one another."""
_LAST_S = 60.0
_LEAST = 8


def duo_figures(
    quarter: FloatArray, solo_s: FloatArray, ensemble_s: FloatArray, intended_s: float
) -> dict[str, float]:
    """Drift of the tempo, asynchrony, and whether it swings.

    Parameters
    ----------
    quarter, solo_s, ensemble_s : ndarray [shape=(n,)]
        Positions at which both have a note, and when each played it; NaN where it did not.
    intended_s : float
        Seconds a quarter that the soloist had in mind.

    Returns
    -------
    dict
        ``drift``: seconds a quarter in the last minute over those in mind, less 1 (positive is
        slower); ``mean_ms`` and ``sd_ms`` of the ensemble less the soloist (positive is late), the
        first ten seconds left out; ``mean_abs_ms``; ``lag1``: correlation of neighbouring
        asynchronies, −1 where they swing from side to side; ``growth``: their sd in the last third
        over that in the first; ``unplayed``: share of positions the ensemble did not play.

    Raises
    ------
    ValueError
        Too few positions.
    """
    late = ensemble_s - solo_s
    settled = (solo_s > solo_s[0] + _BEGIN_S) & np.isfinite(late)
    kept = late[settled]
    last = solo_s > solo_s[-1] - _LAST_S
    if len(kept) < _LEAST or last.sum() < _LEAST:
        raise ValueError(f"{len(kept)} positions: too few for figures of playing together")
    period_s = float(np.polyfit(quarter[last], solo_s[last], 1)[0])
    third = len(kept) // 3
    centred = kept - kept.mean()
    power = float(np.mean(centred**2))
    return {
        "drift": period_s / intended_s - 1.0,
        "mean_ms": float(kept.mean()) * 1000.0,
        "mean_abs_ms": float(np.abs(kept).mean()) * 1000.0,
        "sd_ms": float(kept.std()) * 1000.0,
        "lag1": float(np.mean(centred[1:] * centred[:-1])) / power if power > 0.0 else 0.0,
        "growth": float(kept[-third:].std() / max(kept[:third].std(), 1e-9)),
        "unplayed": float(np.mean(np.isnan(ensemble_s))),
    }
