"""A comparison written to a file: the interpretations take turns."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from accompanist.app.comparing.switcher import CHANNELS, FloatArray, Switcher
from accompanist.app.progress import progress_bar
from accompanist.errors import AccompanistError, UsageError

__all__ = ["Turn", "take_turns", "write_turns"]

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Turn:
    """From ``time_s`` of the file on, recording ``index`` is heard, from its ``place_s`` on."""

    time_s: float
    index: int
    place_s: float


def take_turns(switcher: Switcher, every_s: float, turns: list[Turn]) -> Iterator[FloatArray]:
    """Make blocks of sound until a recording ends; each turn is appended to ``turns``.

    A recording that has not got the place is passed over.
    """
    done, due = 0, round(every_s * switcher.rate)
    turns.append(Turn(0.0, switcher.index, switcher.place_s))
    while not switcher.ended:
        if due == 0:
            before = switcher.index
            for ahead in range(1, len(switcher)):
                if switcher.switch((before + ahead) % len(switcher)):
                    break
            if switcher.index != before:
                turns.append(Turn(done / switcher.rate, switcher.index, switcher.place_s))
            due = round(every_s * switcher.rate)
        count = min(_BLOCK, due)
        yield switcher.render(count)
        done += count
        due -= count


def write_turns(switcher: Switcher, every_s: float, out: Path) -> list[Turn]:
    """Write a WAV file of the turns, whole or not at all; gives the turns.

    Raises
    ------
    UsageError
        ``out`` is a folder.
    AccompanistError
        It cannot be written.
    """
    import soundfile

    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name a WAV file with --out")
    turns: list[Turn] = []
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with (
            progress_bar("Comparing") as advance,
            soundfile.SoundFile(
                beside, "w", switcher.rate, CHANNELS, "PCM_16", format="WAV"
            ) as file,
        ):
            for block in take_turns(switcher, every_s, turns):
                file.write(block)
                advance(len(block) / switcher.rate)
        os.replace(beside, out)
    except (OSError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AccompanistError(f"{out}: cannot be written ({reason})") from error
    finally:
        beside.unlink(missing_ok=True)
    return turns
