"""Round-trip latency by loop-back: a known signal goes out, and is looked for in what comes in.

The signal is a maximum-length sequence, band-limited so that loudspeakers and ears bear it, some
repetitions with silence between. Each is found by its matched filter, to a fraction of a sample.

References
----------
D. D. Rife and J. Vanderkooy, "Transfer-function measurement with maximum-length sequences",
J. Audio Eng. Soc. 37(6), 1989.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from accompanist.app.machine.latencies import RoundTrip
from accompanist.errors import DeviceError

__all__ = [
    "HOW_TO_CABLE",
    "Found",
    "Probe",
    "find_round_trip",
    "make_probe",
    "measure_round_trip",
]

FloatArray = npt.NDArray[np.float64]

HOW_TO_CABLE = (
    "connect the output with the input: a cable from an output of the interface to the input that "
    "you play into (its gain low), or put the microphone in front of the loudspeaker (headphones: "
    "an earpiece on the microphone), then try again"
)
ORDER = 14
LOW_HZ, HIGH_HZ = 150.0, 12_000.0
LEVEL = 0.25
LONGEST_ROUND_TRIP_S = 0.8
LEAD_IN_S = 0.5
CLEAR = 9.0
"""How far a peak stands above the noise of its matched filter to be one, in standard deviations.
The highest of 50 000 values of pure noise stands at 4.4 ± 0.3."""
FIRST_ARRIVAL = 0.6
"""A reflection may be louder than the direct way, but hardly by more than this."""
AGREE_S = 0.001
LOST_S = 0.0001
"""More spread than this where the driver says that it lost samples, and they were ours."""
SILENT = 1e-5
CLIPPING = 0.999


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What is played.

    Attributes
    ----------
    burst : ndarray [shape=(n,)]
        One repetition.
    starts : tuple of int
        Sample at which each repetition begins.
    samples : ndarray [shape=(m,), dtype=float32]
        All of it, with silence between.
    """

    sample_rate: int
    burst: FloatArray
    starts: tuple[int, ...]
    samples: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """A round trip as heard in the recording."""

    round_trip_s: float
    """Median over the repetitions that agree."""
    spread_s: float
    """Largest less smallest of them."""
    heard: int
    """How many agree to a millisecond."""
    repetitions: int
    clear_db: float
    """Median of peak over noise of the matched filter."""
    clipped: bool


def make_probe(sample_rate: int, repetitions: int = 5, level: float = LEVEL) -> Probe:
    """Make the signal.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    repetitions : int
        At least 3, or nothing could be said of the spread.
    level : float
        Peak, full scale being 1.
    """
    from scipy.signal import max_len_seq

    if repetitions < 3:
        raise ValueError("at least 3 repetitions")
    bits = max_len_seq(ORDER)[0].astype(np.float64)
    padded = np.concatenate([2.0 * bits - 1.0, np.zeros(256)])
    spectrum = np.fft.rfft(padded)
    hz = np.fft.rfftfreq(len(padded), 1.0 / sample_rate)
    high_hz = min(HIGH_HZ, 0.4 * sample_rate)
    # smooth edges, no phase: the autocorrelation stays one short peak
    shape = 1.0 / np.sqrt(1.0 + (LOW_HZ / np.maximum(hz, 1e-3)) ** 4)
    shape /= np.sqrt(1.0 + (hz / high_hz) ** 8)
    burst = np.fft.irfft(spectrum * shape, len(padded))
    burst *= level / np.max(np.abs(burst))
    lead_in = round(LEAD_IN_S * sample_rate)
    step = len(burst) + round(LONGEST_ROUND_TRIP_S * sample_rate)
    starts = tuple(lead_in + i * step for i in range(repetitions))
    samples = np.zeros(starts[-1] + step, dtype=np.float32)
    for start in starts:
        samples[start : start + len(burst)] += burst.astype(np.float32)
    return Probe(sample_rate, burst, starts, samples)


