"""Make a take folder of a journal: ``python -m accompanist.app.keeping.keep_take JOURNAL OUT``.

It runs as a process of its own at low priority, so that the music does not suffer. A journal that
is still being written is kept as far as it goes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.app.keeping.files import write_sound, write_take
from accompanist.app.keeping.journal import JOURNAL_FILE, SCORE_FILE, SOUND_FILE
from accompanist.app.keeping.recorded_sound import DESK, source_of, write_recorded_sound
from accompanist.app.offline import ComputeTimes, OfflineSettings, Take
from accompanist.conducting.settings import ConductorSettings
from accompanist.errors import AccompanistError, BadInputError, DeviceError
from accompanist.followers.protocol import OnsetReport
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Score
from accompanist.score.serial import score_from_plain
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.takes.folder import take_folder
from accompanist.takes.record import TakeRecord

__all__ = ["journal_facts", "main", "write_kept"]

FloatArray = npt.NDArray[np.float32]

NICENESS = 10


def write_kept(
    journal: Path,
    out: Path,
    *,
    soundfont: Path | None = None,
    audio: bool = True,
    hosts: Mapping[str, Sequence[Mapping[str, float]]] | None = None,
    desk: Mapping[str, float] | None = None,
    changes: Sequence[tuple[float, str, float]] = (),
    stretcher: str | None = None,
    warn: Any = lambda text: None,
) -> dict[str, object]:
    """Write the take folder of a journal.

    Parameters
    ----------
    journal : Path
        Folder of a `accompanist.app.keeping.journal.TakeJournal`.
    out : Path
        The take folder to be; a take that is there is replaced.
    soundfont : Path, optional
        For the sound; None looks for one.
    audio : bool
        Whether the sound is made.
    hosts : mapping, optional
        Where each host stood, by the session's time (see
        `accompanist.app.processes.links.KeepTake`).
    desk : mapping, optional
        What a recording was set to: ``solo`` (0–1), ``gain`` (dB), ``pan``, ``mute``.
    changes : sequence of (time_s, control, value)
        What of it was set anew and when, by the session's time, in order.
    stretcher : str, optional
        How it was made faster and slower.
    warn : callable, optional
        Told in a line if there is no sound because it cannot be made.

    Returns
    -------
    dict
        What stands in ``take.json``.

    Raises
    ------
    BadInputError
        The folder is not a journal, or nothing has been written to it yet.
    AccompanistError
        The folder cannot be written.
    """
    facts, score = journal_facts(journal)
    solo = next((p for p in score.parts if p.number == facts["solo"]), None)
    if solo is None:
        raise BadInputError(f"{journal}: has no part {facts['solo']}; it is not a whole journal")
    line = solo_line(solo)
    record, hops = _record(journal, line.onsets_quarter)
    if not len(record):
        raise BadInputError(f"{journal}: nothing has been recorded in it yet")
    times = record.times_s
    take = Take(
        score=score,
        solo=solo,
        plan=accompaniment_plan(score, solo.number, written_tempo(score)),
        record=record,
        compute=ComputeTimes(hops["compute_ms"] / 1000.0, float(facts["hop_s"])),
        duration_s=float(times[-1]),
        latency_s=float(facts["report_s"]),
    )
    settings = OfflineSettings(
        follower=str(facts["follower"]), conductor=_conductor(facts["conductor"]), block=0
    )
    source = source_of(facts["piece"])
    font = _soundfont(soundfont, warn) if audio and source is None else None
    figures = facts["figures"]
    with take_folder(out) as folder:
        sound, rate = _sound(journal, folder, facts)
        content = write_take(
            folder,
            take,
            settings,
            piece=facts["piece"],
            input_facts={
                **facts["input"],
                "messages_sent": len(record.messages),
                "notes_late_ms": _quantiles(_late_ms(journal, record)),
                "publish_ms": _quantiles(hops["publish_ms"]),
                "lost_samples": figures.get("lost_samples", 0),
            },
            soundfont=font,
            xruns=int(figures.get("xruns", 0)),
            hosts=_from_beginning(hosts or {}, float(figures.get("start_s", 0.0)), take.duration_s),
            subtitle=f"live, {facts['input'].get('source', '')}",
        )
        if source is not None and audio:
            try:
                levels = {**DESK, **(desk or {})}
                start_s = float(figures.get("start_s", 0.0))
                moved = [(t - start_s, control, value) for t, control, value in changes]
                write_recorded_sound(
                    folder, take, sound, rate, source, levels, moved, warn, stretcher=stretcher
                )
            except AccompanistError as error:
                warn(f"the take has no mix: {error}")
        elif font is not None:
            try:
                write_sound(folder, take, sound, rate, font)
            except DeviceError as error:
                warn(f"the take has no mix: {error}")
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep one take; errors are one line on stderr."""
    parser = ArgumentParser(prog="keep_take", description=__doc__.splitlines()[0])
    parser.add_argument("journal", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--no-audio", action="store_true")
    parser.add_argument("--hosts", type=json.loads)
    parser.add_argument("--desk", type=json.loads)
    parser.add_argument("--changes", type=json.loads, default=())
    parser.add_argument("--stretcher")
    words = parser.parse_args(arguments)
    with suppress(OSError, AttributeError):  # not every system has priorities
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    try:
        write_kept(
            words.journal,
            words.out,
            soundfont=words.soundfont,
            audio=not words.no_audio,
            hosts=words.hosts,
            desk=words.desk,
            changes=words.changes,
            stretcher=words.stretcher,
            warn=_say,
        )
    except AccompanistError as error:
        _say(str(error))
        return error.exit_code
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"accompanist: {text}\n")


