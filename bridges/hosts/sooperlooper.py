"""SooperLooper (1.7.8 tried). It does not stretch: the tempo is for the loops to come.

It has no place to go to. Rolling starts the loops that are there from their tops, stopping pauses
them; a loop that is being recorded is left alone.
"""

from __future__ import annotations

from bridges.hosts.table import Blank, Heard, HostTable, News, Template

__all__ = ["TABLE"]

_ALL_LOOPS = "/sl/-1/hit"

TABLE = HostTable(
    name="sooperlooper",
    title="SooperLooper",
    port=9951,
    hello=(Template("/ping", (Blank.REPLY_URL, "/sl/alive"), "ss"),),
    roll=(Template(_ALL_LOOPS, ("trigger",), "s"),),
    stop=(Template(_ALL_LOOPS, ("pause_on",), "s"),),
    tempo=(Template("/set", ("tempo", Blank.QPM), "sf"),),
    ask=(Template("/get", ("tempo", Blank.REPLY_URL, "/sl/tempo"), "sss"),),
    heard=(Heard("/sl/alive", News.ALIVE), Heard("/sl/tempo", News.QPM, 2)),
    remedy="is sooperlooper running, with its OSC port 9951?",
)