def find_round_trip(probe: Probe, recorded: npt.NDArray[np.float32]) -> Found:
    """Find the probe in what was recorded while it was played.

    Parameters
    ----------
    probe : Probe
        What was played.
    recorded : ndarray [shape=(n,)]
        Its sample 0 came in while sample 0 of the probe went out.

    Returns
    -------
    Found
        The way there and back.

    Raises
    ------
    DeviceError
        It is not there; the message says how to cable it.
    """
    heard = np.asarray(recorded, dtype=np.float64)
    heard = np.where(np.isfinite(heard), heard, 0.0)
    if len(heard) == 0 or np.max(np.abs(heard)) < SILENT:
        raise DeviceError(f"the input stayed silent; {HOW_TO_CABLE}")
    lags, clear = [], []
    for start in probe.starts:
        lag, ratio = _arrival(probe, heard[start:])
        lags.append(lag)
        clear.append(ratio)
    arrived = np.array([lag for lag, r in zip(lags, clear, strict=True) if r >= CLEAR])
    if len(arrived) == 0:
        raise DeviceError(f"something came in, but not what went out; {HOW_TO_CABLE}")
    near = arrived[np.abs(arrived - np.median(arrived)) <= AGREE_S * probe.sample_rate]
    if len(near) < max(2, (len(probe.starts) + 1) // 2):
        raise DeviceError(
            f"what went out came back only {len(near)} times of {len(probe.starts)} at the same "
            f"time; make it louder or the room quieter, and {HOW_TO_CABLE}"
        )
    return Found(
        round_trip_s=float(np.median(near)) / probe.sample_rate,
        spread_s=float(np.max(near) - np.min(near)) / probe.sample_rate,
        heard=len(near),
        repetitions=len(probe.starts),
        clear_db=float(20.0 * np.log10(np.median(clear))),
        clipped=bool(np.mean(np.abs(heard) >= CLIPPING) > 1e-5),
    )


def _arrival(probe: Probe, heard: FloatArray) -> tuple[float, float]:
    """Lag of the first arrival in samples, and the highest peak over the noise."""
    burst = probe.burst
    reach = round(LONGEST_ROUND_TRIP_S * probe.sample_rate)
    window = heard[: len(burst) + reach]
    size = 1 << (len(burst) + reach + len(burst) - 1).bit_length()
    matched = np.fft.irfft(np.fft.rfft(window, size) * np.conj(np.fft.rfft(burst, size)), size)
    strength = np.abs(matched[: reach + 1])  # a cable may turn the sign
    top = int(np.argmax(strength))
    around = round(0.02 * probe.sample_rate)
    noise = np.concatenate([strength[: max(0, top - around)], strength[top + around :]])
    # median of |x| of a normal x is 0.6745 standard deviations
    sigma = float(np.median(noise)) / 0.6745 if len(noise) else 0.0
    floor = 1e-9 * float(np.sum(burst**2))
    first = _first_peak(strength, top, round(0.01 * probe.sample_rate))
    return first + _fraction(matched, first), float(strength[top]) / max(sigma, floor)


def _first_peak(strength: FloatArray, top: int, before: int) -> int:
    """Find the direct sound: the first peak shortly before ``top`` that is nearly as high."""
    begin = max(1, top - before)
    for i in range(begin, top):
        if (
            strength[i] >= FIRST_ARRIVAL * strength[top]
            and strength[i] >= strength[i - 1]
            and strength[i] > strength[i + 1]
        ):
            return i
    return top


def _fraction(matched: FloatArray, peak: int) -> float:
    """Place of the peak between the samples, by band-limited interpolation and a parabola."""
    if not 16 <= peak < len(matched) - 16:
        return 0.0
    fine = 16
    grid = np.arange(-fine, fine + 1) / fine
    taps = np.arange(-16, 17)
    away = grid[:, None] - taps
    kernel = np.sinc(away) * np.cos(0.5 * np.pi * away / 17.5) ** 2  # a Hann window
    curve = np.abs(kernel @ matched[peak - 16 : peak + 17])
    top = int(np.argmax(curve))
    if not 0 < top < len(curve) - 1:
        return float(grid[top])
    left, middle, right = curve[top - 1 : top + 2]
    bend = left - 2.0 * middle + right
    shift = 0.0 if bend == 0.0 else 0.5 * (left - right) / bend
    return float(grid[top] + shift / fine)


def measure_round_trip(
    input_name: str | None,
    output_name: str | None,
    *,
    channel: int = 1,
    block_samples: int = 0,
    repetitions: int = 5,
    level: float = LEVEL,
    progress: Callable[[float], None] | None = None,
) -> tuple[RoundTrip, Found]:
    """Play the probe, record it, and say how long it was under way.

    Parameters
    ----------
    input_name, output_name : str, optional
        By number or a part of the name; None: the system's.
    channel : int
        Of the input, from 1.
    block_samples : int
        Size of the blocks; 0 takes the driver's own, without a delay by regrouping them.
    repetitions : int
        How often, at least 3.
    level : float
        Peak of the signal, full scale being 1.
    progress : callable, optional
        Told the share that is done, now and then.

    Raises
    ------
    DeviceError
        A device does not open, samples were lost, or the loop is not there.
    """
    from bridges.loopback import find_pair, play_and_record

    pair = find_pair(input_name, output_name)
    probe = make_probe(pair.sample_rate, repetitions, level)
    recording = play_and_record(
        pair, probe.samples, channel=channel, block_samples=block_samples, progress=progress
    )
    found = find_round_trip(probe, recording.samples)
    if recording.xruns and (found.heard < found.repetitions or found.spread_s > LOST_S):
        raise DeviceError(
            f"{pair.input.name}: the driver lost samples {recording.xruns} times while measuring; "
            "close other programs, or try a larger --block"
        )
    in_s, out_s = _shared(found.round_trip_s, recording.told_in_s, recording.told_out_s)
    trip = RoundTrip(
        input=pair.input.name,
        output=pair.output.name,
        sample_rate=pair.sample_rate,
        block_samples=block_samples,
        round_trip_s=found.round_trip_s,
        spread_s=found.spread_s,
        in_s=in_s,
        out_s=out_s,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return trip, found


def _shared(round_trip_s: float, told_in_s: float, told_out_s: float) -> tuple[float, float]:
    """Share the way between input and output as the driver does, where it can be believed."""
    told_s = told_in_s + told_out_s
    if min(told_in_s, told_out_s) <= 0.0 or not 0.25 <= told_s / max(round_trip_s, 1e-9) <= 1.5:
        return round_trip_s / 2.0, round_trip_s / 2.0
    in_s = round_trip_s * told_in_s / told_s
    return in_s, round_trip_s - in_s
