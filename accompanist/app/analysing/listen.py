"""Listening to a recording: everything that has to be known of it before it can be played to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, TypeAlias

from accompanist.app.analysing.cache import RecordingCache
from accompanist.app.progress import progress_bar
from accompanist.errors import AccompanistError, BadInputError
from accompanist.recordings.analysis import RecordingAnalysis, analyse
from accompanist.recordings.recorded_score import recorded_score
from accompanist.score.model import Score
from accompanist.score.serial import score_from_plain, score_to_plain
from bridges.audio_files import LONGEST_S, cut_short
from bridges.recording_file import RecordingFile, copy_recording, seeks_exactly
from score_library.recordings import ANALYSIS_NAME, COPY_NAME, SCORE_NAME, Recording

__all__ = [
    "Bar",
    "Heard",
    "Tell",
    "analyse_recording",
    "listen_to",
    "no_bar",
    "read_heard",
    "unless",
]

Tell: TypeAlias = Callable[[str], None]
Bar: TypeAlias = Callable[[str, float], AbstractContextManager[Callable[[float], None]]]
"""Shows progress: like `accompanist.app.progress.progress_bar`."""

_PASSES = 3
"""Reading it through, analysing it, making the follower's reference."""
_SURVEY_S = 1.5
_MOST_CHANNELS = 2
_CUT_SHORT = "the file is cut short; reading the {:.1f} s that are there"
_REFERENCE_BYTES_S = 55_000
_SPARE_BYTES = 20_000_000
_FLAC_SHARE = 0.8
_HIGHEST_PEAK = 8.0
"""Floating-point files beyond this were written on the scale of integers."""
_MISSING_S = 1.0
"""Compressed files claim a little more than they hold."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording that has been listened to."""

    recording: Recording
    analysis: RecordingAnalysis
    score: Score
    title: str
    composer: str
    tagged: bool
    """Whether the title stands in the file; else it is the file's name."""
    warnings: tuple[str, ...]
    """What is wrong with the file, a line each, without its name."""


@contextmanager
def no_bar(_label: str, _total: float) -> Iterator[Callable[[float], None]]:
    """Show no progress: where others write to the terminal."""
    yield lambda _amount: None


def unless(unwanted: Callable[[], bool]) -> Bar:
    """Show no progress, and give up once nobody wants the recording any more."""

    @contextmanager
    def bar(label: str, _total: float) -> Iterator[Callable[[float], None]]:
        def advance(_amount: float) -> None:
            if unwanted():
                raise AccompanistError(f"{label}: given up")

        yield advance

    return bar


def analyse_recording(
    file: Path,
    tell: Tell | None = None,
    *,
    bar: Bar = progress_bar,
    cache: RecordingCache | None = None,
) -> Recording:
    """Listen to a recording, unless that has been done before; see `listen_to`."""
    return listen_to(file, tell, bar=bar, cache=cache).recording


def listen_to(
    file: Path,
    tell: Tell | None = None,
    *,
    bar: Bar = progress_bar,
    cache: RecordingCache | None = None,
    known_key: str | None = None,
) -> Heard:
    """Listen to a recording, unless that has been done before, and give what was found out.

    Parameters
    ----------
    file : Path
        Any format that libsndfile reads.
    tell : callable, optional
        Is told, the first time, what is wrong with the file, a line each.
    bar : callable
        Shows the progress; ``advance`` may raise to give up: nothing is left behind then.
    cache : RecordingCache, optional
        The user's by default.
    known_key : str, optional
        The recording's key in the cache, where that is known: it is not read for it then.

    Raises
    ------
    BadInputError
        The file is missing, not audio, silent, too short or too long.
    AccompanistError
        There is no room to keep what was found out.
    """
    known = cache or RecordingCache()
    key = known_key if known_key is not None and known.has(known_key) else known.key(file)
    if known.has(key):
        try:
            return read_heard(Recording(file, known.folder(key)))
        except BadInputError:  # of another version, or somebody has been in there
            known.remove(key)

    def wait() -> None:
        if tell is not None:
            tell(f"{file.name}: another accompanist is listening to it; waiting for that one")

    with known.making(key, wait) as fresh:
        if fresh is not None:
            _listen(file, fresh, known, bar)
    heard = read_heard(Recording(file, known.folder(key)))
    if tell is not None:
        for warning in heard.warnings:
            tell(f"{file}: {warning}")
    return heard


