"""FluidSynth asked hop by hop gives what it gives when it knows everything beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.errors import DeviceError
from accompanist.performing.messages import Kind, Message, TimedMessage

pytest.importorskip("fluidsynth")
from bridges.fluidsynth import OfflineSynth, find_soundfont
from bridges.fluidsynth_stream import StreamSynth


def notes() -> list[TimedMessage]:
    out = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, 40))]
    for i, pitch in enumerate((60, 64, 67)):
        out.append(TimedMessage(0.1 + 0.0617 * i, 0.0, 1, Message(Kind.ON, 1, pitch, 90)))
    out.append(TimedMessage(0.5, 0.0, 1, Message(Kind.OFF, 1, 60)))
    return out


@pytest.mark.parametrize(("rate", "hop"), [(44_100, 256), (48_000, 279)])
def test_the_stream_is_the_whole_to_the_sample(rate: int, hop: int) -> None:
    try:
        font = find_soundfont(None)
    except DeviceError:
        pytest.skip("no sound font here")
    with OfflineSynth(font, rate) as whole, StreamSynth(font, rate) as stream:
        expected = whole.render(notes(), 0.8).mean(axis=1)
        heard, sent = [], notes()
        for i in range(round(0.7 * rate / hop)):
            until_s = (i + 1) * hop / rate
            stream.send([m for m in sent if m.time_s < until_s])
            sent = [m for m in sent if m.time_s >= until_s]
            heard.append(stream.render(hop))
        got = np.concatenate(heard)
        assert not got[: stream.behind].any()
        # FluidSynth dithers by the length of the pieces it is asked for: one step of 16 bits.
        assert np.abs(got[stream.behind :] - expected[: len(got) - stream.behind]).max() < 5e-5
        assert np.abs(expected).max() > 0.01


def test_a_slow_rate_is_filtered_down_and_its_delay_told() -> None:
    try:
        font = find_soundfont(None)
    except DeviceError:
        pytest.skip("no sound font here")
    with OfflineSynth(font, 16_000) as whole, StreamSynth(font, 16_000) as stream:
        expected = whole.render(notes(), 0.6).mean(axis=1)
        stream.send(notes())
        got = stream.render(round(0.5 * 16_000))[stream.behind :]
        error = got - expected[: len(got)]
        assert np.sqrt(np.mean(error**2)) < 0.1 * np.sqrt(np.mean(expected**2))
    with pytest.raises(DeviceError, match="96000"):
        StreamSynth(font, 192_000)
