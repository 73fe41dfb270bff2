"""From files to a comparison: opened, aligned, matched in loudness."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from accompanist.app.aligning.align import Axis, align_with, open_axis
from accompanist.app.aligning.listening import hear, readable_recording
from accompanist.app.aligning.table import column_names
from accompanist.app.comparing.kept import AlignmentCache, Known, contents_key
from accompanist.app.comparing.places import SharedPlaces
from accompanist.app.comparing.switcher import Switcher
from accompanist.app.progress import progress_bar
from accompanist.errors import UsageError
from accompanist.recordings.loudness import LoudnessMeter
from accompanist.recordings.sound import Sound
from accompanist.recordings.stretching.resampled import Buffered, Resampled
from accompanist.score.model import Score
from accompanist.score.outer import OuterAxis
from accompanist.score.serial import score_to_plain
from accompanist.score.tempo import written_tempo
from bridges.recording_file import RecordingFile
from score_library.index import find_info, user_pieces_dir
from score_library.load import is_recording

__all__ = ["MOST", "Comparison", "check_words", "compared", "matched_gains"]

MOST = 9
"""There are so many digits to switch with."""
_LEAST_LUFS = -23.0
_HIGHEST_PEAK = 0.98
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Recordings of one piece, ready to be heard.

    Attributes
    ----------
    names : tuple of str
    switcher : Switcher
    places : SharedPlaces
    score : Score or None
        For bar numbers.
    quarter : callable or None
        Seconds on the common axis → position in the score.
    axis_s : callable or None
        The other way round.
    """

    names: tuple[str, ...]
    switcher: Switcher
    places: SharedPlaces
    score: Score | None
    quarter: Callable[[float], float] | None
    axis_s: Callable[[float], float] | None


@contextmanager
def compared(
    words: Sequence[str],
    *,
    rate: int | None = None,
    cache: AlignmentCache | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Comparison]:
    """Open, align and match what is named on the command line.

    Parameters
    ----------
    words : sequence of str
        Recordings; the first may be a piece instead: a score, which is then the common axis, or
        the id of a recording in the library.
    rate : int, optional
        Samples a second; by default that of the first recording.
    cache : AlignmentCache, optional
    tell : callable, optional
        Told what a human should know, a line each.

    Raises
    ------
    UsageError
        Fewer than two recordings, or more than nine.
    BadInputError
        One cannot be read, or is not of the same piece.
    """
    piece = _Piece(words[0])
    files = [*piece.files, *(Path(word) for word in words[1:])]
    if not 2 <= len(files) <= MOST:
        raise UsageError(f"--compare takes two to {MOST} recordings; here are {len(files)}")
    names = column_names([Path(word) for word in words[-len(files) :]])
    with ExitStack() as stack:
        sounds: list[Sound] = [stack.enter_context(readable_recording(file)) for file in files]
        known = _aligned(piece, files, sounds, cache or AlignmentCache())
        for file, found in zip(files, known, strict=True):
            if found is not None and found.transposed and tell is not None:
                tell(f"{file.name} is in another key ({found.transposed:+d} semitones)")
        gains = matched_gains([_loudness(s, f.name) for s, f in zip(sounds, files, strict=True)])
        out_rate = rate or sounds[0].rate
        at_rate = [s if s.rate == out_rate else Resampled(s, out_rate) for s in sounds]
        places = SharedPlaces([None if found is None else found.map for found in known])
        start_s = places.from_axis(0, piece.start_s) if known[0] is not None else 0.0
        switcher = Switcher(
            [Buffered(s) for s in at_rate], gains, places, start_s=start_s or _first_s(known[0])
        )
        yield Comparison(names, switcher, places, piece.score, piece.quarter, piece.axis_s)


