"""What there is to say about a recording piece, to people and to scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accompanist.app.analysing.cache import RecordingCache
from accompanist.app.analysing.listen import Heard, read_heard
from accompanist.errors import BadInputError
from accompanist.recordings.analysis import RecordingAnalysis
from accompanist.recordings.reference import load_reference
from accompanist.score.checks import Finding, Severity
from bridges.recording_file import RecordingFile
from score_library.recordings import Recording

__all__ = [
    "check_contents",
    "clock_time",
    "known_facts",
    "recording_facts",
    "recording_findings",
    "recording_lines",
    "tempo_words",
]

_QUIET_LUFS = -40.0
_CLEAR_PULSE = 0.2
_LENGTH_WITHIN_S = 0.5


def clock_time(seconds: float) -> str:
    """Minutes and seconds, or hours too.

    >>> clock_time(65.4), clock_time(3725.0)
    ('1:05', '1:02:05')
    """
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}" if hours else f"{minutes}:{whole:02d}"


def recording_facts(heard: Heard) -> dict[str, Any]:
    """Give what was found out, for scripts."""
    analysis, recording = heard.analysis, heard.recording
    return {
        "file": str(recording.file),
        "folder": str(recording.folder),
        "seconds": round(analysis.duration_s, 3),
        "rate": analysis.rate,
        "channels": analysis.channels,
        "loudness_lufs": analysis.loudness_lufs,
        "peak": analysis.peak,
        "qpm": analysis.qpm,
        "beats": len(analysis.beats_s),
        "beats_a_bar": analysis.beats_a_bar,
        "bars": len(analysis.bars_s),
        "onsets": len(analysis.onsets_s),
        "pulse": analysis.pulse,
        "pulse_found": analysis.pulse_found,
        "without_soloist": recording.accompaniment is not None,
        "warnings": list(heard.warnings),
    }


def recording_lines(heard: Heard) -> list[tuple[str, str]]:
    """Give labels and texts, for people."""
    analysis, recording = heard.analysis, heard.recording
    channels = {1: "mono", 2: "stereo"}.get(analysis.channels, f"{analysis.channels} channels")
    taken_out = "has been taken out" if recording.accompaniment else "is still in it"
    return [
        ("file", f"{recording.file.name}, {channels}, {analysis.rate} Hz"),
        ("length", clock_time(analysis.duration_s)),
        ("loudness", f"{analysis.loudness_lufs:.1f} LUFS, peak {analysis.peak:.2f}"),
        ("tempo", tempo_words(analysis)),
        ("soloist", taken_out),
    ]


def tempo_words(analysis: RecordingAnalysis) -> str:
    """Say how fast it is and how sure that is."""
    if not analysis.pulse_found:
        return f"no pulse found; an even grid of ♩ = {analysis.qpm:.0f}"
    sure = "" if analysis.pulse >= _CLEAR_PULSE else ", not very clear"
    return f"about ♩ = {analysis.qpm:.0f} (an estimate{sure})"


def recording_findings(heard: Heard) -> list[Finding]:
    """Say what is wrong with a recording piece and its files, and what to do about it."""
    found: list[Finding] = []

    def add(severity: Severity, what: str, remedy: str) -> None:
        found.append(Finding(severity, "", what, remedy))

    analysis, recording = heard.analysis, heard.recording
    for warning in heard.warnings:
        add(Severity.WARNING, warning, "if it should not be so, get a better copy of the file")
    if analysis.loudness_lufs < _QUIET_LUFS:
        add(
            Severity.WARNING,
            f"it is very soft ({analysis.loudness_lufs:.0f} LUFS)",
            "make it louder in an audio editor",
        )
    if analysis.pulse_found and analysis.pulse < _CLEAR_PULSE:
        add(Severity.NOTE, "its beat is not clear", "bars and clock may be wrong in places")
    try:
        load_reference(recording.folder)
    except (BadInputError, OSError, ValueError) as error:
        add(
            Severity.PROBLEM,
            f"what the soloist is followed by cannot be read ({error})",
            f"remove {recording.folder}; it is made anew when the piece is opened",
        )
    found += _sound_findings(recording, analysis.duration_s)
    return found


def check_contents(recording: Recording, cache: RecordingCache | None = None) -> list[Finding]:
    """See whether a recording is still the one that was listened to; reads the whole file."""
    known = cache or RecordingCache()
    if known.key(recording.file) == known.key_of(recording.folder):
        return []
    what = "its file has changed since it was listened to"
    return [Finding(Severity.PROBLEM, "", what, "add the piece again with --replace")]


def _sound_findings(recording: Recording, duration_s: float) -> list[Finding]:
    """See whether the files that sound can be read and are as long as the recording."""
    found: list[Finding] = []
    kinds: list[tuple[str, Path | None]] = [
        ("the recording", recording.sound_file),
        ("the accompaniment", recording.accompaniment),
        ("the soloist alone", recording.solo),
    ]
    for name, path in kinds:
        if path is None:
            continue
        remedy = f"remove {path.name} in {path.parent}, and separate or add it again"
        try:
            with RecordingFile(path) as sound:
                length_s = sound.duration_s
        except BadInputError as error:
            found.append(Finding(Severity.PROBLEM, "", f"{name}: {error}", remedy))
            continue
        if abs(length_s - duration_s) > _LENGTH_WITHIN_S:
            what = f"{name} lasts {clock_time(length_s)}, not {clock_time(duration_s)}"
            found.append(Finding(Severity.PROBLEM, "", what, remedy))
    return found


def known_facts(folder: Path, file: Path) -> dict[str, Any] | None:
    """Give `recording_facts` where the recording has been listened to; None else."""
    try:
        return recording_facts(read_heard(Recording(file, folder)))
    except BadInputError:
        return None
