"""The ensemble's tuning as MIDI messages.

Registered parameters 2 (coarse tuning, semitones) and 1 (fine tuning, 14 bits for ±100 cents) of
the MIDI 1.0 specification, closed with the null parameter so that a stray data entry changes
nothing. A reset of all controllers (CC 121) makes some synthesisers forget them: send them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import copysign, floor, isfinite, log2

from accompanist.performing.channels import PERCUSSION_CHANNEL
from accompanist.performing.messages import Kind, Message

__all__ = ["HIGHEST_A4_HZ", "LOWEST_A4_HZ", "cents_of", "tuning_messages"]

LOWEST_A4_HZ, HIGHEST_A4_HZ = 392.0, 466.0
"""From French baroque pitch to the high one of Praetorius: a tone down, a semitone up."""

_A4_HZ = 440.0
_DATA, _DATA_FINE, _PARAMETER_FINE, _PARAMETER = 6, 38, 100, 101
_FINE, _COARSE, _NULL = (0, 1), (0, 2), (127, 127)
_CENTRE, _CENTRE_FINE = 64, 8192
_FURTHEST_FINE = 99
_ROUNDING = 1e-9


def cents_of(a4_hz: float) -> float:
    """Cents above A = 440.

    >>> round(cents_of(442.0), 2)
    7.85
    """
    return 1200.0 * log2(a4_hz / _A4_HZ)


def tuning_messages(channels: Iterable[int], a4_hz: float) -> tuple[Message, ...]:
    """Tune these channels so that A is ``a4_hz``, to the nearest cent; percussion is left out.

    Whole cents, and those rounded away from zero in 14 bits, because there are synthesisers that
    cut off the fraction (FluidSynth). Up to 99 cents fine tuning alone does it, for those that
    know no coarse one.

    Raises
    ------
    ValueError
        ``a4_hz`` is not from 392 to 466.
    """
    if not (isfinite(a4_hz) and LOWEST_A4_HZ <= a4_hz <= HIGHEST_A4_HZ):
        raise ValueError(f"A is to be from {LOWEST_A4_HZ:g} to {HIGHEST_A4_HZ:g} Hz, not {a4_hz}")
    cents = round(cents_of(a4_hz))
    semitones = 0 if abs(cents) <= _FURTHEST_FINE else round(cents / 100)
    left = cents - 100 * semitones
    steps = copysign(-floor(-abs(left) * _CENTRE_FINE / 100 + _ROUNDING), left)
    fine = min(_CENTRE_FINE + int(steps), 2 * _CENTRE_FINE - 1)
    out: list[Message] = []
    for channel in sorted(set(channels) - {PERCUSSION_CHANNEL}):
        out.extend(_parameter(channel, _COARSE, _CENTRE + semitones, 0))
        out.extend(_parameter(channel, _FINE, fine >> 7, fine & 127))
        out.extend(_select(channel, _NULL))
    return tuple(out)


def _parameter(channel: int, number: tuple[int, int], value: int, fine: int) -> Iterator[Message]:
    yield from _select(channel, number)
    yield Message(Kind.CC, channel, _DATA, value)
    yield Message(Kind.CC, channel, _DATA_FINE, fine)


def _select(channel: int, number: tuple[int, int]) -> Iterator[Message]:
    yield Message(Kind.CC, channel, _PARAMETER, number[0])
    yield Message(Kind.CC, channel, _PARAMETER_FINE, number[1])
