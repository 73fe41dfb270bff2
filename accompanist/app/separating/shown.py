"""What shows the solo, opened: sound files of any kind, and scores, which are played first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from accompanist.errors import BadInputError, UsageError
from accompanist.recordings.sound import Sound
from score_library.load import SCORE_SUFFIXES

__all__ = ["check_solo_files", "is_score", "open_solo"]

_SHORTEST_S = 1.0
_SILENT = 1e-4
_SEED = 1


def is_score(path: Path) -> bool:
    """Whether what shows the solo is a score."""
    return path.suffix.lower() in SCORE_SUFFIXES


def check_solo_files(paths: list[Path], part: str | None = None) -> None:
    """See that what shows the solo can be opened, before any long work.

    Raises
    ------
    BadInputError
        A file is missing or cannot be read.
    UsageError
        There is no such part, or none of the files has parts.
    """
    from accompanist.score.choose import choose_solo
    from bridges.recording_file import RecordingFile
    from score_library.load import load_score

    for path in paths:
        if is_score(path):
            choose_solo(load_score(path), part)
        else:
            with RecordingFile(path):
                pass
    if part is not None and not any(is_score(path) for path in paths):
        raise UsageError("--part is for scores: none of what shows the solo is one")


def open_solo(
    path: Path,
    files: ExitStack,
    scratch: Path,
    *,
    part: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Sound:
    """Open what shows the solo.

    Parameters
    ----------
    path : Path
        A sound file, or a score, whose solo part is played by FluidSynth.
    files : ExitStack
        Is given what has to be closed.
    scratch : Path
        A folder for a decoded copy of what can only be read from its beginning.
    part : str, optional
        Solo part of a score, by number or name.
    tell : callable, optional
        Is told what is wrong with it, or which part was taken.

    Raises
    ------
    BadInputError
        It cannot be read, is silent or too short.
    DeviceError
        FluidSynth or a sound font is missing.
    """
    if is_score(path):
        return _played(path, part, tell)
    from bridges.audio_files import LONGEST_S
    from bridges.recording_file import RecordingFile, copy_recording, seeks_exactly

    sound = files.enter_context(RecordingFile(path))
    if sound.length > (LONGEST_S + 1) * sound.rate and seeks_exactly(path):
        raise BadInputError(f"{path}: over {LONGEST_S // 3600} h long; cut it into pieces")
    step = 1 << 18
    if seeks_exactly(path):
        for start in range(0, sound.length, step):
            sound.read(start, min(step, sound.length - start))
            if sound.broke_at is not None:
                break
    if sound.broke_at == 0:
        raise BadInputError(f"{path}: nothing in it can be decoded; record or copy it again")
    if not seeks_exactly(path) or sound.broke_at is not None:
        copy = scratch / f"{len(list(scratch.iterdir()))}.flac"
        length = copy_recording(sound, copy, 1.0 / max(sound.peak, 1.0))
        if sound.broke_at is not None and tell is not None and seeks_exactly(path):
            tell(
                f"{path}: the file is cut short; using the {length / sound.rate:.1f} s "
                "that are there"
            )
        peak = sound.peak
        sound = files.enter_context(RecordingFile(copy))
        sound.peak = peak
    if sound.length < _SHORTEST_S * sound.rate:
        raise BadInputError(f"{path}: is too short to show the solo; a few seconds are needed")
    if sound.peak < _SILENT:
        raise BadInputError(f"{path}: is silent; it cannot show the solo")
    return sound


def _played(path: Path, part: str | None, tell: Callable[[str], None] | None) -> Sound:
    """Let the solo part of a score be played, evenly and without a room."""
    from accompanist.app.simulating import render_simulation
    from accompanist.recordings.sound import ArraySound
    from accompanist.score.choose import choose_solo
    from accompanist.simulation.performance import simulate_take
    from accompanist.simulation.settings import PRESETS
    from bridges.fluidsynth import find_soundfont
    from score_library.load import load_score

    score = load_score(path)
    choice = choose_solo(score, part)
    if tell is not None:
        tell(f"{path}: the solo is part {choice.part.number}, {choice.part.name}")
    preset = PRESETS["steady"]
    take = simulate_take(score, choice.part, preset.player, _SEED)
    font = find_soundfont()
    sound = render_simulation(score, take, preset.player, preset.room, seed=_SEED, soundfont=font)
    return ArraySound(sound, 44_100)
