"""How much of something is let through: a burst, then so many a second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Allowance", "Allowances"]


class Allowance:
    """A bucket of tokens that fills by itself. Times are seconds of any clock that only rises."""

    def __init__(self, rate_hz: float, burst: float) -> None:
        self._rate_hz, self._burst = rate_hz, burst
        self._tokens, self._seen_s = burst, float("-inf")

    def take(self, now_s: float) -> bool:
        """Take one if there is one."""
        gained = (now_s - self._seen_s) * self._rate_hz
        self._tokens = min(self._burst, self._tokens + gained)
        self._seen_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Allowances:
    """An allowance for each of many, those seen last; whoever was forgotten begins anew."""

    def __init__(self, rate_hz: float, burst: float, most: int = 256) -> None:
        self._rate_hz, self._burst, self._most = rate_hz, burst, most
        self._each: OrderedDict[Hashable, Allowance] = OrderedDict()

    def take(self, who: Hashable, now_s: float) -> bool:
        """Take one of this one's if there is one."""
        allowance = self._each.get(who)
        if allowance is None:
            allowance = self._each[who] = Allowance(self._rate_hz, self._burst)
            if len(self._each) > self._most:
                self._each.popitem(last=False)
        self._each.move_to_end(who)
        return allowance.take(now_s)
