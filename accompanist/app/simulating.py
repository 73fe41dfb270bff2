"""The simulated soloist put together: performance, FluidSynth, room, and the files of it."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Score
from accompanist.simulation.performance import SimulatedTake
from accompanist.simulation.room import record
from accompanist.simulation.settings import PlayerSettings, RoomSettings
from accompanist.simulation.sound import accompaniment_messages, solo_messages, tuning
from accompanist.simulation.timing import GivenTiming
from accompanist.takes.tables import read_numbers

__all__ = [
    "attack_times_s",
    "check_folder",
    "read_timing",
    "render_simulation",
    "write_simulation",
]

_SOUND_FILE, _TRUTH_FILE, _NOTES_FILE = "take.wav", "truth.csv", "performance.csv"
_AUDIBLE_DB = 20.0
_LATEST_ATTACK_S = 0.05
_TEST_NOTE_S = 0.3
_TIMING_COLUMNS = ("quarter", "duration", "pitch", "onset", "offset", "velocity", "part")


def read_timing(path: Path, part: int) -> GivenTiming:
    """Read somebody's true timing: ``quarter,duration,pitch,onset,offset,velocity,part`` rows.

    Raises
    ------
    BadInputError
        The file is no such table, or has no notes of that part.
    """
    table = read_numbers(path, _TIMING_COLUMNS)
    mine = table[table[:, 6] == part]
    if len(mine) < 2:
        have = ", ".join(f"{p:g}" for p in np.unique(table[:, 6])) or "none"
        raise BadInputError(
            f"{path}: no notes of part {part}; parts there: {have} (choose with --timing-part)"
        )
    return GivenTiming(
        quarter=mine[:, 0],
        pitch=mine[:, 2].astype(np.int64),
        onset_s=mine[:, 3],
        offset_s=np.maximum(mine[:, 4], mine[:, 3]),
        velocity=np.clip(mine[:, 5], 1, 127).astype(np.int64),
    )


def render_simulation(
    score: Score,
    take: SimulatedTake,
    player: PlayerSettings,
    room: RoomSettings,
    *,
    seed: int,
    soundfont: Path,
    sample_rate: int = 44_100,
) -> npt.NDArray[np.float32]:
    """Sound of a simulated take [shape=(n,)], mono.

    Each note is sent early by the time its sound takes to become audible (`attack_times_s`), so
    that the truth holds for the ear and not for the key.

    Raises
    ------
    DeviceError
        FluidSynth or the sound font is missing.
    """
    from bridges.fluidsynth import OfflineSynth

    duration_s = take.end_s + room.tail_s
    pitches = sorted({note.pitch for note in take.notes})
    attack_s = attack_times_s(
        take.part.program, pitches, player.a4_hz, soundfont=soundfont, sample_rate=sample_rate
    )
    with OfflineSynth(soundfont, sample_rate) as synth:
        solo = synth.render(solo_messages(take, player, seed, attack_s), duration_s)
    others = None
    if room.bleed_db is not None:
        with OfflineSynth(soundfont, sample_rate) as synth:
            messages = accompaniment_messages(score, take, room.bleed_delay_s)
            others = synth.render(messages, duration_s).mean(axis=1)
    return record(solo.mean(axis=1), others, sample_rate, room, seed)


def attack_times_s(
    program: int, pitches: Sequence[int], a4_hz: float, *, soundfont: Path, sample_rate: int
) -> dict[int, float]:
    """Seconds from note-on until each pitch is audible: 20 dB under the peak of its first 0.3 s.

    Measured by playing them. With TimGM6mb it takes 3 ms (piano), 7 (violin, cello), 11
    (clarinet), 20 (flute), 27 (recorder) in the median over pitches. At most 50 ms is answered.
    """
    from bridges.fluidsynth import OfflineSynth

    semitones, bend = tuning(a4_hz)
    sent = [
        TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, program)),
        TimedMessage(0.0, 0.0, 1, Message(Kind.CC, 1, 91, 0)),
        TimedMessage(0.0, 0.0, 1, Message(Kind.BEND, 1, 0, bend)),
    ]
    starts_s = [0.1 + 2 * _TEST_NOTE_S * i for i in range(len(pitches))]
    for start, pitch in zip(starts_s, pitches, strict=True):
        key = min(max(pitch + semitones, 0), 127)
        sent.append(TimedMessage(start, 0.0, 1, Message(Kind.ON, 1, key, 80)))
        sent.append(TimedMessage(start + _TEST_NOTE_S, 0.0, 1, Message(Kind.OFF, 1, key)))
    with OfflineSynth(soundfont, sample_rate) as synth:
        sound = np.abs(synth.render(sent, 0.1 + 2 * _TEST_NOTE_S * len(pitches)).mean(axis=1))
    attacks: dict[int, float] = {}
    for start, pitch in zip(starts_s, pitches, strict=True):
        note = sound[round(start * sample_rate) : round((start + _TEST_NOTE_S) * sample_rate)]
        audible = note > note.max(initial=0.0) * 10.0 ** (-_AUDIBLE_DB / 20.0)
        delay_s = float(np.argmax(audible)) / sample_rate
        attacks[pitch] = min(delay_s, _LATEST_ATTACK_S)
    return attacks


def check_folder(folder: Path) -> None:
    """See that nothing but an earlier simulation is overwritten in a folder.

    Raises
    ------
    UsageError
        A recording or a truth file lies there that was not simulated.
    """
    try:
        simulated = (folder / _NOTES_FILE).exists()
        lost = [n for n in (_SOUND_FILE, _TRUTH_FILE) if not simulated and (folder / n).exists()]
    except OSError as error:
        raise _unwritable(folder, error) from error
    if lost:
        raise UsageError(
            f"{folder}: there is a {lost[0]} already that was not simulated; "
            "choose another folder with --out"
        )


def _unwritable(folder: Path, error: OSError) -> AccompanistError:
    return AccompanistError(
        f"{folder}: cannot be written ({error.strerror}); choose another folder with --out"
    )


def write_simulation(
    folder: Path, take: SimulatedTake, sound: npt.NDArray[np.float32], sample_rate: int
) -> None:
    """Write ``take.wav``, ``truth.csv`` and ``performance.csv`` into the folder, all or none.

    Raises
    ------
    AccompanistError
        The folder cannot be written to.
    """
    from bridges.audio_files import write_wav

    truth = zip(take.truth_quarter.tolist(), take.truth_time_s.tolist(), strict=True)
    notes = (
        (n.onset_s, n.offset_s, n.pitch, n.velocity, n.quarter, n.kind.value) for n in take.notes
    )
    tables = {
        _TRUTH_FILE: _csv_text(("quarter", "time"), truth),
        _NOTES_FILE: _csv_text(("onset", "offset", "pitch", "velocity", "quarter", "kind"), notes),
    }
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        beside.mkdir(parents=True)
        for name, text in tables.items():
            (beside / name).write_text(text, encoding="utf-8", newline="")
        write_wav(beside / _SOUND_FILE, sound, sample_rate)
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*tables, _SOUND_FILE):
            os.replace(beside / name, folder / name)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _csv_text(header: Sequence[str], rows: Iterable[Sequence[float | str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{v:.5f}" if isinstance(v, float) else v for v in row])
    return text.getvalue()
