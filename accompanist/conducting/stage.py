"""Everything the conductor knows and stands in front of, and the few moves that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accompanist.conducting.beats import Beats
from accompanist.conducting.beginning import Beginnings, Entry
from accompanist.conducting.ears import Ears
from accompanist.conducting.ensemble import EnsembleLine
from accompanist.conducting.flow_tempo import FlowTempo
from accompanist.conducting.flowing import FlowingSoloist
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.lead import Lead
from accompanist.conducting.leading import Leading
from accompanist.conducting.passages import Passages
from accompanist.conducting.patience import Patience
from accompanist.conducting.settings import ConductorSettings, FollowMode
from accompanist.conducting.soloist import Soloist
from accompanist.conducting.stick import Stick
from accompanist.conducting.tempo_model import TempoModel
from accompanist.followers.protocol import Estimate
from accompanist.score.model import Score

__all__ = ["COUNTED_SD", "COUNTED_SD_S", "EDGE_QUARTER", "Stage"]

COUNTED_SD_S, COUNTED_SD = 0.03, 0.12
"""How sure the soloist's entry and tempo are after a count-in."""
EDGE_QUARTER = 1e-9


class Stage:
    """What is shared by all that acts in a hop. Not thread-safe.

    Attributes
    ----------
    phase : str
        ``armed``, ``idle``, ``paused``, ``countin``, ``playing`` or ``ended``.
    state : str
        The same as the outside world sees it.
    now_s, sound_s : float
        End of the hop, and the time for which what is sent now is meant.
    estimate : Estimate or None
        What the follower said in this hop.
    jumped : bool
        The position has jumped in this hop.
    follower_at : float or None
        Where the follower is told to look, in this hop.
    anywhere : bool
        In this hop: it is told to look everywhere else, too.
    placed : bool
        Somebody has said where to begin, or the piece has begun, and has not ended since.
    start_quarter, first_event
        Where it will begin.
    entry : Entry or None
        End of the count-in, until the soloist has been heard.
    held : float or None
        Where the human hand holds the ensemble.
    """

    def __init__(
        self, score: Score, grid: SoloGrid, model: TempoModel, settings: ConductorSettings,
        end_quarter: float,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.grid = grid
        self.end_quarter = end_quarter
        delay_s, dwell_s = settings.report_delay_s, settings.dwell_s
        self.soloist = (
            FlowingSoloist(grid, model, delay_s, dwell_s)
            if isinstance(model, FlowTempo)
            else Soloist(grid, model, delay_s, dwell_s)
        )
        self.patience = Patience(grid, settings)
        self.passages = Passages(
            self.patience.mode, settings.level, score.passages, settings.passages
        )
        self.ears = Ears(self.patience.mode, settings.level)
        self.ensemble = EnsembleLine(grid, settings.ahead_s)
        self.lead = Lead(grid, settings, self.patience, self.ensemble, end_quarter)
        self.leading = Leading(grid)
        self.beats = Beats(score, end_quarter)
        self.stick = Stick(grid, self.beats, end_quarter)
        self.beginnings = Beginnings(grid, score.measures)
        self.state = self.phase = "armed"
        self.now_s = self.sound_s = 0.0
        self.estimate: Estimate | None = None
        self.jumped = False
        self.follower_at: float | None = None
        self.anywhere = self.placed = False
        self.start_quarter, self.first_event = 0.0, 0
        self.entry: Entry | None = None
        self.held: float | None = None

    @property
    def playing(self) -> bool:
        """Whether the ensemble is under way, be it only counting."""
        return self.phase in ("playing", "countin")

    @property
    def conducted(self) -> bool:
        """Whether it plays under a stick."""
        return self.ears.mode is FollowMode.CONDUCT

    @property
    def position(self) -> float:
        """Where the ensemble is."""
        return self.ensemble.position(self.sound_s)

    @property
    def place(self) -> float:
        """The position, but not before the place that is being counted in to."""
        quarter = self.position
        return self.entry.quarter if self.entry and self.counting(quarter) else quarter

    @property
    def ratio(self) -> float:
        """Played seconds for each written second, by whoever leads."""
        if self.conducted:
            return self.stick.ratio
        own = self.ears.own if self.playing else None
        return (own or self.soloist.model).ratio

    @property
    def models(self) -> Sequence[TempoModel]:
        """All that is believed of tempo."""
        own = self.ears.own
        return (self.soloist.model,) if own is None else (self.soloist.model, own)

    def counting(self, quarter: float) -> bool:
        """Whether ``quarter`` is still only counted."""
        if self.phase != "countin" or self.entry is None:
            return False
        return quarter < self.entry.quarter and not self.ensemble.at_gate(quarter)

    def use(self, settings: ConductorSettings) -> None:
        """Take other settings, as far as they can change while it plays."""
        self.settings = self.patience.settings = self.lead.settings = settings
        self.ensemble.delay(settings.ahead_s)
        self.sound_s = self.now_s + settings.ahead_s

    def look_around(self) -> bool:
        """See where the ensemble has come: into a passage, or a rest in which it leads.

        Says whether anything changes by it.
        """
        entered = self.passages.come_to(self.place)
        if entered:
            self.take_lead()
        return self._take_over() or entered

    def _take_over(self) -> bool:
        """Lead where the soloist rests, in the tempo of the last while."""
        soloist, leading = self.soloist, self.leading
        if soloist.heard >= 0 and soloist.heard != leading.event:
            leading.heard(soloist.heard, soloist.heard_s)
        quarter = self.position
        if not leading.takes_over(max(soloist.heard, soloist.crossed) + 1, quarter):
            return False
        ratio = leading.ratio
        if ratio is None or not self.ears.share or self.conducted:
            return False
        for model in self.models:
            model.set_ratio(ratio, COUNTED_SD)
            model.begin(quarter, self.sound_s, COUNTED_SD_S)
        soloist.by_hand = True  # in a rest a follower only guesses where they are
        return True

    def take_lead(self) -> None:
        """Follow as it is usual here, as the passage wants it, or as the human has said."""
        passages = self.passages
        self.ears.mode = self.patience.mode = passages.mode
        self.ears.level = passages.level
        if passages.late_s != self.settings.soloist_late_s:
            self.use(replace(self.settings, soloist_late_s=passages.late_s))
        self.settle()

    # ---- moves ----------------------------------------------------------------------------------

    def begin_with(self, event: int, time_s: float) -> None:
        """Begin where the soloist has begun."""
        at = self.grid.release_quarter[event]
        self.soloist.begin(event, time_s)
        self.phase = "playing"
        self.begin_at(at)
        self.settle(anew=True)

    def begin_at(self, quarter: float, lead_quarter: float = 0.0) -> None:
        """Stand at ``quarter``, or so much before it as is to be counted."""
        self.placed = True
        at = quarter - lead_quarter
        moved = abs(at - self.position) > EDGE_QUARTER
        self.jumped = self.jumped or moved or at > 0
        self._put(quarter, lead_quarter)

    def jump(self, quarter: float) -> None:
        """Be at ``quarter`` and go on from there."""
        self.jumped = True
        self._put(quarter)
        self.state = "following"
        if self.conducted:
            self.stick.stand(quarter, self.stick.ratio)
        elif self.ears.own is not None:
            self.ears.own.begin(quarter, self.sound_s)

    def skip(self, quarter: float) -> None:
        """Be at ``quarter``, leaving out what lies before it; all else stays."""
        self.jumped = True
        self._put(quarter)

    def leave(self, at: float, state: str) -> None:
        """Play no more; stand at ``at``."""
        if self.phase == "countin":
            self.jumped = True  # from the beats that were counted
        self.stand(at)
        self.phase = self.state = state
        self.ensemble.close(at, self.sound_s)

    def stand(self, at: float) -> None:
        """Let ``at`` be the place to begin."""
        self.start_quarter = min(max(at, 0.0), self.end_quarter)
        self.first_event = self.beginnings.first_event(self.start_quarter)
        self.held, self.ears.away = None, False

    def take_stick(self, at: float, time_s: float) -> None:
        """Begin at ``at`` with the first beat, given at ``time_s``."""
        self.begin_at(at)
        self.expect(at)
        self.phase, self.state = "playing", "following"
        self.stick.begin(at, self.soloist.model.ratio, time_s, self.sound_s)

    def expect(self, quarter: float) -> None:
        """Believe the soloist here and now, with the notes from here on still to come."""
        self.soloist.model.begin(quarter, self.sound_s, COUNTED_SD_S)
        before = self.grid.event_from(quarter) - 1
        self.soloist.place(before, self.sound_s, counted=True)
        self.soloist.by_hand = True

    def settle(self, *, anew: bool = False, moving: bool = False) -> None:
        """Have a tempo of its own if what was changed wants one; ``anew``: the soloist's.

        ``moving``: the soloist's line is to be kept too.
        """
        if anew:
            self.ears.own = None
        if not self.playing:
            self.ears.own = None
        else:
            self.ears.settle(self.soloist.model.plain if moving else self._frozen)

    def _frozen(self) -> TempoModel:
        """Make a model that stands where the ensemble does and hears nobody."""
        model, quarter = self.soloist.model.plain(), self.position
        if not self.counting(quarter):
            model.begin(quarter, self.sound_s)
        return model

    def _put(self, quarter: float, lead_quarter: float = 0.0) -> None:
        rate = self.grid.written_rate(quarter) / self.soloist.model.ratio
        self.ensemble.put(quarter, self.sound_s, rate, lead_quarter)
        self.lead.unblock()
        self.entry = None
