"""Bitwig Studio, by the extension DrivenByMoss (from its manual; not tried with Bitwig itself)."""

from __future__ import annotations

from bridges.hosts.table import Blank, Heard, HostTable, News, Template

__all__ = ["TABLE"]

TABLE = HostTable(
    name="bitwig",
    title="Bitwig Studio",
    port=8000,
    reply_port=9000,
    hello=(Template("/refresh", (1,), "i"),),
    roll=(Template("/play", (1,), "i"),),
    stop=(Template("/stop", (1,), "i"),),
    locate=(Template("/time", (Blank.QUARTER,), "f"),),
    tempo=(Template("/tempo/raw", (Blank.QPM,), "f"),),
    highest_qpm=666.0,
    heard=(Heard("/play", News.ROLLING), Heard("/tempo/raw", News.QPM)),
    remedy="is Open Sound Control (DrivenByMoss) added as a controller, ports 8000 and 9000?",
)
