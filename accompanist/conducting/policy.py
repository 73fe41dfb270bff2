"""When to sound a note that coincides with a solo note which has not been heard yet.

Until the report comes, silence is the only information, so the best plan is one deadline: sound
at the report, or at the prediction plus W, whichever comes first. For an absolute cost the best
deadline, solved numerically for normal reports and predictions, falls on one curve::

    W = s · min(0.45 · (s/δ)^1.8, cap),  s = 0.75 · sd of the prediction, δ = mean report delay

Steady music has a small s, hence W ≈ 0: it is played through. The cap falls with the share of
notes that are never reported.
"""

from __future__ import annotations

from enum import StrEnum
from math import sqrt

__all__ = ["AntiDrag", "Policy", "wait_s"]

_SCALE = 0.75
"""Errors are Student-t with about four degrees of freedom; this is their core."""


class Policy(StrEnum):
    """How coincident notes are released."""

    PREDICT = "predict"
    """At the predicted time, whatever is heard."""
    HOLD = "hold"
    """Never before the soloist has been heard."""
    AUTO = "auto"
    """Held where the prediction is uncertain, played through where it is not."""


def wait_s(sd_s: float, delay_s: float, missed_share: float = 0.02) -> float:
    """How long past the prediction to wait for a report.

    >>> round(wait_s(0.020, 0.025), 4), round(wait_s(0.100, 0.025), 3)
    (0.0027, 0.202)
    """
    core = _SCALE * sd_s
    cap = min(2.8, max(1.0, 0.38 / sqrt(max(missed_share, 1e-4))))
    rise = 0.45 * float((core / max(delay_s, 0.001)) ** 1.8)
    return core * min(rise, cap)


class AntiDrag:
    """Running mean of the ensemble's own lateness: always late together is slower and slower.

    A soloist who listens waits for the ensemble that waits for the soloist. The more the ensemble
    has been late of late, beyond what its ears cost, the less it waits.
    """

    def __init__(self, free_s: float = 0.010, scale_s: float = 0.040, gain: float = 0.08) -> None:
        self._free_s, self._scale_s, self._gain = free_s, scale_s, gain
        self._late_s = 0.0

    def released(self, own_s: float, solo_s: float) -> None:
        """Own notes sounded at ``own_s``, the soloist's at ``solo_s``."""
        late = min(max(own_s - solo_s, -0.1), 0.1)
        self._late_s += self._gain * (late - self._late_s)

    @property
    def patience(self) -> float:
        """Factor for the wait, 0–1."""
        return min(max(1.0 - (self._late_s - self._free_s) / self._scale_s, 0.0), 1.0)
