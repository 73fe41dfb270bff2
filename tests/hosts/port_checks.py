"""What must hold of everything that leaves our ports, whatever was played: interface.md §5.

Pure: messages with their frames in, a list of what is wrong out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rig import Heard

__all__ = ["ClockStory", "notes_wrong", "read_clock"]

TICK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
LONGEST_GAP_S = 0.2
SHORTEST_TICK_S = 0.004
"""Shorter than at 600 quarters a minute, and it is a burst."""
START_LEAD_S = 0.001
SETTLE_S = 0.01
PROGRAM_S = 0.010
FRAME_S = 2e-5


@dataclass
class ClockStory:
    """What a receiver of the clock has been through."""

    wrong: list[str] = field(default_factory=list)
    events: list[tuple[float, str, int]] = field(default_factory=list)
    """(seconds, start / continue / stop / position, sixteenth)."""
    ticks: list[tuple[float, int | None]] = field(default_factory=list)
    """(seconds, place in ticks from the top; None while it stands)."""

    def place_quarter(self, time_s: float) -> float | None:
        """Give the place of the last tick at or before a time."""
        found = [place for at, place in self.ticks if at <= time_s + FRAME_S]
        return None if not found or found[-1] is None else found[-1] / 24.0

    def gaps_s(self) -> list[float]:
        """Give the time from each tick to the next."""
        return [b[0] - a[0] for a, b in zip(self.ticks, self.ticks[1:], strict=False)]


def read_clock(heard: Iterable[Heard], rate_hz: int, *, exact: bool = True) -> ClockStory:
    """Be a receiver of the clock port.

    Parameters
    ----------
    heard : iterable of Heard
        Of the clock port alone, in order.
    rate_hz : int
        Frames a second.
    exact : bool
        Whether milliseconds are held against it: not where the server itself has lost time.
    """
    story = ClockStory()
    rolling, place, pending_s, located_s = False, 0, None, float("-inf")
    last_s: float | None = None

    def complain(text: str) -> None:
        story.wrong.append(f"{at_s:.4f} s: {text}")

    for message in heard:
        at_s, kind = message.frame / rate_hz, message.data[0]
        if kind == TICK:
            if last_s is not None and at_s - last_s > LONGEST_GAP_S:
                complain(f"no tick for {at_s - last_s:.3f} s")
            if exact and last_s is not None and at_s - last_s < SHORTEST_TICK_S:
                complain(f"a burst: {1000 * (at_s - last_s):.3f} ms from tick to tick")
            last_s = at_s
            if pending_s is not None:
                if exact and at_s - pending_s < START_LEAD_S - FRAME_S:
                    complain(f"{1000 * (at_s - pending_s):.3f} ms from start to its tick")
                rolling, pending_s = True, None
            elif rolling:
                place += 1
            story.ticks.append((at_s, place if rolling else None))
        elif kind in (START, CONTINUE):
            name = "start" if kind == START else "continue"
            if rolling or pending_s is not None:
                complain(f"{name} while it runs")
            if kind == START:
                place = 0
            elif exact and at_s - located_s < SETTLE_S:
                complain("continue before the receiver has settled")
            pending_s = at_s
            story.events.append((at_s, name, place // 6))
        elif kind == STOP:
            if not rolling and pending_s is None:
                complain("stop while it stands")
            rolling, pending_s = False, None
            story.events.append((at_s, "stop", place // 6))
        elif kind == POSITION:
            if rolling or pending_s is not None:
                complain("song position while it runs")
            place = 6 * (message.data[1] + 128 * message.data[2])
            located_s = at_s
            story.events.append((at_s, "position", place // 6))
        else:
            complain(f"{message.data.hex()} on the clock port")
    return story


def notes_wrong(
    heard: Sequence[Heard], rate_hz: int, missed: Sequence[tuple[int, int]] = ()
) -> list[str]:
    """Say what is wrong with the messages of the ports with notes; nothing is the best.

    Parameters
    ----------
    heard : sequence of Heard
    rate_hz : int
        Frames a second.
    missed : sequence of (from, to)
        Frames of which the recorder was given nothing: a message of a note may have been there.
    """
    wrong: list[str] = []
    seen: dict[tuple[str, int, int], int] = {}

    def complain(note: tuple[str, int, int], frame: float, text: str) -> None:
        """Unless a message since the last one of this note may have been missed."""
        since = seen.get(note, 0)
        if not any(end > since and first <= frame for first, end in missed):
            wrong.append(text)

    down: Counter[tuple[str, int, int]] = Counter()
    last: dict[tuple[str, int], tuple[int, int]] = {}
    programmed: dict[tuple[str, int], int] = {}
    for message in heard:
        at_s, kind = message.frame / rate_hz, message.data[0] & 0xF0
        channel = message.data[0] & 0x0F
        if message.data[0] >= 0xF0:
            wrong.append(f"{at_s:.4f} s: {message.data.hex()} among the notes")
            continue
        struck = kind == 0x90 and message.data[2] > 0
        released = kind == 0x80 or (kind == 0x90 and message.data[2] == 0)
        rank = 2 if struck else 0 if released else 1
        key = (message.port, channel)
        if key in last and last[key][0] == message.frame and rank < last[key][1]:
            wrong.append(f"{at_s:.4f} s: {message.data.hex()} after what it should come before")
        last[key] = (message.frame, rank)
        if kind == 0xC0:
            programmed[key] = message.frame
        if struck or released:
            note = (message.port, channel, message.data[1])
            down[note] += 1 if struck else -1
            if down[note] > 1:
                complain(note, message.frame, f"{at_s:.4f} s: {note} struck while it is down")
                down[note] = 1
            if down[note] < 0:
                complain(note, message.frame, f"{at_s:.4f} s: {note} let go while it is up")
                down[note] = 0
            seen[note] = message.frame
        since = message.frame - programmed.get(key, -rate_hz)
        if struck and since < (PROGRAM_S - FRAME_S) * rate_hz:
            wrong.append(f"{at_s:.4f} s: a note {1000 * since / rate_hz:.2f} ms after a program")
    for note, count in down.items():
        if count:
            complain(note, float("inf"), f"{note} hangs at the end")
    return wrong
