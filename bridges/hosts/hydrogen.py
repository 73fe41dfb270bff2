"""Hydrogen (1.2 tried). It answers nothing; its places are columns of the song, not times."""

from __future__ import annotations

from bridges.hosts.table import Blank, HostTable, Template

__all__ = ["TABLE"]

TABLE = HostTable(
    name="hydrogen",
    title="Hydrogen",
    port=9000,
    roll=(Template("/Hydrogen/PLAY", (1.0,), "f"),),
    stop=(Template("/Hydrogen/STOP", (1.0,), "f"),),
    tempo=(Template("/Hydrogen/BPM", (Blank.QPM,), "f"),),
    lowest_qpm=10.0,
    highest_qpm=400.0,
    remedy="is OSC switched on in its preferences, port 9000?",
)
