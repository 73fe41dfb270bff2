"""The human hand in mid-flight: cues, holds, beats, and how closely to follow."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from accompanist.conducting.settings import FollowMode
from accompanist.conducting.soloist import News
from accompanist.conducting.stage import COUNTED_SD, COUNTED_SD_S, Stage
from accompanist.conducting.tempo_hand import TempoHand

__all__ = ["Hand"]

_HAND_SD, _LIMIT_SD = 0.2, 0.05
"""How sure a tempo is that a human has set, and one that has run into a limit."""
_TRUST_SD_S = 0.1
_LATEST_BEAT_S = 1.0
_SILENT_S = 0.5


class Hand:
    """Carries out what a human wants while it plays.

    Parameters
    ----------
    stage : Stage
    tempo : TempoHand
        Tempo marks and limits.
    meet : callable
        Brings the ensemble to the soloist when an event is taken for heard.
    """

    def __init__(self, stage: Stage, tempo: TempoHand, meet: Callable[[News], None]) -> None:
        self._stage = stage
        self._tempo = tempo
        self._meet = meet
        self._reported_in_silence = False
        self._held_ratio = 1.0

    def cue(self) -> None:
        """Take the next solo note for played now; under a stick, take a beat."""
        stage = self._stage
        if stage.conducted:
            self.beat(stage.now_s)
            return
        if stage.phase == "armed" and len(stage.grid):
            stage.begin_with(stage.first_event, stage.now_s)
            return
        quarter, soloist = stage.position, stage.soloist
        event = stage.grid.event_from(quarter)
        if stage.held is not None:
            gone_on = self._has_gone_on(quarter)
            self.hold(on=False)
            if gone_on:
                return
        elif stage.ensemble.at_gate(quarter):
            event = max(soloist.heard, soloist.crossed) + 1
        if stage.phase == "playing" and event < len(stage.grid):
            soloist.take(event, stage.now_s)
            self._meet(News(event=event))

    def hold(self, *, on: bool | None) -> None:
        """Hold the ensemble where it is, or let it go on from there; None: the other way."""
        stage = self._stage
        wanted = stage.held is None if on is None else on
        if wanted == (stage.held is not None) or stage.conducted:
            return
        quarter = stage.position
        if wanted:
            stage.held = quarter if stage.phase == "playing" else None
            self._reported_in_silence = False
            self._held_ratio = stage.soloist.model.ratio
            return
        stage.held = None
        if stage.ears.share and self._has_gone_on(quarter):
            self._meet(News(event=stage.soloist.heard))
            return
        stage.soloist.model.set_ratio(self._held_ratio, COUNTED_SD)
        stage.expect(quarter)
        if stage.ears.own is not None:
            stage.ears.own.begin(quarter, stage.sound_s)

    def heard(self) -> None:
        """Remember, while it holds, what to think of the report that has just come."""
        soloist = self._stage.soloist
        self._reported_in_silence = soloist.silent_s(self._stage.now_s) > _SILENT_S

    def resync(self) -> None:
        """Be where the follower says that the soloist is."""
        stage = self._stage
        said = stage.estimate
        if said is None or stage.phase in ("idle", "paused") or not isfinite(said.quarter):
            return
        at = min(max(said.quarter, 0.0), stage.end_quarter)
        stage.soloist.trust(at, stage.now_s, _TRUST_SD_S)
        stage.phase, stage.held, stage.entry = "playing", None, None
        stage.jump(at)
        stage.settle()

    def beat(self, time_s: float | None) -> None:
        """Take a beat of the stick."""
        stage = self._stage
        if not stage.conducted:
            return
        now_s = stage.now_s
        beat_s = now_s if time_s is None else min(max(time_s, now_s - _LATEST_BEAT_S), now_s)
        if stage.phase == "armed":
            stage.take_stick(stage.start_quarter, beat_s)
        elif stage.phase == "playing":
            ratio, quarter = stage.stick.ratio, stage.position
            at = stage.stick.beat(beat_s, stage.sound_s)
            ahead = quarter < at < stage.end_quarter
            if ahead and stage.lead.too_far(quarter, at, ratio):
                stage.skip(at)

    # ---- how closely to follow ------------------------------------------------------------------

    def lock(self, *, locked: bool) -> None:
        """Freeze the tempo, or follow again."""
        self._stage.ears.locked = locked
        self._stage.settle()

    def mode(self, mode: FollowMode) -> None:
        """Change who leads."""
        stage, ears = self._stage, self._stage.ears
        was, ratio = ears.mode, stage.ratio
        if mode is FollowMode.CONDUCT and was is not mode:
            at = stage.place
            if stage.phase == "countin":
                stage.phase = "playing"
                stage.begin_at(at)
            stage.held, ears.away = None, False
            stage.stick.stand(at, ratio)
        stage.passages.overrule(mode=mode, here=stage.playing)
        stage.take_lead()
        if was is FollowMode.CONDUCT and mode is not was:
            ears.own = None
            stage.soloist.model.set_ratio(ratio, COUNTED_SD)
            if stage.phase == "playing":
                stage.expect(stage.position)
            stage.settle()

    def level(self, level: float) -> None:
        """Say how closely to follow, 0–10; in the passage that it plays, to its end."""
        self._stage.passages.overrule(level=level, here=self._stage.playing)
        self._stage.take_lead()

    # ---- tempo ----------------------------------------------------------------------------------

    def base(self, qpm: float | None) -> None:
        """Override the tempo mark here."""
        self._tempo.set_base(qpm, self._stage.place)
        self._take_written_tempo()

    def scale(self, scale: float) -> None:
        """Scale all tempi."""
        self._tempo.set_scale(scale)
        self._take_written_tempo()

    def tap(self, time_s: float | None) -> None:
        """Take a tap of the foot."""
        stage = self._stage
        if self._tempo.tap(stage.now_s if time_s is None else time_s, stage.place):
            self._take_written_tempo()

    def limits(self, lowest_qpm: float, highest_qpm: float) -> None:
        """Believe in no tempo beyond these."""
        stage = self._stage
        self._tempo.limits_qpm = (lowest_qpm, highest_qpm)
        ratio = self._tempo.within(stage.soloist.model.ratio, stage.start_quarter)
        if not stage.playing and ratio != stage.soloist.model.ratio:
            stage.soloist.model.set_ratio(ratio, _HAND_SD)

    def nudge(self, share: float) -> None:
        """Go ahead by this share of a beat, or back."""
        stage = self._stage
        if stage.phase != "playing" or stage.conducted:
            return
        quarter = stage.position
        beat = stage.beats.length_quarter(quarter)
        shift_s = share * beat / stage.grid.written_rate(quarter) * stage.ratio
        for model in stage.models:
            model.begin(quarter, model.predict(quarter).time_s - shift_s, COUNTED_SD_S)

    def keep_within_limits(self) -> None:
        """Believe in no tempo beyond the limits."""
        stage = self._stage
        quarter = stage.position
        if stage.soloist.heard >= 0:
            quarter = max(quarter, stage.grid.quarters[stage.soloist.heard])
        for model in stage.models:
            ratio = self._tempo.within(model.ratio, quarter)
            if ratio != model.ratio:
                model.begin(quarter, model.predict(quarter).time_s, COUNTED_SD_S)
                model.set_ratio(ratio, _LIMIT_SD)

    def _take_written_tempo(self) -> None:
        """Play from here on in the tempo of the marks, which say something else now."""
        stage, own = self._stage, self._stage.ears.own
        at = stage.position if stage.phase == "playing" else None
        stage.soloist.retime(at, stage.sound_s, 1.0, _HAND_SD)
        if own is not None and stage.playing:
            if at is not None:
                own.begin(at, stage.sound_s)
            own.set_ratio(1.0, _HAND_SD)
        stage.stick.ratio = 1.0

    def _has_gone_on(self, quarter: float) -> bool:
        """Whether the soloist plays on while the ensemble is held.

        Reports that came in silence are not believed, and the follower is told so: it may have
        taken the silence for a rest to come.
        """
        stage = self._stage
        heard = stage.soloist.heard
        if heard < 0 or stage.grid.release_quarter[heard] <= quarter:
            return False
        if not self._reported_in_silence:
            return True
        stage.follower_at = quarter
        return False
