"""Tempo marks and tempo changes of a printed score, from its numbers and its words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from accompanist.score.model import TempoMark, TempoSpan
from accompanist.score.tempo import DEFAULT_QPM
from score_library.importers import tempo_words
from score_library.importers.printed import PrintedBar, TempoWord

__all__ = ["TempoPlan", "tempo_plan"]

_SLOWEST_QPM, _FASTEST_QPM = 4.0, 1000.0
_SPAN_MEASURES = 4
_SLOW_SPAN_MEASURES = 16
"""A change that says "poco a poco" may reach this far to the next mark."""


@dataclass(slots=True)
class TempoPlan:
    """Marks and spans at printed positions, in order."""

    marks: list[TempoMark] = field(default_factory=list)
    spans: list[TempoSpan] = field(default_factory=list)

    def mark_at(self, quarter: float) -> TempoMark:
        """Find the mark in force at a printed position."""
        i = bisect_right([m.quarter for m in self.marks], quarter + 1e-9)
        return self.marks[max(0, i - 1)]


@dataclass(slots=True)
class _Saying:
    """Everything said about the tempo at one place."""

    quarter: float
    measure: int
    qpm: float | None
    ratio: float | None
    texts: list[str]

    def first(self, meaning: str) -> float | None:
        """Get what the first text means that means anything."""
        asked = {
            "change": tempo_words.change_of,
            "step": tempo_words.step_of,
            "tempo": tempo_words.tempo_of,
        }[meaning]
        return next((v for t in self.texts if (v := asked(t)) is not None), None)


def tempo_plan(
    bars: Sequence[PrintedBar], starts: Sequence[float], metres: Sequence[tuple[int, int]],
    end_quarter: float, default_qpm: float = DEFAULT_QPM,
) -> TempoPlan:  # fmt: skip
    """Read the tempo of a score in its printed order.

    Parameters
    ----------
    bars, starts, metres
        The printed measures, their positions in quarters and the metre in force in each.
    end_quarter : float
        End of the last one.
    default_qpm : float
        Where nothing is said at all.
    """
    plan = TempoPlan()
    sayings = _sayings(bars, starts)
    steady = qpm = first_qpm = default_qpm
    known: dict[str, float] = {}  # what the same words meant before
    changing = False
    for saying in sayings:
        back = next((r for t in saying.texts if (r := tempo_words.is_return(t))), None)
        change, step, words = (saying.first(m) for m in ("change", "step", "tempo"))
        if saying.measure == 0 and not plan.marks and words is None:
            words = next(
                (v for t in saying.texts if (v := tempo_words.tempo_of(t, mild=True))), None
            )
        if saying.qpm is not None:
            qpm = saying.qpm
        elif saying.ratio is not None:
            qpm *= saying.ratio
        elif back is not None:
            qpm = first_qpm if back == "first" else steady
        elif step is not None:
            qpm = steady * step
        elif words is not None:
            in_beats = words * tempo_words.beat_factor(*metres[saying.measure])
            qpm = known.get(saying.texts[0].casefold(), in_beats)
        elif change is None:
            continue
        if change is not None and saying.qpm is None:
            changing = True
            continue
        qpm = min(_FASTEST_QPM, max(_SLOWEST_QPM, float(qpm)))
        if change is not None:
            changing = True
        elif back is not None or step is not None or words is not None or not changing:
            steady, changing = qpm, False
        if not plan.marks:
            first_qpm = qpm
        if saying.texts:
            known[saying.texts[0].casefold()] = qpm
        text = " ".join(saying.texts)[:80]
        plan.marks.append(TempoMark(saying.quarter, qpm, text))
    _begin_at_zero(plan, default_qpm)
    plan.spans = _spans(plan, sayings, starts, end_quarter)
    return plan


def _sayings(bars: Sequence[PrintedBar], starts: Sequence[float]) -> list[_Saying]:
    """Collect words and numbers of all parts, those at one place together."""
    found: list[tuple[float, int, TempoWord]] = []
    for i, (bar, start) in enumerate(zip(bars, starts, strict=True)):
        found.extend((round(start + word.offset, 6), i, word) for word in bar.tempo)
    found.sort(key=lambda item: item[:2])
    sayings = []
    for quarter, group in groupby(found, key=lambda item: item[0]):
        items = list(group)
        words = [word for _, _, word in items]
        numbers = [w.qpm for w in words if w.qpm is not None]
        sayings.append(
            _Saying(
                quarter,
                items[-1][1],
                numbers[0] if numbers else None,
                next((w.ratio for w in words if w.ratio is not None), None),
                list(dict.fromkeys(w.text for w in words if w.text)),
            )
        )
    return sayings


def _begin_at_zero(plan: TempoPlan, default_qpm: float) -> None:
    """Put a tempo at the very start: the first mark's where that comes soon, else the default."""
    if plan.marks and plan.marks[0].quarter <= 0:
        return
    soon = plan.marks and plan.marks[0].quarter <= 8
    qpm = plan.marks[0].qpm if soon else default_qpm
    plan.marks.insert(0, TempoMark(0.0, qpm, "", written=False))


def _spans(
    plan: TempoPlan, sayings: Sequence[_Saying], starts: Sequence[float], end_quarter: float
) -> list[TempoSpan]:
    """Stretch ritardandi and accelerandi to the next mark, else over a bar or two."""
    spans: list[TempoSpan] = []
    for saying in sayings:
        factor = saying.first("change")
        if factor is None or saying.qpm is not None:
            continue
        start = saying.quarter
        text = " ".join(saying.texts)[:80]
        base = plan.mark_at(start).qpm
        following = next((m for m in plan.marks if m.quarter > start + 1e-6), None)
        slow = any(tempo_words.is_slow_growth(t) for t in saying.texts)
        reach = _SLOW_SPAN_MEASURES if slow else _SPAN_MEASURES
        furthest = _measures_on(starts, saying.measure, reach, end_quarter)
        if following is not None and following.quarter <= furthest:
            end = following.quarter
            returns = any(tempo_words.is_return(t) for t in [following.text])
            if (
                not returns
                and 0.3 < following.qpm / base < 3.0
                and (
                    (following.qpm / base < 0.97 and factor < 1)
                    or (following.qpm / base > 1.03 < factor)
                )
            ):
                factor = following.qpm / base
        elif end_quarter <= furthest:
            end = end_quarter
        else:
            end = _measures_on(starts, saying.measure, 4 if slow else 2, end_quarter)
        before = spans[-1] if spans else None
        if before is not None and before.end_quarter > start:
            if (before.factor < 1) == (factor < 1):
                both = min(2.5, max(0.4, before.factor * factor))
                spans[-1] = TempoSpan(
                    before.start_quarter, max(end, before.end_quarter), both, before.text
                )
                continue
            spans[-1] = TempoSpan(before.start_quarter, start, before.factor, before.text)
        if end > start:
            spans.append(TempoSpan(start, end, factor, text))
    return spans


def _measures_on(starts: Sequence[float], measure: int, count: int, end_quarter: float) -> float:
    """Find where the measure ``count`` further on begins, at most the end of the piece."""
    index = measure + count
    return starts[index] if index < len(starts) else end_quarter
