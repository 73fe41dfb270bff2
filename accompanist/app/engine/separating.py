"""While a recording is played, a better separation of it is made for the next time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accompanist.app.separating.background import BackgroundSeparation
    from score_library.catalogue import Piece

__all__ = ["Separating"]

_LOG = logging.getLogger(__name__)


class Separating:
    """One separation at a time, of the piece that was loaded last. Not thread-safe."""

    def __init__(self) -> None:
        self._piece = ""
        self._under_way: BackgroundSeparation | None = None

    def begin(self, piece: Piece) -> None:
        """Go over to a piece; one that is under way for it already goes on."""
        if piece.recording is None:
            self.close()
            return
        if piece.id == self._piece:
            return
        self.close()
        from accompanist.app.separating.background import begin_if_wanted

        self._piece = piece.id
        self._under_way = begin_if_wanted(piece)

    def look(self) -> None:
        """See whether it has come to an end; never waits."""
        if self._under_way is None:
            return
        from accompanist.app.separating.background import Done, Failed

        match self._under_way.poll():
            case Done():
                _LOG.warning("%s: taken apart better; load it again to hear it", self._piece)
            case Failed(reason):
                _LOG.warning("%s: is not taken apart any better (%s)", self._piece, reason)
            case _:
                return
        self._under_way.close()
        self._under_way = None

    def close(self) -> None:
        """Give up what is under way; nothing of it is kept."""
        under_way, self._under_way, self._piece = self._under_way, None, ""
        if under_way is not None:
            under_way.close()