def check_words(words: Sequence[str]) -> None:
    """See early that there are recordings to compare, and that they can be read.

    Raises
    ------
    UsageError
        There are too few or too many.
    BadInputError
        One cannot be read.
    """
    if not 2 <= len(words) <= MOST + 1:
        raise UsageError(f"--compare takes two to {MOST} recordings; here are {len(words)}")
    for i, word in enumerate(words):
        if i or is_recording(Path(word)):
            with RecordingFile(word):
                pass


def matched_gains(loudness: Sequence[tuple[float, float]]) -> list[float]:
    """Give factors that make recordings equally loud, without clipping.

    Parameters
    ----------
    loudness : sequence of (float, float)
        LUFS and peak of each.

    >>> [round(gain, 3) for gain in matched_gains([(-20.0, 0.5), (-14.0, 1.0)])]
    [1.0, 0.501]
    """
    target = max(min(lufs for lufs, _ in loudness), _LEAST_LUFS)
    return [
        min(10.0 ** ((target - lufs) / 20.0), _HIGHEST_PEAK / peak) if peak > 0 else 1.0
        for lufs, peak in loudness
    ]


class _Piece:
    """The first word: what the others are aligned with."""

    def __init__(self, word: str) -> None:
        from accompanist.app.pieces import has_notes, open_any

        self.score: Score | None = None
        self.quarter: Callable[[float], float] | None = None
        self.axis_s: Callable[[float], float] | None = None
        self.files: list[Path] = []
        self.start_s = 0.0
        self.word = word
        path = Path(word)
        if find_info(word, user_pieces_dir()) is None and is_recording(path):
            self.files = [path]
            return
        opened = open_any(word)
        if opened.recording is not None:
            self.files = [opened.recording.sound_file]
            if has_notes(opened):
                self.score = opened.score
                outer = OuterAxis(opened.score)
                self.quarter = lambda s: float(outer.quarter(s))
                self.axis_s = lambda q: float(outer.outer(q))
            return
        from accompanist.recordings.aligning.notes import LEAD_S

        self.score = opened.score
        tempo = written_tempo(opened.score)
        self.quarter = lambda s: float(tempo.to_quarter(s - LEAD_S))
        self.axis_s = lambda q: float(tempo.to_seconds(q)) + LEAD_S

    @property
    def key(self) -> str:
        """Name for the contents of what the others are aligned with."""
        if self.files:
            return contents_key(self.files[0])
        plain = json.dumps(score_to_plain(self.score), sort_keys=True) if self.score else ""
        return hashlib.sha256(plain.encode()).hexdigest()[:40]

    def axis(self) -> Axis:
        return open_axis(str(self.files[0]) if self.files else self.word)


def _aligned(
    piece: _Piece, files: Sequence[Path], sounds: Sequence[Sound], cache: AlignmentCache
) -> list[Known | None]:
    """Align all with the axis, as far as it is not known from an earlier time."""
    axis: Axis | None = None
    axis_key = piece.key
    out: list[Known | None] = []
    for i, (file, sound) in enumerate(zip(files, sounds, strict=True)):
        if piece.files and i == 0:
            out.append(None)
            continue
        key = contents_key(file)
        found = cache.get(axis_key, key)
        if found is None:
            axis = axis or piece.axis()
            alignment = align_with(axis, hear(sound, str(file)), str(file))
            found = Known(alignment.map, alignment.transposed)
            cache.put(axis_key, key, found)
        out.append(found)
    return out


def _first_s(known: Known | None) -> float:
    return 0.0 if known is None else float(known.map.stretches[0].second_s[0])


def _loudness(sound: Sound, name: str) -> tuple[float, float]:
    """Measure LUFS and peak of a whole recording."""
    meter = LoudnessMeter(sound.rate, sound.channels)
    peak = 0.0
    with progress_bar(f"Measuring {name}", sound.length / sound.rate) as advance:
        for start in range(0, sound.length, _BLOCK):
            block = sound.read(start, min(_BLOCK, sound.length - start))
            meter.feed(block)
            peak = max(peak, float(abs(block).max(initial=0.0)))
            advance(len(block) / sound.rate)
    return meter.result().integrated_lufs, peak
