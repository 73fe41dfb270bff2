"""A JACK client that records or sends MIDI with the exact frame of the server.

``python jack_midi.py record NAME OUT.csv AUDIO.wav|- PORT…`` writes rows ``frame,port,data`` (and
mono audio of the port ``audio``) when ``stop`` comes on its stdin, and says ``missed``, the frames
[from, to) of cycles for which the server did not call it: in the audio they are silent.
``python jack_midi.py send NAME ROWS.csv PORT`` sends rows ``seconds,data`` (hexadecimal bytes) from
the line ``go`` on.
"""

from __future__ import annotations

import csv
import gc
import json
import sys
import threading
from collections import deque
from pathlib import Path

import jack
import numpy as np


def record(name: str, out: Path, audio: Path | None, ports: list[str]) -> None:
    """Record until told to stop."""
    client = jack.Client(name, no_start_server=True)
    rate_hz = client.samplerate
    midi = [(port, client.midi_inports.register(port)) for port in ports]
    sound = client.inports.register("audio") if audio is not None else None
    heard: deque[tuple[int, str, bytes]] = deque()
    blocks: deque[tuple[int, np.ndarray[tuple[int], np.dtype[np.float32]]]] = deque()
    first = {"frame": -1, "next": -1}
    missed: deque[tuple[int, int]] = deque()

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        now = client.last_frame_time
        if now != first["next"] >= 0:
            missed.append((first["next"], now))
        first["next"] = now + frames
        for port, taken in midi:
            for offset, data in taken.incoming_midi_events():
                heard.append((now + offset, port, bytes(data)))
        if sound is not None:
            if first["frame"] < 0:
                first["frame"] = now
            blocks.append((now, sound.get_array().copy()))

    gc.freeze()
    with client:
        print("ready", flush=True)  # noqa: T201
        while sys.stdin.readline().strip() not in ("stop", ""):
            pass
    with out.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("frame", "port", "data"))
        for frame, port, data in sorted(heard, key=lambda h: h[0]):
            writer.writerow((frame, port, data.hex()))
    if audio is not None:
        import soundfile

        heard_sound = np.zeros(max(first["next"] - first["frame"], 1), np.float32)
        for frame, block in blocks:  # each at its place: there may be none of some cycles
            heard_sound[frame - first["frame"] :][: len(block)] = block
        soundfile.write(audio, heard_sound, rate_hz, subtype="FLOAT")
    print("missed", json.dumps(list(missed)), flush=True)  # noqa: T201
    print("kept", first["frame"], flush=True)  # noqa: T201


def send(name: str, rows: Path, port_name: str) -> None:
    """Send rows at their frames."""
    with rows.open(encoding="ascii") as file:
        table = [(float(r["seconds"]), bytes.fromhex(r["data"])) for r in csv.DictReader(file)]
    client = jack.Client(name, no_start_server=True)
    port = client.midi_outports.register(port_name)
    todo = deque(sorted((round(s * client.samplerate), data) for s, data in table))
    going, over = threading.Event(), threading.Event()
    at = {"began": -1}

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        port.clear_buffer()
        if not going.is_set():
            return
        now = client.last_frame_time
        if at["began"] < 0:
            at["began"] = now
        while todo and at["began"] + todo[0][0] < now + frames:
            frame, data = todo.popleft()
            port.write_midi_event(max(0, at["began"] + frame - now), data)
        if not todo:
            over.set()

    gc.freeze()
    with client:
        print("ready", flush=True)  # noqa: T201
        if not sys.stdin.readline():
            return
        going.set()
        while at["began"] < 0:
            over.wait(0.01)
        print("began", at["began"], flush=True)  # noqa: T201
        over.wait()
        print("ended", flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1] == "record":
        where = None if sys.argv[4] == "-" else Path(sys.argv[4])
        record(sys.argv[2], Path(sys.argv[3]), where, sys.argv[5:])
    else:
        send(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
