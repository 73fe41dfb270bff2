"""Whether this soloist's repeated notes can be heard: learned from those that have gone by.

A reed or a bow strikes a repeated pitch anew and says so; a voice may only breathe on it. Where
strokes are audible a missing one means that the soloist dwells; where they are not, it means
nothing, and only the tempo can tell.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.segments import Segments
from accompanist.followers.bayes.templates import TemplateRing

__all__ = ["StrokeMemory"]

Float32Array = npt.NDArray[np.float32]

_FIRST: Final = 0.3
_GAIN: Final = 0.25
_AFTER_S: Final = 0.12
"""The stroke of the note before the repeated ones has died away by then …"""
_BEFORE_S: Final = 0.08
"""… and that of the note behind them may be seen so long before its report."""
_SILENT, _CLEAR = 0.8, 1.6
"""Rises of a repeated pitch, medians: winds 1.3 to 2.4, violins 0.9 to 1.6, pianos to 1.2."""


class StrokeMemory:
    """Listens to rows of repeated notes. Not thread-safe.

    Attributes
    ----------
    audible : float
        0–1: how clearly this soloist strikes a pitch again.
    """

    def __init__(self, segments: Segments, hop_s: float) -> None:
        self.audible = _FIRST
        self._segments = segments
        self._recent: deque[float] = deque(maxlen=max(1, round(_BEFORE_S / hop_s)))
        self._wait = round(_AFTER_S / hop_s)
        self._row: Float32Array | None = None
        self._since = 0
        self._peak = 0.0

    def forget_row(self) -> None:
        """Leave the row that was being listened to: the soloist has jumped."""
        self._row = None

    def hear(self, rise: Float32Array) -> None:
        """Hear one hop's rise [shape=(bands,)]."""
        if self._row is None:
            return
        self._since += 1
        if self._since <= self._wait:
            return
        if len(self._recent) == self._recent.maxlen:
            self._peak = max(self._peak, self._recent[0])
        self._recent.append(float(self._row @ rise))

    def report(self, event: int, templates: TemplateRing) -> None:
        """Take note that ``event`` was recognised."""
        repeats = self._segments.stroke_only
        if repeats[event]:
            return
        if self._row is not None and self._since > self._wait:
            heard = float(np.clip((self._peak - _SILENT) / (_CLEAR - _SILENT), 0.0, 1.0))
            self.audible += _GAIN * (heard - self.audible)
        self._row = None
        if event + 1 < len(repeats) and repeats[event + 1]:
            segment = int(self._segments.event_segment[event + 1])
            templates.fill(segment, segment)
            self._row = templates.stroke[segment % len(templates.slot_of)].copy()
            self._recent.clear()
            self._since, self._peak = 0, 0.0
