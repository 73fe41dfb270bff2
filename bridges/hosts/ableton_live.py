"""Ableton Live, by the remote script AbletonOSC (from its manual; not tried with Live itself)."""

from __future__ import annotations

from bridges.hosts.table import Blank, Heard, HostTable, News, Template

__all__ = ["TABLE"]

TABLE = HostTable(
    name="ableton_live",
    title="Ableton Live",
    port=11_000,
    reply_port=11_001,
    hello=(Template("/live/test"), Template("/live/song/start_listen/is_playing")),
    # "start_playing" begins at the insert marker; this one where we have located
    roll=(Template("/live/song/continue_playing"),),
    stop=(Template("/live/song/stop_playing"),),
    locate=(Template("/live/song/set/current_song_time", (Blank.QUARTER,), "f"),),
    tempo=(Template("/live/song/set/tempo", (Blank.QPM,), "f"),),
    ask=(Template("/live/song/get/current_song_time"), Template("/live/song/get/tempo")),
    heard=(
        Heard("/live/song/get/current_song_time", News.QUARTER),
        Heard("/live/song/get/tempo", News.QPM),
        Heard("/live/song/get/is_playing", News.ROLLING),
        Heard("/live/test", News.ALIVE),
        Heard("/live/startup", News.ALIVE),
    ),
    remedy="is AbletonOSC chosen as a control surface in its preferences?",
)
