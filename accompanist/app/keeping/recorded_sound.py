"""The sound of a kept take whose ensemble was a recording, rendered again from where it was.

A journal says every hop where the ensemble was. That is what was heard: the cues of the moment
were guesses of it, and what was sent of them followed it within some hundredths of a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accompanist.app.offline import Take
from accompanist.app.processes.links import RecordingSource
from accompanist.app.processes.recording_links import LoadRecording
from accompanist.app.recording_player.core import RecordingCore, Sounding
from accompanist.app.recording_player.loader import open_playback
from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.recordings.sound import ArraySound
from accompanist.takes.record import TakeRecord

__all__ = ["DESK", "Change", "cues_of", "render_again", "source_of", "write_recorded_sound"]

FloatArray = npt.NDArray[np.float32]
Change: TypeAlias = tuple[float, str, float]
"""When, which control of `DESK`, to what."""

DESK: Mapping[str, float] = {"solo": 0.0, "gain": 0.0, "pan": 0.0, "mute": 0.0}
"""What a recording is set to unless somebody says otherwise; see `MixRecording`."""
_FASTEST = 8.0
"""A position that rises so many times faster than at the hop before has leapt …"""
_NEAR_QUARTER = 0.25
"""… if it is farther than this from where it was expected."""
_SLOWEST_QUARTER_S = 1e-3
_SILENT = frozenset({"idle", "armed", "waiting", "paused", "ended"})
_TAIL_S = 0.5


def source_of(piece: Mapping[str, Any]) -> RecordingSource | None:
    """Give the files of a journal's piece, where it is a recording and they are still there."""
    name, without = piece.get("recording"), piece.get("recording_without_solo")
    if not name or not Path(str(name)).is_file():
        return None
    known = without is not None and Path(str(without)).is_file()
    return RecordingSource(Path(str(name)), Path(str(without)) if known else None)


def cues_of(record: TakeRecord) -> Iterator[tuple[float, Cue]]:
    """Give a cue for every hop of a take, and the take time from which it counts.

    Each says how the ensemble went on to the next hop: on, standing still, or elsewhere.
    """
    times, places, states = record.times_s, record.played_quarters, record.states
    jumps = silences = 0
    plays_from = 0.0
    expected, last_state = None, ""
    for i in range(len(times)):
        here = float(places[i])
        step_s = float(times[i + 1] - times[i]) if i + 1 < len(times) else 0.0
        rise = float(places[i + 1]) - here if i + 1 < len(times) else 0.0
        rate = rise / step_s if step_s > 0.0 else 0.0
        if expected is not None and abs(here - expected) > _NEAR_QUARTER:
            jumps, plays_from = jumps + 1, here
        if states[i] in _SILENT and last_state not in _SILENT:
            silences += 1
        last_state = states[i]
        leaps = not 0.0 <= rate <= _FASTEST
        stands = leaps or rate < _SLOWEST_QUARTER_S
        line = Timeline(
            (float(times[i]),),
            (here,),
            _SLOWEST_QUARTER_S if stands else rate,
            here if stands else float("inf"),
        )
        expected = here if leaps else here + rise
        yield (
            float(times[i]),
            Cue(float(times[i]), line, states[i], jumps, plays_from, silences=silences),
        )


class _Script:
    """A board on which the cues of a take come up one after the other."""

    def __init__(self) -> None:
        self.version = self.read_version = 0
        self.heartbeat_s = 0.0
        self._cue: Cue | None = None

    def put(self, cue: Cue) -> None:
        self._cue, self.version, self.heartbeat_s = cue, self.version + 1, cue.time_s

    def read(self) -> tuple[Cue, float] | None:
        self.read_version = self.version
        return None if self._cue is None else (self._cue, 0.0)


def render_again(
    record: TakeRecord,
    playback: Sounding,
    rate: int,
    duration_s: float,
    desk: Mapping[str, float] = DESK,
    changes: Sequence[Change] = (),
) -> Iterator[FloatArray]:
    """Render what was heard, from take time 0 on, block by block [shape=(n, 2)].

    Parameters
    ----------
    record : TakeRecord
    playback : Sounding
        Fresh, for ``rate``.
    rate : int
        Samples a second.
    duration_s : float
        Length; what sounds beyond the last hop fades.
    desk : mapping
        Solo level, gain, pan, mute.
    changes : sequence of Change
        What was set anew and when, take time, in order; before the take's beginning too.
    """
    board = _Script()
    core = RecordingCore(board, lambda: board.heartbeat_s)
    core.load(playback, rate, asked_s=-1.0)
    for control, value in desk.items():
        core.mix(control, value)
    left = deque(changes)
    length, done = round(duration_s * rate), 0
    cue: Cue | None = None
    for begin_s, following in cues_of(record):
        end = min(round(begin_s * rate), length)
        while left and left[0][0] <= done / rate:
            core.mix(*left.popleft()[1:])
        if cue is not None:
            board.put(cue)
        if end > done:
            yield core.render(done / rate, end - done)
            done = end
        cue = following
    core.silence()
    while done < length:
        count = min(length - done, rate)
        yield core.render(done / rate, count)
        done += count


def write_recorded_sound(
    folder: Path,
    take: Take,
    audio: FloatArray,
    rate: int,
    source: RecordingSource,
    desk: Mapping[str, float],
    changes: Sequence[Change],
    warn: Callable[[str], None],
    *,
    stretcher: str | None = None,
) -> None:
    """Write ``accompaniment.wav`` and ``mix.wav``, both at the take's own rate.

    Raises
    ------
    AccompanistError
        The recording cannot be read.
    """
    from accompanist.takes.mix import balanced
    from bridges.recording_file import RecordingFile
    from bridges.wav_writer import WavWriter

    heard = folder / ".ensemble.wav"
    try:
        with ExitStack() as files:
            command = LoadRecording(source, take.score, stretcher)
            playback, _ = open_playback(command, rate, files, warn)
            with WavWriter(heard, rate, 2, exact=True) as writer:
                length_s = take.duration_s + _TAIL_S
                for block in render_again(take.record, playback, rate, length_s, desk, changes):
                    writer.write(block)
        with (
            RecordingFile(heard) as ensemble,
            WavWriter(folder / "accompaniment.wav", rate, 2) as alone,
            WavWriter(folder / "mix.wav", rate, 2) as together,
        ):
            for others, mix in balanced(ArraySound(audio, rate), ensemble):
                alone.write(others)
                together.write(mix)
    finally:
        heard.unlink(missing_ok=True)
