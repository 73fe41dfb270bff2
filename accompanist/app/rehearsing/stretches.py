"""Onsets as they came in, cut where the soloist went elsewhere: what is left was played on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["played_on"]

FloatArray = npt.NDArray[np.float64]
Events = npt.NDArray[np.intp]

_FEWEST = 6
"""Onsets of a stretch; fewer say nothing about how somebody plays."""
_SKIPPED = 2
"""So many events may be missing between two without a question, …"""
_FASTEST = 2.5
"""… more if they do not go by so many times as fast as the rest."""
_LONGEST_S = 8.0
"""Who is silent for so much longer than written has stopped to play."""
_LEAST_S = 0.015
_NEAR = 8


def played_on(
    written_s: FloatArray, events: Events, times_s: FloatArray
) -> list[tuple[Events, FloatArray]]:
    """Cut a take into stretches played on without a jump.

    Parameters
    ----------
    written_s : ndarray [shape=(n_events,)]
        Written seconds of all events of the solo.
    events, times_s : ndarray [both shape=(n,)]
        Which event was heard when, in the order of time.

    Returns
    -------
    list of (ndarray, ndarray)
        Events and seconds, both strictly increasing, at least six of them; what was reported
        twice or out of order between is left out.
    """
    cuts: list[tuple[list[int], list[float]]] = []
    now: tuple[list[int], list[float]] = ([], [])
    pace = _usual_pace(written_s, events, times_s)
    for event, time_s in zip(events.tolist(), times_s.tolist(), strict=True):
        if now[0]:
            last, last_s = now[0][-1], now[1][-1]
            if event == last:
                continue  # told again
            written = float(written_s[event] - written_s[last]) if event > last else 0.0
            passed = time_s - last_s
            back = event < last
            skipped = event - last > _SKIPPED and passed * _FASTEST < written * pace
            stopped = passed > written * pace + _LONGEST_S
            if back or skipped or stopped:
                cuts.append(now)
                now = ([], [])
            elif passed < _LEAST_S:
                continue
        now[0].append(event)
        now[1].append(time_s)
    cuts.append(now)
    return [
        (np.array(found, dtype=np.intp), np.array(at, dtype=np.float64))
        for found, at in cuts
        if len(found) >= _FEWEST
    ]


def _usual_pace(written_s: FloatArray, events: Events, times_s: FloatArray) -> float:
    """Played seconds to a written one, over some events each."""
    steps = min(_NEAR, len(events) - 1)
    if steps < 1:
        return 1.0
    written = written_s[events[steps:]] - written_s[events[:-steps]]
    passed = times_s[steps:] - times_s[:-steps]
    on = (written > 0.0) & (passed > 0.0)
    return float(np.median(passed[on] / written[on])) if on.any() else 1.0
