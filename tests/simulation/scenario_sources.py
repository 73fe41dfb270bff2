"""A melody of decaying tones as the source of scenarios: what sounds when is known exactly."""

import numpy as np

from accompanist.score.model import Measure, Metre, Note, Part, Score, TempoMark
from accompanist.simulation.scenarios.material import Samples, Source

RATE = 8_000
STEP_S = 0.5
LEAD_S = 0.6
SCALE = (60, 64, 67, 72, 71, 67, 65, 62)


def pitches(count: int) -> list[int]:
    return [SCALE[i % len(SCALE)] + 2 * (i // len(SCALE) % 3) for i in range(count)]


def melody_score(count: int = 80) -> Score:
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(pitches(count)))
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(-(-count // 4)))
    return Score(
        title="Melody",
        parts=(Part(1, "Solo", notes),),
        measures=measures,
        tempo_marks=(TempoMark(0.0, 120.0),),
        metres=(Metre(0.0, 4, 4),),
    )


def tone(pitch: float, seconds: float, rate: int = RATE) -> Samples:
    time_s = np.arange(round(seconds * rate)) / rate
    hz = 440.0 * 2 ** ((pitch - 69) / 12)
    return (0.3 * np.sin(2 * np.pi * hz * time_s) * np.exp(-3 * time_s)).astype(np.float32)


def melody_source(count: int = 80, rate: int = RATE) -> Source:
    score = melody_score(count)
    sound = [np.zeros(round(LEAD_S * rate), dtype=np.float32)]
    sound += [tone(p, STEP_S, rate) for p in pitches(count)]
    samples = np.concatenate(sound)
    generator = np.random.default_rng(3)
    samples += 1e-4 * generator.standard_normal(len(samples)).astype(np.float32)
    return Source(
        samples=samples,
        rate=rate,
        truth_quarter=np.arange(count, dtype=np.float64),
        truth_time_s=np.asarray(LEAD_S + STEP_S * np.arange(count)),
        score=score,
        solo=score.parts[0],
        company=lambda _score, _quarter, time_s: np.concatenate(
            [np.zeros(round(time_s[0] * rate), dtype=np.float32)]
            + [tone(43, STEP_S, rate) for _ in time_s]
        ),
        another=lambda: (np.concatenate([tone(50 + i % 5, 0.4, rate) for i in range(60)]), rate),
    )


def pitch_at(samples: Samples, rate: int, time_s: float, length_s: float = 0.2) -> float:
    """Pitch (MIDI number) of the strongest partial shortly after ``time_s``."""
    first = round((time_s + 0.02) * rate)
    piece = samples[first : first + round(length_s * rate)]
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 16 * len(piece)))
    hz = np.argmax(spectrum) * rate / (16 * len(piece))
    return float(69 + 12 * np.log2(max(hz, 1.0) / 440.0))
