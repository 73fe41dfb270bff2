"""What was learned of a score, in words, as values for scripts, and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.app.rehearsing.habits import Habit
from accompanist.app.rehearsing.learning import Learned
from accompanist.app.rehearsing.takes import LearnedTake, events_at, level_with_one_another
from accompanist.errors import AccompanistError
from accompanist.score.checks import bar_at
from accompanist.score.model import Score

__all__ = ["draw", "facts_of", "take_facts", "words_of"]

FloatArray = npt.NDArray[np.float64]

_NAMED_PLACES = 12


def facts_of(score: Score, learned: Learned) -> dict[str, Any]:
    """Give all that is known for scripts."""
    together = learned.together
    known = np.flatnonzero(together.counts > 0)
    own = sum(take.own for take in learned.takes)
    return {
        "takes": len(learned.takes),
        "own_takes": own,
        "takes_by_others": len(learned.takes) - own,
        "used": sum(learned.used),
        "intervals": len(together.counts),
        "intervals_known": learned.known,
        "takes_per_interval": round(float(together.counts[known].mean()), 2) if len(known) else 0.0,
        "apart_ms": None if learned.apart_ms is None else round(learned.apart_ms, 1),
        "breaths": [_habit(score, h) for h in learned.habits if h.breath],
        "holds": [_habit(score, h) for h in learned.habits if not h.breath],
        "expected": [
            {
                "quarter": round(float(learned.grid.quarters[i]), 6),
                "deviation": round(float(together.mean[i]), 4),
                "sd": round(float(together.variance[i]) ** 0.5, 4),
                "takes": int(together.counts[i]),
            }
            for i in known.tolist()
        ],
    }


def take_facts(score: Score, take: LearnedTake, reason: str = "") -> dict[str, Any]:
    """Give what is known of one take for scripts; ``reason`` says why it does not count."""
    first = min(float(s.quarters[0]) for s in take.stretches)
    last = max(float(s.quarters[-1]) for s in take.stretches)
    facts: dict[str, Any] = {
        "take": take.name,
        "used": not reason,
        "own": take.own,
        "source": take.source,
        "learned": take.when,
        "onsets": take.onsets,
        "stretches": len(take.stretches),
        "bars": [_bar(score, first), _bar(score, last)],
    }
    if reason:
        facts["reason"] = reason
    return facts


def words_of(title: str, facts: dict[str, Any]) -> list[str]:
    """Say in a few lines what `facts_of` says."""
    if not facts["takes"]:
        return [f"{title}: nothing has been learned of it"]
    own, others = facts["own_takes"], facts["takes_by_others"]
    whose = [
        *([f"{own} of yours"] if own else []),
        *([f"{others} by others"] if others else []),
    ]
    lines = [
        f"{title}: {_count(facts['takes'], 'take')} ({', '.join(whose)}), "
        f"{facts['intervals_known']} of {facts['intervals']} steps from note to note known"
    ]
    if facts["apart_ms"] is not None:
        lines.append(f"from one take to the next a step differs by {facts['apart_ms']:.0f} ms")
    for name, habits in (("breaths before", facts["breaths"]), ("notes held in", facts["holds"])):
        if habits:
            lines.append(f"{name} bar {_places(habits)}")
    return lines


def draw(path: Path, score: Score, learned: Learned, *, title: str, subtitle: str) -> None:
    """Draw what was learned.

    Raises
    ------
    AccompanistError
        The file cannot be written.
    """
    from accompanist.takes.picture_rehearsal import TakeCurve, TakenTime, draw_rehearsal

    together = learned.together
    quarters = np.array(learned.grid.quarters)
    curves = [
        TakeCurve(deviations, take.own, _levels(quarters, take))
        for take, deviations, used in zip(
            level_with_one_another(learned.takes), learned.deviations, learned.used, strict=True
        )
        if used
    ]
    beside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_rehearsal(
            beside,
            score,
            quarters=quarters,
            seconds=np.array(learned.grid.seconds),
            mean=np.where(together.counts > 0, together.mean, np.nan),
            takes=curves,
            times_taken=[TakenTime(h.quarter, h.breath, h.takes, h.of) for h in learned.habits],
            title=title,
            subtitle=subtitle,
        )
        beside.replace(path)
    except ValueError as error:
        raise AccompanistError(f"{path}: {error}; name it .svg or .png") from error
    except OSError as error:
        raise AccompanistError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _levels(quarters: FloatArray, take: LearnedTake) -> FloatArray | None:
    out = np.full(len(quarters), np.nan)
    for stretch in take.stretches:
        if stretch.levels_db is not None:
            events = events_at(stretch.quarters, quarters)
            there = events >= 0
            out[events[there]] = stretch.levels_db[there]
    return out if np.isfinite(out).any() else None


def _habit(score: Score, habit: Habit) -> dict[str, Any]:
    return {
        "bar": _bar(score, habit.quarter),
        "quarter": round(habit.quarter, 6),
        "extra_s": round(habit.extra_s, 3),
        "takes": habit.takes,
        "of": habit.of,
    }


def _places(habits: Sequence[dict[str, Any]]) -> str:
    """Bars and how often; several in one bar once.

    >>> _places([{"bar": "4", "takes": 2, "of": 3}, {"bar": "8", "takes": 3, "of": 3}])
    '4 (2 of 3), 8 (3 of 3)'
    """
    said = []
    for bar, group in groupby(habits, key=lambda habit: str(habit["bar"])):
        most = max(group, key=lambda habit: int(habit["takes"]))
        said.append(f"{bar} ({most['takes']} of {most['of']})")
    more = len(said) - _NAMED_PLACES
    return ", ".join(said[:_NAMED_PLACES]) + (f" and {more} more" if more > 0 else "")


def _bar(score: Score, quarter: float) -> str:
    measure = bar_at(score, quarter)
    return "?" if measure is None else measure.printed


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
