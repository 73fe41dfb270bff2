"""Which part plays on which MIDI channel, and where it sits on the stage."""

from __future__ import annotations

from collections.abc import Sequence

from accompanist.score.model import Part

__all__ = ["PERCUSSION_CHANNEL", "assign_channels", "seats"]

PERCUSSION_CHANNEL = 10
_MELODIC_CHANNELS = tuple(c for c in range(1, 17) if c != PERCUSSION_CHANNEL)
_STAGE_HALF_WIDTH = 28
"""Parts sit between CC 10 = 64 ± this."""


def assign_channels(parts: Sequence[Part]) -> dict[int, int]:
    """Channel 1–16 of each part, by part number.

    Percussion goes to channel 10 and nothing else does. With more melodic parts than the fifteen
    channels left, parts of one program share a channel, then parts of one family of instruments
    (eight General MIDI programs), then whoever comes last shares from the start again.

    >>> assign_channels([Part(2, "a", ()), Part(5, "kit", (), percussion=True), Part(7, "b", ())])
    {2: 1, 5: 10, 7: 2}
    """
    melodic = [p for p in parts if not p.percussion]
    keys: list[tuple[int, ...]] = [(p.number,) for p in melodic]
    for divisor in (1, 8):
        if len(set(keys)) > len(_MELODIC_CHANNELS):
            keys = [(p.program // divisor,) for p in melodic]
    channel_of: dict[tuple[int, ...], int] = {}
    for key in keys:
        if key not in channel_of:
            channel_of[key] = _MELODIC_CHANNELS[len(channel_of) % len(_MELODIC_CHANNELS)]
    melodic_channels = {p.number: channel_of[key] for p, key in zip(melodic, keys, strict=True)}
    return {
        p.number: PERCUSSION_CHANNEL if p.percussion else melodic_channels[p.number] for p in parts
    }


def seats(channels: Sequence[int]) -> dict[int, int]:
    """Pan (CC 10 value) of each channel: evenly from left to right, a single one in the middle.

    >>> seats([1, 2, 3])
    {1: 36, 2: 64, 3: 92}
    >>> seats([4])
    {4: 64}
    """
    if len(channels) < 2:
        return dict.fromkeys(channels, 64)
    step = 2 * _STAGE_HALF_WIDTH / (len(channels) - 1)
    return {c: round(64 - _STAGE_HALF_WIDTH + i * step) for i, c in enumerate(channels)}
