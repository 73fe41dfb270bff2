"""Tables of a take: bars and beats as CSV, labels for Audacity."""

from __future__ import annotations

import csv
import io

from accompanist.takes.export.arrangement import Arrangement

__all__ = ["audacity_labels", "beats_csv"]


def beats_csv(take: Arrangement) -> str:
    """Write a row for every beat: ``time,bar,beat,quarter,qpm``.

    ``qpm`` is the mean tempo until the next beat, ``quarter`` counts the take's own grid.
    """
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["time", "bar", "beat", "quarter", "qpm"])
    beats = _beats(take)
    for i, (quarter, bar, beat) in enumerate(beats):
        following = beats[i + 1][0] if i + 1 < len(beats) else take.end_quarter
        time_s = take.seconds(quarter)
        length_s = take.seconds(following) - time_s
        qpm = 60.0 * (following - quarter) / length_s if length_s > 0 else take.tempi[-1].qpm
        rows.writerow([f"{time_s:.6f}", bar, beat, f"{quarter:.6f}", f"{qpm:.3f}"])
    return out.getvalue()


def _beats(take: Arrangement) -> list[tuple[float, int, int]]:
    beats: list[tuple[float, int, int]] = []
    starts = [metre.quarter for metre in take.metres]
    for i, bar in enumerate(take.bars):
        metre = take.metres[max(sum(s <= bar.quarter + 1e-9 for s in starts) - 1, 0)]
        end = take.bars[i + 1].quarter if i + 1 < len(take.bars) else take.end_quarter
        length = 4.0 / metre.denominator
        for beat in range(metre.numerator):
            quarter = bar.quarter + beat * length
            if quarter < end - 1e-9 or beat == 0:
                beats.append((quarter, bar.number, beat + 1))
    return beats


def audacity_labels(take: Arrangement) -> str:
    """Write a label track: rehearsal marks, and each bar's number.

    Format: begin, end and text, separated by tabs (Audacity manual, "Importing and Exporting
    Labels").
    """
    points = [(bar.time_s, f"bar {bar.number}") for bar in take.bars]
    points += [(mark.time_s, mark.text) for mark in take.markers]
    points.sort(key=lambda p: p[0])
    return "".join(
        f"{time_s:.6f}\t{time_s:.6f}\t{' '.join(text.split())}\n" for time_s, text in points
    )
