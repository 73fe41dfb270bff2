"""What the simulated soloist and the room around them are like."""

from __future__ import annotations

from dataclasses import dataclass, fields

from accompanist.errors import UsageError

__all__ = ["NOISE_KINDS", "PRESETS", "Jump", "Pause", "PlayerSettings", "Preset", "RoomSettings"]

NOISE_KINDS = ("white", "pink", "hum")


@dataclass(frozen=True, slots=True)
class Pause:
    """A breath too many: ``seconds`` of waiting before the printed ``bar``."""

    bar: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Jump:
    """On reaching the printed bar ``from_bar`` the soloist goes on at ``to_bar`` instead."""

    from_bar: str
    to_bar: str


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """The soloist. The default plays like a good amateur with a warm heart.

    Attributes
    ----------
    tempo_factor : float
        Played over written tempo; 1.2 is faster.
    phrase_arc : float
        How much faster, as a share, the middle of a phrase of ``phrase_bars`` is than its ends.
    accent : float
        Share by which a downbeat is lengthened (and a beat by half of it).
    final_tempo, final_bars : float
        Tempo at the very end over that before, and the bars over which it is reached.
    drift : float
        Standard deviation of the slow wandering (1/f) of the logarithm of the tempo.
    habit : float
        How much, as a share, the player's own way with this piece changes the tempo from note to
        note (standard deviation); the same in every take …
    player : int
        … of the same player.
    motor_s : float
        Standard deviation of each onset by itself.
    chord_spread_s : float
        Standard deviation of the notes of a chord against one another.
    fermata_factor : float
        Played over written length under a fermata.
    articulation, articulation_spread : float
        Sounding share of a note's length, and its standard deviation.
    dynamics : float
        Swell and accents, as a share of the velocity; ``velocity_spread`` is added noise.
    vibrato_cents, vibrato_hz : float
        Depth (peak) and rate on long notes of instruments that can.
    wrong, missed, extra, repeated : float
        Probabilities, for each note: another pitch; left out; one put in; struck twice.
    """

    tempo_factor: float = 1.0
    phrase_arc: float = 0.10
    phrase_bars: int = 4
    accent: float = 0.03
    final_tempo: float = 0.7
    final_bars: float = 2.0
    drift: float = 0.03
    habit: float = 0.0
    player: int = 0
    motor_s: float = 0.008
    chord_spread_s: float = 0.006
    fermata_factor: float = 1.8
    articulation: float = 0.92
    articulation_spread: float = 0.04
    dynamics: float = 0.15
    velocity_spread: float = 4.0
    vibrato_cents: float = 15.0
    vibrato_hz: float = 5.6
    wrong: float = 0.0
    missed: float = 0.0
    extra: float = 0.0
    repeated: float = 0.0
    a4_hz: float = 440.0
    pauses: tuple[Pause, ...] = ()
    jumps: tuple[Jump, ...] = ()
    lead_in_s: float = 1.0

    def __post_init__(self) -> None:
        _check_range(self, ("wrong", "missed", "extra", "repeated"), 0.0, 1.0)
        _check_range(self, ("tempo_factor", "final_tempo", "fermata_factor"), 0.05, 20.0)
        _check_range(self, ("phrase_arc", "accent", "drift", "habit", "dynamics"), 0.0, 1.0)
        _check_range(self, ("player",), 0, 2**32)
        _check_range(self, ("motor_s", "chord_spread_s", "articulation_spread"), 0.0, 0.5)
        _check_range(self, ("articulation",), 0.05, 1.2)
        _check_range(self, ("a4_hz",), 220.0, 880.0)
        _check_range(self, ("vibrato_cents",), 0.0, 100.0)
        _check_range(self, ("vibrato_hz",), 1.0, 15.0)
        _check_range(self, ("lead_in_s",), 0.0, 600.0)
        _check_range(self, ("phrase_bars",), 1, 64)
        _check_range(self, ("final_bars",), 0.0, 64.0)
        if any(not 0.0 <= pause.seconds <= 600.0 for pause in self.pauses):
            raise UsageError("pause: 0 to 600 seconds, please")


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """Everything between the instrument and the file. Levels in dB; None leaves a thing out.

    Attributes
    ----------
    rt60_s : float or None
        Time in which the reverberation decays by 60 dB.
    direct_db : float
        Direct sound over reverberation.
    noise_snr_db : float or None
        Soloist (RMS while playing) over noise.
    noise_kind : str
        ``white``, ``pink`` or ``hum`` (mains, 50 Hz and its harmonics).
    bleed_db : float or None
        The other parts, heard through the microphone, against the soloist (RMS); 0 is as loud.
    bleed_delay_s : float
        How late they come.
    peak_db : float
        Peak of the file, dB below full scale.
    tail_s : float
        What is recorded after the last note.
    """

    rt60_s: float | None = None
    direct_db: float = 6.0
    noise_snr_db: float | None = None
    noise_kind: str = "pink"
    bleed_db: float | None = None
    bleed_delay_s: float = 0.02
    peak_db: float = -6.0
    tail_s: float = 1.5

    def __post_init__(self) -> None:
        if self.rt60_s is not None:
            _check_range(self, ("rt60_s",), 0.02, 30.0)
        if self.noise_snr_db is not None:
            _check_range(self, ("noise_snr_db",), -60.0, 200.0)
        if self.bleed_db is not None:
            _check_range(self, ("bleed_db",), -200.0, 60.0)
        _check_range(self, ("direct_db",), -60.0, 200.0)
        _check_range(self, ("bleed_delay_s", "tail_s"), 0.0, 60.0)
        _check_range(self, ("peak_db",), -120.0, 0.0)
        if self.noise_kind not in NOISE_KINDS:
            raise UsageError(f"noise {self.noise_kind!r}: choose one of {', '.join(NOISE_KINDS)}")


def _check_range(
    settings: PlayerSettings | RoomSettings, names: tuple[str, ...], low: float, high: float
) -> None:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in names and not low <= value <= high:
            raise UsageError(f"{field.name} {value:g}: it has to lie within {low:g} and {high:g}")


@dataclass(frozen=True, slots=True)
class Preset:
    """A soloist in a room."""

    player: PlayerSettings
    room: RoomSettings


PRESETS: dict[str, Preset] = {
    "steady": Preset(
        PlayerSettings(
            phrase_arc=0.02,
            accent=0.01,
            final_tempo=0.85,
            drift=0.01,
            motor_s=0.006,
            vibrato_cents=8.0,
        ),
        RoomSettings(),
    ),
    "romantic": Preset(
        PlayerSettings(
            phrase_arc=0.22,
            accent=0.06,
            final_tempo=0.5,
            drift=0.07,
            motor_s=0.012,
            fermata_factor=2.2,
            articulation=0.97,
            dynamics=0.3,
            vibrato_cents=25.0,
        ),
        RoomSettings(rt60_s=1.2),
    ),
    "student": Preset(
        PlayerSettings(
            tempo_factor=0.85,
            drift=0.06,
            motor_s=0.02,
            wrong=0.02,
            missed=0.015,
            extra=0.01,
            repeated=0.01,
            articulation_spread=0.1,
        ),
        RoomSettings(rt60_s=0.4, noise_snr_db=35.0),
    ),
    "stage": Preset(
        PlayerSettings(phrase_arc=0.14, drift=0.04),
        RoomSettings(rt60_s=1.8, direct_db=3.0, noise_snr_db=30.0, bleed_db=-18.0),
    ),
}
