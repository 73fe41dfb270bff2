"""Stretchers by name."""

from __future__ import annotations

from accompanist.recordings.stretching.protocol import MakeStretcher

__all__ = ["DEFAULT_STRETCHER", "make_stretcher", "stretcher_names"]

DEFAULT_STRETCHER = "phase-gradient"
_NAMES = (DEFAULT_STRETCHER, "phase-vocoder", "plain-vocoder")


def stretcher_names() -> tuple[str, ...]:
    """Names of the stretchers, the default first."""
    return _NAMES


def make_stretcher(name: str | None = None) -> MakeStretcher:
    """Give what makes stretchers of that name; None: the default.

    Raises
    ------
    ValueError
        There is no such stretcher.
    """
    match name or DEFAULT_STRETCHER:
        case "phase-gradient":
            from accompanist.recordings.stretching.gradient import phase_gradient

            return phase_gradient
        case "phase-vocoder":
            from accompanist.recordings.stretching.locking import phase_vocoder

            return phase_vocoder
        case "plain-vocoder":
            from accompanist.recordings.stretching.locking import plain_vocoder

            return plain_vocoder
    raise ValueError(f"there is no stretcher {name!r}; there is {', '.join(_NAMES)}")
