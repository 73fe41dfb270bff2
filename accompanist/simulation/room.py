"""What a microphone in a room makes of the soloist: reverberation, bleed, noise, level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.simulation.noise import signal_noise
from accompanist.simulation.settings import RoomSettings

__all__ = ["record", "reverberated", "room_response", "sounding_rms"]

FloatArray = npt.NDArray[np.float64]

_PREDELAY_S = 0.012
_FRAME_S = 0.05
_SILENT_DB = 50.0


def sounding_rms(sound: FloatArray, sample_rate: int) -> float:
    """RMS over those stretches that are not silent (less than 50 dB under the loudest)."""
    frame = max(round(_FRAME_S * sample_rate), 1)
    frames = sound[: len(sound) // frame * frame].reshape(-1, frame)
    if not frames.size:
        return float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0
    power = np.mean(frames**2, axis=1)
    return float(np.sqrt(np.mean(power[power >= power.max() * 10 ** (-_SILENT_DB / 10)])))


def room_response(
    sample_rate: int, rt60_s: float, direct_db: float, generator: np.random.Generator
) -> FloatArray:
    """Impulse response of a room, the direct sound (1) first; see `reverberated`."""
    count = max(round(rt60_s * 1.1 * sample_rate), 8)
    time_s = np.arange(count) / sample_rate
    rough = generator.standard_normal(count)
    smooth = np.convolve(rough, np.ones(8) / np.sqrt(8.0), mode="same")
    decay = 10.0 ** (-3.0 * time_s / rt60_s)
    response = 0.7 * smooth * decay + 0.3 * rough * decay**2
    response *= 10.0 ** (-direct_db / 20.0) / max(float(np.sqrt(np.sum(response**2))), 1e-12)
    late = round(_PREDELAY_S * sample_rate)
    return np.concatenate(([1.0], np.zeros(late), response))


def reverberated(
    sound: FloatArray,
    sample_rate: int,
    rt60_s: float,
    direct_db: float,
    generator: np.random.Generator,
) -> FloatArray:
    """Add a room: noise which decays exponentially by 60 dB in ``rt60_s``, treble twice as fast.

    ``direct_db`` is the energy of the direct sound over that of the reverberation. The answer is
    as long as the input; the tail is cut.
    """
    from scipy.signal import oaconvolve

    response = room_response(sample_rate, rt60_s, direct_db, generator)
    return np.asarray(oaconvolve(sound, response)[: len(sound)])


def record(
    solo: npt.NDArray[np.floating],
    accompaniment: npt.NDArray[np.floating] | None,
    sample_rate: int,
    room: RoomSettings,
    seed: int,
) -> npt.NDArray[np.float32]:
    """Give what the microphone writes.

    Parameters
    ----------
    solo : ndarray [shape=(n,)]
        The instrument by itself, mono.
    accompaniment : ndarray [shape=(n,)] or None
        The other parts by themselves, mono, already delayed; heard if ``room.bleed_db`` is set.
    sample_rate : int
    room : RoomSettings
    seed : int

    Returns
    -------
    ndarray [shape=(n,)]
        Peak at ``room.peak_db`` (silence stays silent).
    """
    generator = np.random.default_rng([seed, 2])
    sound = np.asarray(solo, dtype=np.float64)
    level = sounding_rms(sound, sample_rate)
    if room.bleed_db is not None and accompaniment is not None and accompaniment.any():
        others = np.asarray(accompaniment, dtype=np.float64)
        gain = level * 10.0 ** (room.bleed_db / 20.0) / sounding_rms(others, sample_rate)
        sound = sound + gain * others
    if room.rt60_s is not None:
        sound = reverberated(sound, sample_rate, room.rt60_s, room.direct_db, generator)
    if room.noise_snr_db is not None:
        noise = signal_noise(room.noise_kind, len(sound), sample_rate, generator)
        sound = sound + noise * (level or 1.0) * 10.0 ** (-room.noise_snr_db / 20.0)
    peak = float(np.max(np.abs(sound), initial=0.0))
    if peak > 0:
        sound = sound * (10.0 ** (room.peak_db / 20.0) / peak)
    return sound.astype(np.float32)
