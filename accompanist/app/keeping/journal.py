"""A take on disk as it happens: whole up to the last half second, however the process ends.

A journal is a folder. ``trace.csv``, ``onsets.csv`` and ``played.csv`` are those of a take folder
and ``solo.wav`` is the soloist; ``hops.csv`` and ``late.csv`` hold what the figures are made of,
``score.json`` the score as it was played, ``take.json`` the rest. Times are counted from the
journal's beginning, where ``solo.wav`` begins too. `accompanist.app.keeping.keep_take` makes a
take folder of it.
"""

from __future__ import annotations

import json
import math
import os
import threading
import wave
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from accompanist.followers.protocol import OnsetReport
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.score.model import Score
from accompanist.score.serial import score_to_plain
from accompanist.session import Step

__all__ = ["JOURNAL_FILE", "SCORE_FILE", "SOUND_FILE", "TABLES", "JournalFacts", "TakeJournal"]

FloatArray = npt.NDArray[np.float32]

FLUSH_S = 0.4
"""What a killed process loses at most, and the time that a flush takes."""
MOST_WAITING = 50_000
"""Rows and blocks that may wait for a disk that hangs: more than two minutes."""
JOURNAL_FILE, SCORE_FILE, SOUND_FILE = "take.json", "score.json", "solo.wav"
TABLES: Mapping[str, str] = {
    "trace.csv": "time,quarter,qpm,confidence,state",
    "onsets.csv": "reported,time,quarter",
    "played.csv": "time,quarter,part,channel,pitch,velocity,kind",
    "hops.csv": "level_db,played_quarter,compute_ms,publish_ms",
    "late.csv": "late_ms",
}
"""Header of each table. ``hops.csv`` has the rows of ``trace.csv``, ``late.csv`` those of
``played.csv``; ``publish_ms`` is empty where no cue was published."""
_POSITION = "# position: quarters\n"
_FULL = float(2**23 - 1)


@dataclass(frozen=True, slots=True, eq=False)
class JournalFacts:
    """What is known when a take begins.

    Attributes
    ----------
    piece : mapping
        Its id, title and composer.
    score, solo
        The score as it is played (transposed), and the number of the soloist's part.
    follower : str
    conductor : mapping
        Settings of the conductor as plain values.
    sample_rate : int or None
        Of the sound; None where the soloist comes as keys.
    hop_s, report_s : float
        Length of a hop; the follower's delay as expected.
    input : mapping
        Name, latency … of the input.
    """

    piece: Mapping[str, object]
    score: Score
    solo: int
    follower: str
    conductor: Mapping[str, object]
    sample_rate: int | None
    hop_s: float
    report_s: float
    input: Mapping[str, object]


class _Hop(NamedTuple):
    step: Step
    compute_s: float
    publish_s: float | None


class _Sent(NamedTuple):
    message: TimedMessage
    late_s: float


_Item: TypeAlias = FloatArray | _Hop | _Sent


