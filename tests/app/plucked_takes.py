"""Small takes of plucked tones on disk, with their scores."""

from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import soundfile

RATE = 22_050
QUARTER_S = 0.4
MELODY = (69, 71, 72, 74, 76, 74, 72, 71, 69, 67, 69, 71, 76, 79, 77, 76, 74, 72, 71, 69) * 2
BASS = (45, 52) * 10


def write_score(path: Path, parts: Sequence[tuple[Sequence[int], int]]) -> None:
    """Write parts of (pitches, ticks each) at 150 quarters a minute, 480 ticks a quarter."""
    file = mido.MidiFile(ticks_per_beat=480)
    for number, (pitches, ticks) in enumerate(parts):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("set_tempo", tempo=round(QUARTER_S * 1e6), time=0))
        for pitch in pitches:
            track.append(mido.Message("note_on", channel=number, note=pitch, velocity=80, time=0))
            track.append(mido.Message("note_off", channel=number, note=pitch, time=ticks))
        file.tracks.append(track)
    file.save(path)


def plucked(
    pitches: Sequence[int], each_s: float, before_s: float, rate: int = RATE
) -> npt.NDArray[np.float64]:
    """Give tones that die away, one after the other, after some silence."""
    time_s = np.arange(round(each_s * rate)) / rate
    sound = [np.zeros(round(before_s * rate))]
    for pitch in pitches:
        hz = 440.0 * 2 ** ((pitch - 69) / 12)
        partials = [0.7**k * np.sin(2 * np.pi * hz * (k + 1) * time_s) for k in range(6)]
        sound.append(0.2 * np.sum(partials, axis=0) * np.exp(-4 * time_s))
    return np.concatenate(sound)


def write_takes(folder: Path) -> Path:
    """Write two takes and their manifest: 16 s of one melody, 8 s of another."""
    rows = ["score,solo,audio,truth,id,group"]
    for name, melody in (("long", MELODY), ("short", [p - 5 for p in MELODY[:20]])):
        write_score(folder / f"{name}.mid", [(melody, 480), (BASS[: len(melody) // 2], 960)])
        soundfile.write(folder / f"{name}.wav", plucked(melody, QUARTER_S, 0.5), RATE)
        truth = [f"{q},{0.5 + QUARTER_S * q:.3f}" for q in range(len(melody))]
        (folder / f"{name}.csv").write_text("\n".join(["quarter,time", *truth]) + "\n")
        rows.append(f"{name}.mid,1,{name}.wav,{name}.csv,{name},{name}s")
    path = folder / "manifest.csv"
    path.write_text("\n".join(rows) + "\n")
    return path