def read_heard(recording: Recording) -> Heard:
    """Read what is known of a recording.

    Raises
    ------
    BadInputError
        Nothing is, or of another version.
    """
    try:
        told = json.loads((recording.folder / ANALYSIS_NAME).read_text("utf-8"))
        score = json.loads((recording.folder / SCORE_NAME).read_text("utf-8"))
        return Heard(
            recording,
            RecordingAnalysis.from_plain(told["analysis"]),
            score_from_plain(score),
            str(told["title"]),
            str(told["composer"]),
            bool(told["tagged"]),
            tuple(str(w) for w in told["warnings"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{recording.file}: what is known of it cannot be read ({error}); "
            f"remove {recording.folder} and try again"
        ) from error


def _listen(file: Path, folder: Path, cache: RecordingCache, bar: Bar) -> None:
    """Fill a fresh folder with all that there is to know."""
    from accompanist.recordings.reference import analyse_reference

    with RecordingFile(file) as source:
        _check_shape(source)
        cache.check_room(_bytes_needed(source, copied=not seeks_exactly(file)))
        with bar(f"Listening to {file.name}", _PASSES * source.duration_s) as advance:
            warnings = _made_readable(source, folder, advance)
            with RecordingFile(Recording(file, folder).sound_file) as sound:
                try:
                    analysis = analyse(sound, advance)
                except BadInputError as error:
                    raise BadInputError(f"{file}: {error}") from error
                analyse_reference(sound, folder, advance)
        tags = source.tags
    if not analysis.pulse_found:
        warnings.append(
            "no steady pulse is heard in it; its bars and beats are an even grid "
            f"of {analysis.qpm:g} beats a minute"
        )
    title, composer = tags.get("title") or file.stem, tags.get("artist", "")
    score = recorded_score(analysis, title, composer)
    told = {
        "file": file.name,
        "title": title,
        "composer": composer,
        "tagged": "title" in tags,
        "warnings": warnings,
        "analysis": analysis.to_plain(),
    }
    _write_json(folder / SCORE_NAME, score_to_plain(score))
    _write_json(folder / ANALYSIS_NAME, told)


def _made_readable(
    source: RecordingFile, folder: Path, advance: Callable[[float], None]
) -> list[str]:
    """Read it through; what cannot be read at any place, or is damaged, is copied first.

    Gives what is wrong with it.
    """
    file, rate = source.path, source.rate
    if seeks_exactly(file):
        block = max(round(_SURVEY_S * rate), 1)
        for start in range(0, source.length, block):
            source.read(start, min(block, source.length - start))
            advance(min(block, source.length - start) / rate)
            if source.broke_at is not None:
                break
        if source.broke_at is None and not source.not_finite and source.peak <= _HIGHEST_PEAK:
            return [_CUT_SHORT.format(source.duration_s)] if cut_short(file) else []
        gain = 1.0 / source.peak if source.peak > _HIGHEST_PEAK else 1.0
        copied = copy_recording(source, folder / COPY_NAME, gain)
    else:
        copied = copy_recording(source, folder / COPY_NAME, progress=advance)
    _check_length(file, copied / rate)
    warnings = []
    if (source.length - copied) / rate > _MISSING_S or (
        copied < source.length if seeks_exactly(file) else cut_short(file)
    ):
        warnings.append(_CUT_SHORT.format(copied / rate))
    if source.not_finite:
        warnings.append("it has samples that are not numbers; they are taken as silence")
    if source.peak > _HIGHEST_PEAK:
        warnings.append(f"samples reach {source.peak:.3g} where 1 is full scale; scaled down")
    return warnings


def _check_shape(source: RecordingFile) -> None:
    _check_length(source.path, 0.0 if source.length_unknown else source.duration_s)
    if source.channels > _MOST_CHANNELS:
        raise BadInputError(
            f"{source.path}: has {source.channels} channels; mix it down to one or two first"
        )


def _check_length(file: Path, duration_s: float) -> None:
    if duration_s > LONGEST_S + _MISSING_S:
        raise BadInputError(
            f"{file}: {ceil(duration_s / 60)} minutes long; cut it into pieces of at most "
            f"{LONGEST_S // 60}"
        )


def _bytes_needed(source: RecordingFile, *, copied: bool) -> int:
    """How much the folder of a recording will hold at most, about."""
    copy = _FLAC_SHARE * 2 * source.channels * source.length if copied else 0.0
    return int(_REFERENCE_BYTES_S * source.duration_s + copy) + _SPARE_BYTES


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")