def journal_facts(journal: Path) -> tuple[dict[str, Any], Score]:
    """Read what a journal begins with, and the score as it was played.

    Raises
    ------
    BadInputError
        The folder is not a journal.
    """
    try:
        facts = json.loads((journal / JOURNAL_FILE).read_text("utf-8"))
        score = score_from_plain(json.loads((journal / SCORE_FILE).read_text("utf-8")))
        missing = {"solo", "hop_s", "report_s", "follower", "conductor", "input"} - facts.keys()
        if missing:
            raise ValueError(f"{JOURNAL_FILE} lacks {', '.join(sorted(missing))}")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInputError(f"{journal}: is not a recorded take ({reason})") from error
    except (ValueError, AttributeError) as error:
        raise BadInputError(f"{journal}: is not a recorded take ({error})") from error
    return facts, score


def _from_beginning(
    hosts: Mapping[str, Sequence[Mapping[str, float]]], start_s: float, duration_s: float
) -> dict[str, object]:
    """Count by the take's own time; what belongs to another take is left out."""
    moved = {
        name: [
            {"from_s": z["from_s"] - start_s, "zero_s": z["zero_s"] + start_s}
            for z in zeros
            if start_s <= z["from_s"] <= start_s + duration_s
        ]
        for name, zeros in hosts.items()
    }
    return {name: zeros for name, zeros in moved.items() if zeros}


def _conductor(plain: Mapping[str, Any]) -> ConductorSettings:
    known = ConductorSettings.__dataclass_fields__
    return ConductorSettings(**{name: value for name, value in plain.items() if name in known})


def _rows(path: Path) -> list[list[str]]:
    """Whole lines of a table that may be being written."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read; it is not a whole journal") from error
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [line.split(",") for line in lines if not line.startswith("#")][1:]


def _record(
    journal: Path, onsets_quarter: npt.NDArray[np.float64]
) -> tuple[TakeRecord, dict[str, npt.NDArray[np.float64]]]:
    record = TakeRecord()
    trace, hops = _rows(journal / "trace.csv"), _rows(journal / "hops.csv")
    count = min(len(trace), len(hops))
    for (time_s, quarter, qpm, confidence, state), (level, played, _, _) in zip(
        trace[:count], hops[:count], strict=True
    ):
        record.add_row(
            time_s=float(time_s),
            quarter=float(quarter),
            quarters_per_s=float(qpm) / 60.0,
            confidence=float(confidence),
            level_db=float(level),
            played_quarter=float(played),
            state=state,
        )
    for reported, time_s, quarter in _rows(journal / "onsets.csv"):
        event = int(np.argmin(np.abs(onsets_quarter - float(quarter))))
        onset = OnsetReport(float(reported), float(time_s), float(quarter), event)
        record.onsets.append(onset)
    for time_s, quarter, part, channel, number, value, kind in _rows(journal / "played.csv"):
        message = Message(Kind(kind), int(channel), int(number), int(value))
        record.messages.append(TimedMessage(float(time_s), float(quarter), int(part), message))
    columns = {
        "compute_ms": np.array([float(row[2]) for row in hops[:count]]),
        "publish_ms": np.array([float(row[3]) for row in hops[:count] if row[3]]),
    }
    return record, columns


def _late_ms(journal: Path, record: TakeRecord) -> npt.NDArray[np.float64]:
    """Lateness of the notes that were struck."""
    rows = _rows(journal / "late.csv")
    return np.array(
        [
            float(row[0])
            for row, sent in zip(rows, record.messages, strict=False)
            if sent.message.kind is Kind.ON
        ]
    )


def _sound(journal: Path, folder: Path, facts: Mapping[str, Any]) -> tuple[FloatArray, int]:
    """Copy the soloist's sound and give it [shape=(n, 1)] with its rate."""
    from bridges.audio_files import read_audio

    if facts.get("sample_rate") is None:
        return np.zeros((0, 1), dtype=np.float32), int(facts["input"]["sample_rate"])
    shutil.copyfile(journal / SOUND_FILE, folder / SOUND_FILE)
    audio = read_audio(folder / SOUND_FILE)
    return audio.samples, audio.rate


def _soundfont(wanted: Path | None, warn: Any) -> Path | None:
    from bridges.fluidsynth import find_soundfont

    try:
        return find_soundfont(wanted)
    except DeviceError as error:
        warn(f"the take has no mix: {error}")
        return None


def _quantiles(values: npt.NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {}
    p50, p99, worst = np.quantile(values, (0.5, 0.99, 1.0)).tolist()
    return {"p50": p50, "p99": p99, "max": worst}


if __name__ == "__main__":
    sys.exit(main())
