"""The demonstration: a simulated soloist, a take, and a look at it while it sounds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accompanist.app.offline import Take
from accompanist.app.pieces import check_has_notes, open_any
from accompanist.app.progress import progress_bar
from accompanist.app.rendering import Job, announce_solo, offline_settings, render
from accompanist.app.simulating import render_simulation, write_simulation
from accompanist.conducting.timeline import Timeline
from accompanist.errors import UsageError
from accompanist.followers.protocol import Estimate, FollowerState
from accompanist.performing.cue import Cue
from accompanist.session import Step
from accompanist.simulation.performance import simulate_take
from accompanist.simulation.settings import PRESETS, PlayerSettings, Preset, RoomSettings
from accompanist.takes.folder import check_place
from accompanist.takes.picture import Truth
from bridges.audio_files import Audio, read_audio
from bridges.fluidsynth import find_soundfont
from score_library.catalogue import DEMO_PIECE_ID, Piece

__all__ = ["Demo", "DemoRequest", "make_demo", "show_take"]

_USUAL = Preset(PlayerSettings(phrase_arc=0.16, drift=0.04), RoomSettings(rt60_s=1.2))
"""A warm-hearted player in a drawing room."""
_RATE = 44_100
_SOURCE = "simulated soloist"
_FRAMES_PER_S = 15


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """The words of the command; None stands for the usual."""

    piece: str | None
    preset: str | None
    seed: int
    out: Path
    soundfont: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Demo:
    """What was made: the content of ``take.json``, the take and its piece."""

    facts: dict[str, Any]
    take: Take
    piece: Piece


def make_demo(request: DemoRequest, tell: Callable[[str], None]) -> Demo:
    """Simulate a soloist, accompany them, write the take folder.

    Raises
    ------
    AccompanistError
        No such piece or preset, no sound font, no place to write.
    """
    name = request.preset or "warm"
    presets = {"warm": _USUAL, **PRESETS}
    if name not in presets:
        raise UsageError(f"there is no soloist {name!r}; there are: {', '.join(sorted(presets))}")
    preset = presets[name]
    font = find_soundfont(request.soundfont)
    piece = open_any(request.piece or DEMO_PIECE_ID)
    check_has_notes(piece, "that a soloist could be simulated from")
    check_place(request.out)
    solo = announce_solo(piece, None, tell)
    tell(
        f"The soloist is SIMULATED (kind {name!r}, seed {request.seed}): a sampled instrument "
        "with a human's timing. The ensemble does not know that timing; it listens."
    )
    performance = simulate_take(piece.score, solo, preset.player, request.seed)
    with progress_bar("The soloist plays"):
        sound = render_simulation(
            piece.score,
            performance,
            preset.player,
            preset.room,
            seed=request.seed,
            soundfont=font,
            sample_rate=_RATE,
        )

    def keep_soloist(folder: Path) -> None:
        """Put the soloist's sound and true onsets beside the take, to be rendered again."""
        write_simulation(folder / "soloist", performance, sound, _RATE)
        for file in ("take.wav", "truth.csv"):
            shutil.move(folder / "soloist" / file, folder / file)
        shutil.rmtree(folder / "soloist")

    job = Job(
        piece=piece,
        solo=solo,
        audio=Audio(sound[:, None], _RATE),
        source=_SOURCE,
        settings=offline_settings(piece, solo, None, "auto"),
        soundfont=font,
        truth=Truth(np.asarray(performance.truth_quarter), np.asarray(performance.truth_time_s)),
        seed=request.seed,
        extras=keep_soloist,
        input_facts={"simulated": True, "preset": name},
    )
    done = render(job, request.out)
    return Demo(done.facts, done.take, piece)


def show_take(take: Take, mix: Path, piece: Piece) -> None:
    """Sound the mix and show bar, beat, tempo and confidence while it sounds.

    Raises
    ------
    DeviceError
        The audio output does not open.
    """
    from rich.console import Console
    from rich.live import Live

    from accompanist.app.engine.live import LiveView
    from accompanist.app.playing.terminal import Flags, Screen
    from bridges.audio_out import Playback

    audio = read_audio(mix)
    screen = Screen(
        take.score,
        heading=f"{piece.title} · {take.solo.name} (simulated)",
        sources="the mix, sounding now",
        keys="Ctrl-C ends it",
    )
    with (
        Playback(audio.samples, audio.rate) as playback,
        Live(console=Console(), refresh_per_second=_FRAMES_PER_S, transient=True) as live,
    ):
        while not playback.ended:
            step = _step_at(take, playback.position_s)
            view = LiveView(step=step, peak_db=step.estimate.level_db, advice="", behind_s=0.0)
            live.update(screen.picture(view, Flags()))
            time.sleep(1.0 / _FRAMES_PER_S)


def _step_at(take: Take, time_s: float) -> Step:
    """Recall what was believed and done at a moment of the take."""
    record = take.record
    i = min(int(time_s / take.compute.hop_s), len(record) - 1)
    rate = max(float(record.qpm[i]) / 60.0, 1e-3)
    quarter = float(record.quarters[i])
    estimate = Estimate(
        time_s=float(record.times_s[i]),
        quarter=quarter,
        quarters_per_s=rate,
        confidence=float(record.confidences[i]),
        state=FollowerState.FOLLOWING,
        level_db=float(record.levels_db[i]),
    )
    line = Timeline((estimate.time_s,), (quarter,), rate)
    cue = Cue(estimate.time_s, line, record.states[i])
    return Step(estimate, (), cue, float(record.played_quarters[i]))
