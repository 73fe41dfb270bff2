"""What happened in a take, kept as it happens: small columns, cheap to add to."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

from accompanist.followers.protocol import OnsetReport
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.session import Step

__all__ = ["TakeRecord"]

FloatArray = npt.NDArray[np.float64]


class TakeRecord:
    """Trace, onset reports and sent messages of a take.

    Not thread-safe; `add` takes a few microseconds and forty bytes a hop.

    Attributes
    ----------
    onsets : list of OnsetReport
        In the order of their reports.
    messages : list of TimedMessage
        In the order of sending.
    jumps : list of (float, float)
        Time and new position wherever the ensemble was somewhere else at once.
    """

    def __init__(self) -> None:
        self._times = array("d")
        self._quarters = array("d")
        self._rates = array("d")
        self._confidences = array("f")
        self._levels = array("f")
        self._played = array("d")
        self._states = array("B")
        self._state_names: list[str] = []
        self._state_numbers: dict[str, int] = {}
        self.onsets: list[OnsetReport] = []
        self.messages: list[TimedMessage] = []
        self.jumps: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return len(self._times)

    def add(self, step: Step) -> None:
        """Keep what one hop brought."""
        estimate = step.estimate
        self.add_row(
            time_s=estimate.time_s,
            quarter=estimate.quarter,
            quarters_per_s=estimate.quarters_per_s,
            confidence=estimate.confidence,
            level_db=estimate.level_db,
            played_quarter=step.played_quarter,
            state=step.state,
        )
        if estimate.onsets:
            self.onsets.extend(estimate.onsets)
        if step.messages:
            self.messages.extend(step.messages)
        if step.jumped:
            self.jumps.append((estimate.time_s, step.played_quarter))

    def add_row(
        self,
        *,
        time_s: float,
        quarter: float,
        quarters_per_s: float,
        confidence: float,
        level_db: float,
        played_quarter: float,
        state: str,
    ) -> None:
        """Keep the trace of one hop alone."""
        self._times.append(time_s)
        self._quarters.append(quarter)
        self._rates.append(quarters_per_s)
        self._confidences.append(confidence)
        self._levels.append(level_db)
        self._played.append(played_quarter)
        number = self._state_numbers.get(state)
        if number is None:
            number = self._state_numbers[state] = len(self._state_names)
            self._state_names.append(str(state))
        self._states.append(number)

    @property
    def times_s(self) -> FloatArray:
        """End of each hop [shape=(n_hops,)]."""
        return np.array(self._times, dtype=np.float64)

    @property
    def quarters(self) -> FloatArray:
        """Believed position of the soloist at each hop's end."""
        return np.array(self._quarters, dtype=np.float64)

    @property
    def qpm(self) -> FloatArray:
        """Believed tempo of the soloist, quarters a minute."""
        return np.array(self._rates, dtype=np.float64) * 60.0

    @property
    def confidences(self) -> FloatArray:
        """Of the position, 0–1."""
        return np.array(self._confidences, dtype=np.float64)

    @property
    def levels_db(self) -> FloatArray:
        """Input level, dB below full scale."""
        return np.array(self._levels, dtype=np.float64)

    @property
    def played_quarters(self) -> FloatArray:
        """Where the ensemble was at each hop's end."""
        return np.array(self._played, dtype=np.float64)

    @property
    def states(self) -> list[str]:
        """State at each hop's end."""
        return [self._state_names[number] for number in self._states]

    @property
    def struck(self) -> list[TimedMessage]:
        """The note-ons among the messages."""
        return [m for m in self.messages if m.message.kind is Kind.ON]
