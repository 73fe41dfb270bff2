"""One take through one of matchmaker's methods, in a Python of its own; see ``matchmaker.py``.

Run by ``python -P matchmaker_worker.py REQUEST.json``, with the Python into which the dependency
group ``bench`` was installed: matchmaker wants numpy 1, this project numpy 2. Needs nothing of
this project. Writes the answer to the file that the request names.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import urllib.request
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

_OPEN = urllib.request.urlopen

SOUNDFONT_NAME = "MuseScore_General.sf3"


def local_only(address: Any, *args: Any, **options: Any) -> Any:
    """Take the place of ``urlopen``: files of this machine, and nothing is downloaded.

    >>> local_only("https://example.org")
    Traceback (most recent call last):
    OSError: a download was tried: https://example.org
    """
    url = str(getattr(address, "full_url", address))
    if not url.startswith("file:"):
        raise OSError(f"a download was tried: {url}")
    return _OPEN(address, *args, **options)


def import_offline(soundfont: str) -> Any:
    """Import matchmaker without partitura's download of a sound font.

    partitura fetches `SOUNDFONT_NAME` as it is imported, where that is not there. While it is
    imported the file is said to be there; then the sound font at hand is used instead.
    """
    urllib.request.urlopen = local_only  # type: ignore[assignment]
    exists = os.path.exists
    partitura: Any
    synth: Any
    os.path.exists = lambda path: str(path).endswith(SOUNDFONT_NAME) or exists(path)
    try:
        partitura = import_module("partitura")
        synth = import_module("partitura.utils.fluidsynth")
    finally:
        os.path.exists = exists
    if not exists(synth.DEFAULT_SOUNDFONT):
        render = partitura.save_wav_fluidsynth
        partitura.save_wav_fluidsynth = partial(render, soundfont=soundfont)
    return import_module("matchmaker")


def heard_hops(stream: Any) -> int:
    """Hops of sound that have gone into the position it dates 0: its window, plus one.

    The stream keeps the first chunk back, then dates the second 0, which with what it keeps in
    front of it ends two hops into the take.
    """
    held_back = int(stream.input_index) - int(stream._emit_count)
    return held_back + 1


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Follow a take; the positions in quarters, and when each was known."""
    matchmaker = import_offline(request["soundfont"])
    began = time.perf_counter()
    follower = matchmaker.Matchmaker(
        score_file=request["score"],
        performance_file=request["audio"],
        input_type="audio",
        method=request["method"],
        tempo=request["qpm"],
    )
    loaded, used = time.perf_counter(), time.process_time()
    beats = [float(beat) for beat in follower.run(verbose=False)]
    followed, used = time.perf_counter(), time.process_time() - used
    follower.stream.join(600.0)
    part = follower.score_part
    ticks = part.inv_beat_map(np.array(beats))
    hop_s = follower.hop_length / follower.sample_rate
    return {
        # One position a hop: what it makes of the path later is nothing that a listener knew.
        "perf_time_s": [i * hop_s for i in range(len(beats))],
        "quarter": [float(q) for q in ticks / part.quarter_duration_map(0)],
        "hop_s": hop_s,
        "window_s": heard_hops(follower.stream) * hop_s,
        "load_s": loaded - began,
        "run_s": followed - loaded,
        # Of the processor, features and decision, in both of its threads.
        "compute_ms": 1000.0 * used / max(len(beats), 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }


def main() -> int:
    """Read the request, write the answer."""
    request = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    answer = run(request)
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
