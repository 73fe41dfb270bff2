import numpy as np
import pytest

from accompanist.errors import UsageError
from accompanist.simulation.room import record, reverberated, sounding_rms
from accompanist.simulation.settings import RoomSettings

RATE = 16_000
DRY = RoomSettings(peak_db=0.0)


def tone(seconds: float, hz: float = 440.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def with_silence(sound: np.ndarray) -> np.ndarray:
    return np.concatenate((np.zeros(RATE), sound, np.zeros(RATE)))


def db(power: float) -> float:
    return float(10 * np.log10(power))


def test_silence_does_not_count_for_the_level() -> None:
    assert sounding_rms(with_silence(tone(1.0)), RATE) == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert sounding_rms(np.zeros(0), RATE) == 0.0


def test_a_dry_take_is_only_scaled_to_its_peak() -> None:
    sound = record(0.1 * tone(1.0), None, RATE, RoomSettings(peak_db=-6.0), 0)
    assert np.max(np.abs(sound)) == pytest.approx(10 ** (-0.3), rel=1e-4)
    assert sound == pytest.approx(10 ** (-0.3) * tone(1.0), abs=1e-3)


def test_silence_stays_silent() -> None:
    assert not record(np.zeros(100), np.zeros(100), RATE, RoomSettings(bleed_db=0.0), 0).any()


def test_reverberation_decays_by_sixty_db_in_its_time() -> None:
    click = np.zeros(2 * RATE)
    click[0] = 1.0
    tail = reverberated(click, RATE, 1.0, 0.0, np.random.default_rng(0))
    power = [np.mean(tail[round(t * RATE) : round((t + 0.1) * RATE)] ** 2) for t in (0.4, 0.8)]
    assert db(float(power[0] / power[1])) == pytest.approx(24.0, abs=2.0)


def test_direct_sound_over_reverberation() -> None:
    click = np.zeros(2 * RATE)
    click[0] = 1.0
    wet = reverberated(click, RATE, 0.8, 6.0, np.random.default_rng(0))
    assert wet[0] == pytest.approx(1.0)
    assert db(float(np.sum(wet[1:] ** 2))) == pytest.approx(-6.0, abs=0.1)


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_at_the_level_asked_for(kind: str) -> None:
    room = RoomSettings(noise_snr_db=20.0, noise_kind=kind, peak_db=0.0)
    sound = record(with_silence(tone(2.0)), None, RATE, room, 0)
    noise, both = np.mean(sound[:RATE] ** 2), np.mean(sound[RATE : 3 * RATE] ** 2)
    assert db(float((both - noise) / noise)) == pytest.approx(20.0, abs=1.5)


def test_bleed_at_the_level_asked_for() -> None:
    solo = np.concatenate((tone(1.0), np.zeros(RATE)))
    others = np.concatenate((np.zeros(RATE), 0.01 * tone(1.0, 200.0)))
    room = RoomSettings(bleed_db=-12.0, peak_db=0.0)
    sound = record(solo, others, RATE, room, 0)
    ratio = np.mean(sound[RATE:] ** 2) / np.mean(sound[:RATE] ** 2)
    assert db(float(ratio)) == pytest.approx(-12.0, abs=0.2)


def test_without_a_level_there_is_no_bleed() -> None:
    assert record(tone(0.5), tone(0.5, 200.0), RATE, DRY, 0) == pytest.approx(tone(0.5), abs=1e-3)


def test_the_same_seed_gives_the_same_room() -> None:
    room = RoomSettings(rt60_s=0.5, noise_snr_db=30.0)
    first, again, other = (record(tone(0.5), None, RATE, room, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"rt60_s": -1.0}, "rt60_s"), ({"noise_kind": "brown"}, "white, pink, hum")],
)
def test_an_impossible_room_is_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        RoomSettings(**settings)  # type: ignore[arg-type]
