"""Choosing the solo part: by number, by name, or by a guess that says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from accompanist.errors import UsageError
from accompanist.score.instruments import Role, role_of
from accompanist.score.model import Part, Score
from accompanist.score.solo import solo_line

__all__ = ["SoloChoice", "choose_solo"]

_ROLE_POINTS: dict[Role, float] = {
    Role.SOLO: 10.0,
    Role.VOICE: 5.0,
    Role.MELODY: 4.0,
    Role.UNKNOWN: 1.0,
    Role.BASS: -2.0,
    Role.UPPER_STAFF: -2.5,
    Role.CHORDS: -3.0,
    Role.LOWER_STAFF: -5.0,
    Role.PERCUSSION: -20.0,
}
_ORDER_POINTS = -0.35
"""A part, for standing one place further down the page."""


@dataclass(frozen=True, slots=True)
class SoloChoice:
    """The solo part and, in a few words, why it is that one."""

    part: Part
    reason: str


def choose_solo(score: Score, wanted: str | int | None = None) -> SoloChoice:
    """Find the solo part.

    Parameters
    ----------
    wanted : str, int or None
        Number of the part (from 1, also as text), its name (case does not matter, a piece of the
        name will do where only one part has it), or None: what the source suggests, else a guess
        by names, instruments and how much like a melody the parts are.

    Raises
    ------
    UsageError
        No such part, several parts of that name, or a part without notes.
    """
    if wanted is not None:
        return _asked_for(score, wanted)
    if score.suggested_solo is not None:
        part = _numbered(score, score.suggested_solo)
        if part.notes:
            return SoloChoice(part, "the piece names it as its solo part")
    candidates = [part for part in score.parts if part.notes]
    if not candidates:
        raise UsageError(f"{score.title}: no part has any notes; choose another file")
    if len(candidates) == 1:
        return SoloChoice(candidates[0], "it is the only part, there is nothing to accompany")
    return _guess(candidates)


def _asked_for(score: Score, wanted: str | int) -> SoloChoice:
    if isinstance(wanted, int):
        part, reason = _numbered(score, wanted), "asked for by number"
    else:
        named = _named(score, wanted)
        if len(named) > 1:
            raise UsageError(
                f"solo {wanted!r} fits several parts ({_listing(named)}); give its number"
            )
        if named:
            part, reason = named[0], "asked for by name"
        elif wanted.strip().isdecimal():
            part, reason = _numbered(score, int(wanted)), "asked for by number"
        else:
            raise UsageError(f"no part is called {wanted!r}; there are: {_listing(score.parts)}")
    if not part.notes:
        raise UsageError(
            f"part {part.number} ({part.name}) has no notes to follow; "
            f"choose one of: {_listing([p for p in score.parts if p.notes])}"
        )
    return SoloChoice(part, reason)


def _numbered(score: Score, number: int) -> Part:
    for part in score.parts:
        if part.number == number:
            return part
    raise UsageError(f"there is no part {number}; there are: {_listing(score.parts)}")


def _named(score: Score, wanted: str) -> list[Part]:
    """Parts of exactly this name, else those with it in their name, else in their instrument."""
    low = " ".join(wanted.split()).casefold()
    if not low:
        return []
    exact = [p for p in score.parts if p.name.casefold() == low]
    if exact or low.isdecimal():
        return exact
    return [p for p in score.parts if low in p.name.casefold()] or [
        p for p in score.parts if low in p.instrument.casefold()
    ]


def _listing(parts: Sequence[Part]) -> str:
    return ", ".join(f"{p.number} {p.name}" for p in parts) or "none"


def _guess(candidates: Sequence[Part]) -> SoloChoice:
    most_notes = max(len(p.notes) for p in candidates)
    roles = _roles(candidates)
    points = [
        _melody_points(part, role, place, most_notes)
        for place, (part, role) in enumerate(zip(candidates, roles, strict=True))
    ]
    best = points.index(max(points))
    return SoloChoice(candidates[best], _reason(candidates[best], roles[best]))


def _roles(candidates: Sequence[Part]) -> list[Role]:
    """Tell the roles of the parts, with what their neighbours say about them."""
    roles = [role_of(part) for part in candidates]
    if Role.UPPER_STAFF in roles:
        for i, part in enumerate(candidates):
            if part.name.casefold() in ("bass", "basso") and not part.lyrics:
                roles[i] = Role.LOWER_STAFF  # the other hand of a "treble"
    nameless = len(roles) > 2 and all(role is Role.UNKNOWN for role in roles)
    if nameless and candidates[-1].program == candidates[-2].program:
        # Nobody has a name: a keyboard's two staves stand at the foot of the page.
        roles[-2:] = [Role.UPPER_STAFF, Role.LOWER_STAFF]
    return roles


def _melody_points(part: Part, role: Role, place: int, most_notes: int) -> float:
    """Weigh how much a part looks like the one that somebody would stand up and play."""
    line = solo_line(part)
    points = _ROLE_POINTS[role] + _ORDER_POINTS * min(place, 8)
    if part.lyrics:
        points += 4.0
    if len(line) == 0:
        return points - 10.0
    points += 2.5 * _single_share(part)
    height = fmean(max(n.pitch for n in event) for event in line.notes)
    points += max(-1.5, min(1.5, (height - 60.0) / 12.0))
    if len(part.notes) < 0.08 * most_notes:
        points -= 2.0  # an ossia, a cue, a few bars of a second player
    return points


def _single_share(part: Part) -> float:
    """Get the share of the events in which one note begins and no older one goes on sounding."""
    line = solo_line(part)
    alone, sounding_until = 0, -1.0
    for onset, event in zip(line.onsets_quarter.tolist(), line.notes, strict=True):
        if len(event) == 1 and sounding_until < onset + 0.1:
            alone += 1
        sounding_until = max(sounding_until, max(n.end_quarter for n in event))
    return alone / len(line)


def _reason(part: Part, role: Role) -> str:
    if role is Role.UPPER_STAFF:
        return "the right hand; the other hand is the accompaniment"
    if part.lyrics:
        return "it has words to sing"
    if role is Role.SOLO:
        return "its name says so"
    if role is Role.VOICE:
        return "it is a voice"
    if role is Role.MELODY:
        return "it is a melody instrument"
    return "it looks most like a melody"
