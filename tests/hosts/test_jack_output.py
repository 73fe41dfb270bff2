"""Samples leave our JACK ports at the frames they were made for, at the time those frames have."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rig import RATE_HZ, Child, MidiRecorder, jack_server, needs

pytestmark = [needs("jackd", "jackd2"), needs("jack_wait", "jack-tools")]

PLAYS = """
import json, select, sys, time
import numpy as np
from bridges.audio_jack_out import JackOutput
output = JackOutput("exact")
output.start()
print("ready", flush=True)
amiss, end_s = [], time.monotonic() + 6.0
while time.monotonic() < end_s:
    select.select([output.fileno()], [], [], 0.1)
    output.calm()
    if not output.started:
        continue
    if output.written < output.taken:
        output.skip(output.taken)
    while output.written < output.taken + 4096:
        frames = np.arange(output.written, output.written + 256) % 48000 / 48000
        output.write(np.stack([frames, -frames], axis=1).astype(np.float32))
    now = time.monotonic()
    amiss.append(output.time_s(output.taken) - now)
print("done", json.dumps({
    "drop_outs": output.drop_outs, "xruns": output.xruns, "latency_s": output.latency_s,
    "connections": output.connections(), "ahead_s": [min(amiss), max(amiss)],
}), flush=True)
output.close()
output.close()
"""


def test_every_frame_is_its_own(tmp_path: Path) -> None:
    script = tmp_path / "plays.py"
    script.write_text(PLAYS)
    audio = tmp_path / "heard.wav"
    with (
        jack_server("output", tmp_path, period=512) as jack,
        MidiRecorder(jack, tmp_path / "midi.csv", (), audio=audio) as recorder,
        Child([sys.executable, str(script)], jack.environment) as plays,
    ):
        plays.hear("ready", 60.0)
        jack.connect("exact:out_1", "recorder:audio")
        told = json.loads(plays.hear("done", 60.0))
        recorder.say("stop")
        first = int(recorder.hear("kept"))
        recorder.process.wait(10)
        xruns = jack.xruns()
    assert {tuple(pair) for pair in told["connections"]} >= {
        ("out_1", "system:playback_1"),
        ("out_2", "system:playback_2"),
    }
    assert 512 / RATE_HZ <= told["latency_s"] <= 4 * 512 / RATE_HZ
    # the frame that is taken next is due within the cycle that runs
    assert -0.1 < told["ahead_s"][0] <= told["ahead_s"][1] < 0.05
    sound, _ = soundfile.read(audio)
    due = (np.arange(first, first + len(sound)) % RATE_HZ) / RATE_HZ
    right = np.abs(sound - due) < 1e-4
    played = np.flatnonzero(right & (due > 1e-3))
    begin, end = played[0] + 256, played[-1]
    if xruns or told["drop_outs"]:
        pytest.skip(f"the server lost time: {xruns} xruns, {told['drop_outs']} drop-outs")
    assert end - begin > 4 * RATE_HZ
    assert right[begin:end].all()
