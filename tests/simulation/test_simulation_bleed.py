"""The way from the ensemble's loudspeaker to the microphone, exact to the sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.errors import UsageError
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.simulation.bleed import Bleed, BleedPath, Known, path_response
from accompanist.simulation.tones import ToneEnsemble

RATE, HOP = 44_100, 256
Array = npt.NDArray[np.float32]


def dry(delay_s: float, level_db: float = 0.0) -> Bleed:
    return Bleed(level_db, delay_s, low_hz=0.0)


def sent_through(path: BleedPath, sound: Array, hop: int = HOP) -> Array:
    """What is heard from sample ``hop`` on: the first hop hears nothing yet."""
    return np.concatenate([path.hear(sound[i : i + hop]) for i in range(0, len(sound), hop)])


@settings(max_examples=20, deadline=None)
@given(delay=st.integers(441, 8000), behind=st.integers(0, 64), hop=st.sampled_from([256, 279]))
def test_whole_samples_of_delay_are_exact(delay: int, behind: int, hop: int) -> None:
    rng = np.random.default_rng(delay)
    sound = rng.normal(size=40 * hop).astype(np.float32)
    heard = sent_through(BleedPath(dry(delay / RATE), RATE, hop, 0.5, behind), sound, hop)
    # Heard from sample `hop` on; what is sent stands `behind` samples late in `sound`.
    wait = delay - hop - behind
    assert np.allclose(heard[:wait], 0.0, atol=1e-6)
    assert np.allclose(heard[wait:], 0.5 * sound[: len(sound) - wait], atol=1e-5)


@pytest.mark.parametrize("delay", [1000.25, 1000.5, 1323.9])
def test_parts_of_a_sample_are_as_good(delay: float) -> None:
    time = np.arange(60 * HOP)
    turn = 2 * np.pi * 3000.0 / RATE
    heard = sent_through(
        BleedPath(dry(delay / RATE), RATE, HOP, 1.0), np.sin(turn * time).astype(np.float32)
    )
    expected = np.sin(turn * (time + HOP - delay))
    assert np.abs(heard - expected)[2000:].max() < 2e-3


def test_a_room_rings_and_a_loudspeaker_has_no_bass() -> None:
    bleed = Bleed(0.0, 0.03, rt60_s=0.4, low_hz=200.0, seed=3)
    response = path_response(bleed, RATE)
    spectrum = np.abs(np.fft.rfft(response))
    hz = np.fft.rfftfreq(len(response), 1 / RATE)
    assert np.sqrt(np.mean(spectrum[hz < 40] ** 2)) < 0.1 * np.sqrt(np.mean(spectrum**2))
    assert len(response) > 0.4 * RATE
    sound = np.random.default_rng(0).normal(size=20 * HOP).astype(np.float32)
    heard = sent_through(BleedPath(bleed, RATE, HOP, 1.0), sound)
    wait = round(0.03 * RATE) - HOP
    expected = np.convolve(sound, response)[: len(heard) - wait]
    assert np.allclose(heard[wait:], expected, atol=1e-4)
    assert np.array_equal(response, path_response(bleed, RATE))


def test_a_delay_that_no_hop_can_keep_is_refused() -> None:
    with pytest.raises(UsageError, match="delay"):
        Bleed(0.0, 0.001)
    with pytest.raises(UsageError, match="too short"):
        BleedPath(dry(0.0101), 8000, 46, 1.0, behind=32)
    with pytest.raises(ValueError, match="telepathy"):
        Bleed(known="telepathy")
    assert Bleed(known="sound").known is Known.SOUND


def test_tones_begin_and_end_at_their_sample_however_they_are_asked_for() -> None:
    def sounded(chunk: int) -> Array:
        ensemble = ToneEnsemble(RATE)
        ensemble.send(TimedMessage(1000 / RATE, 0.0, 1, Message(Kind.ON, 1, 69, 100)))
        ensemble.send(TimedMessage(3000 / RATE, 0.0, 1, Message(Kind.OFF, 1, 69)))
        ensemble.send(TimedMessage(3000 / RATE, 0.0, 1, Message(Kind.ON, 10, 40, 100)))
        return np.concatenate([ensemble.render(chunk) for _ in range(25_600 // chunk)])

    whole = sounded(25_600)
    assert not whole[:1001].any()
    assert whole[1001:1100].any()
    assert np.abs(whole[2000:3000]).max() > 0.02 > 0.001 > np.abs(whole[14_000:]).max()
    assert np.array_equal(whole, sounded(256))
    assert np.array_equal(whole, sounded(64))