class TakeJournal:
    """Writes one take on a thread of its own; no other method waits for the disk.

    Parameters
    ----------
    folder : Path
        Made when writing begins; nothing may be there yet.
    facts : JournalFacts
    problem : callable
        Told once, on the journal's thread, why nothing more can be written.

    Notes
    -----
    `sound` and `step` belong to one thread; `sent` may be called from another.
    """

    def __init__(self, folder: Path, facts: JournalFacts, problem: Callable[[str], None]) -> None:
        self.folder = folder
        self.facts = facts
        self.start_s: float | None = None
        """Take time of the session at which this take begins; None before its first sound."""
        self.last_s = 0.0
        """End of the last hop, counted like ``start_s``."""
        self.broken = False
        """The disk could not be written; what came before is kept, nothing more is."""
        self.played = False
        """Whether a solo note was recognised or an accompaniment note struck."""
        self._problem = problem
        self._waiting: deque[_Item] = deque()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._figures: Mapping[str, object] = {}

    def open(self) -> None:
        """Begin to write."""
        name = f"journal {self.folder.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def sound(self, samples: FloatArray, start_s: float) -> None:
        """Append sound; the first block says when the take begins."""
        if self.start_s is None:
            self.start_s = start_s
        self._put(samples)

    def step(self, step: Step, compute_s: float, publish_s: float | None) -> None:
        """Append a hop."""
        now_s = step.estimate.time_s
        if self.start_s is None:
            if self.facts.sample_rate is not None:
                return  # it begins with the sound
            self.start_s = max(now_s - self.facts.hop_s, 0.0)
        self.last_s = now_s
        if step.estimate.onsets:
            self.played = True
        self._put(_Hop(step, compute_s, publish_s))

    def sent(self, messages: Sequence[TimedMessage], late_s: Sequence[float]) -> None:
        """Append what was sent."""
        if any(m.message.kind is Kind.ON for m in messages):
            self.played = True
        for message, late in zip(messages, late_s, strict=True):
            self._put(_Sent(message, late))

    def figures(self, figures: Mapping[str, object]) -> None:
        """Say what is to stand in ``take.json`` besides the facts: xruns, lost samples."""
        self._figures = dict(figures)

    def close(self) -> None:
        """Let the thread write what is left and end; closing twice does no harm."""
        self._closing.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until all is written; tell whether it is."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _put(self, item: _Item) -> None:
        if self.broken or self._closing.is_set():
            return
        if len(self._waiting) >= MOST_WAITING:
            self._fail("the disk does not keep up")
            return
        self._waiting.append(item)

    def _fail(self, reason: str) -> None:
        if not self.broken:
            self.broken = True
            self._waiting.clear()
            self._problem(
                f"{self.folder}: the take is not recorded any more ({reason}); "
                "the music goes on, make room on the disk for the next take"
            )

    def _run(self) -> None:
        try:
            with _Files(self.folder, self.facts) as files:
                closing = False
                while not closing and not self.broken:
                    closing = self._closing.wait(FLUSH_S)
                    self._write(files)
                    files.flush()
                    files.describe("recording", self._told())
                files.describe("done", self._told())
        except (OSError, wave.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            self._fail((reason or str(error)).lower())

    def _told(self) -> dict[str, object]:
        """Give the figures, with the session's time at which the take begins."""
        return {**self._figures, "start_s": self.start_s or 0.0}

    def _write(self, files: _Files) -> None:
        start_s = self.start_s or 0.0
        for _ in range(len(self._waiting)):
            match self._waiting.popleft():
                case np.ndarray() as samples:
                    files.add_sound(samples)
                case _Hop() as hop:
                    files.add_hop(hop, start_s)
                case _Sent() as sent:
                    files.add_message(sent.message, sent.late_s, start_s)


class _Files:
    """The open files of a journal."""

    def __init__(self, folder: Path, facts: JournalFacts) -> None:
        self._folder = folder
        self._facts = facts
        self._tables: dict[str, IO[str]] = {}
        self._wave: wave.Wave_write | None = None
        self._sound: IO[bytes] | None = None

    def __enter__(self) -> _Files:
        folder, facts = self._folder, self._facts
        folder.mkdir(parents=True)
        self.describe("recording", {})
        (folder / SCORE_FILE).write_text(json.dumps(score_to_plain(facts.score)), "utf-8")
        try:
            for name, header in TABLES.items():
                file = (folder / name).open("w", encoding="utf-8", newline="\n")
                self._tables[name] = file
                file.write(f"{_POSITION}{header}\n")
            if facts.sample_rate is not None:
                self._sound = (folder / SOUND_FILE).open("wb")
                self._wave = wave.open(self._sound, "wb")
                self._wave.setnchannels(1)
                self._wave.setsampwidth(3)
                self._wave.setframerate(facts.sample_rate)
                self._wave.writeframes(b"")
            self.flush()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def _close(self) -> None:
        """Close all; what a full disk refuses is lost, and has been told of."""
        for file in self._tables.values():
            with suppress(OSError):
                file.close()
        if self._wave is not None:
            with suppress(OSError):
                self._wave.close()
        if self._sound is not None:
            with suppress(OSError):
                self._sound.close()

    def flush(self) -> None:
        """Hand everything over to the system, with a sound file that says how long it is."""
        for file in self._tables.values():
            file.flush()
        if self._wave is not None and self._sound is not None:
            self._wave.writeframes(b"")  # puts the header right
            self._sound.flush()

    def describe(self, state: str, figures: Mapping[str, object]) -> None:
        """Replace ``take.json`` at one blow."""
        facts = self._facts
        content = {
            "state": state,
            "piece": dict(facts.piece),
            "solo": facts.solo,
            "follower": facts.follower,
            "conductor": {k: _plain(v) for k, v in facts.conductor.items()},
            "sample_rate": facts.sample_rate,
            "hop_s": facts.hop_s,
            "report_s": facts.report_s,
            "input": dict(facts.input),
            "figures": dict(figures),
            "process": os.getpid(),
        }
        fresh = self._folder / f".{JOURNAL_FILE}.new"
        fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        fresh.replace(self._folder / JOURNAL_FILE)

    def add_sound(self, samples: FloatArray) -> None:
        if self._wave is None:
            return
        sound = np.clip(np.nan_to_num(samples), -1.0, 1.0)
        whole = np.round(sound * _FULL).astype("<i4")
        self._wave.writeframesraw(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())

    def add_hop(self, hop: _Hop, start_s: float) -> None:
        step, publish_s = hop.step, hop.publish_s
        e = step.estimate
        self._tables["trace.csv"].write(
            f"{e.time_s - start_s:.6f},{e.quarter:.6f},{60.0 * e.quarters_per_s:.4f},"
            f"{e.confidence:.4f},{step.state}\n"
        )
        published = "" if publish_s is None else f"{1000.0 * publish_s:.3f}"
        self._tables["hops.csv"].write(
            f"{e.level_db:.2f},{step.played_quarter:.6f},{1000.0 * hop.compute_s:.4f},{published}\n"
        )
        self._tables["onsets.csv"].writelines(_onset_row(o, start_s) for o in e.onsets)

    def add_message(self, timed: TimedMessage, late_s: float, start_s: float) -> None:
        m = timed.message
        self._tables["played.csv"].write(
            f"{timed.time_s - start_s:.6f},{timed.quarter:.6f},{timed.part},{m.channel},"
            f"{m.number},{m.value},{m.kind}\n"
        )
        self._tables["late.csv"].write(f"{1000.0 * late_s:.3f}\n")


def _onset_row(onset: OnsetReport, start_s: float) -> str:
    return f"{onset.reported_s - start_s:.6f},{onset.time_s - start_s:.6f},{onset.quarter:.6f}\n"


def _plain(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(k): _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case bool() | int() | str() | None:
            return value
        case _:
            return str(value)
