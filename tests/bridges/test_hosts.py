"""What each host is told, byte by byte, and what is understood of its answers.

The bytes of Ardour's answers were captured from Ardour 7.3, those of SooperLooper from 1.7.8; the
rest follows the manuals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.hosts.reaper import PATTERN_FILE
from bridges.hosts.registry import HOSTS, host_driver
from bridges.hosts.table import Blank, HostNews, News, Osc, Place
from bridges.osc import decode, encode

BAR_9 = Place(seconds=16.0, quarter=32.0)


def packets(messages: Sequence[Osc]) -> list[bytes]:
    return [encode(m.address, m.arguments, m.types) for m in messages]


def heard(name: str, *data: bytes) -> list[HostNews | None]:
    driver = host_driver(name)
    return [
        driver.decode(message.address, message.arguments)
        for packet in data
        for _, message in decode(packet)
    ]


# ---- Ardour --------------------------------------------------------------------------------------

END_OF_LIST = b"/reply\0\0,shhi\0\0\0end_route_list\0\0\0\0\0\0\0\0\xbb\x80\0\0\0\0\0/z\xb0\0\0\0\0"
STRIP = b"/reply\0\0,ssiiiiii\0\0\0MT\0\0Piano\0\0\0" + b"\0\0\0\0" * 6
FRAME = b"/transport_frame\0\0\0\0,h\0\0\0\0\0\0\0\0\xa9\0"
ROLLS = b"/transport_speed\0\0\0\0,d\0\0?\xf0\0\0\0\0\0\0"
STANDS = b"/transport_speed\0\0\0\0,d\0\0\0\0\0\0\0\0\0\0"


def test_ardour_is_told_in_exact_packets() -> None:
    driver = host_driver("ardour")
    assert packets(driver.hello("127.0.0.1", 4711)) == [b"/strip/list\0,\0\0\0"]
    assert packets(driver.roll()) == [b"/transport_play\0,\0\0\0"]
    assert packets(driver.stop()) == [b"/transport_stop\0,\0\0\0"]
    assert packets(driver.marker("take 1: B")) == [
        b"/add_marker\0,s\0\0take 1: B\0\0\0",
    ]
    assert packets(driver.ask()) == [
        b"/transport_frame\0\0\0\0,\0\0\0",
        b"/transport_speed\0\0\0\0,\0\0\0",
    ]
    assert driver.tempo(100.0) == ()  # no version takes one


def test_ardour_is_located_in_samples_once_its_rate_is_known() -> None:
    driver = host_driver("ardour")
    assert driver.locate(BAR_9, rolling=False) == ()
    for _, message in decode(END_OF_LIST):
        assert driver.decode(message.address, message.arguments) == HostNews(News.ALIVE, 1.0)
    assert packets(driver.locate(BAR_9, rolling=False)) == [
        b"/locate\0,ii\0" + (16 * 48_000).to_bytes(4, "big") + b"\0\0\0\0"
    ]
    assert packets(driver.locate(BAR_9, rolling=True)) == [
        b"/locate\0,ii\0" + (16 * 48_000).to_bytes(4, "big") + b"\0\0\0\x01"
    ]


def test_ardour_is_left_alone_after_a_stop_and_a_locate() -> None:
    driver = host_driver("ardour")
    driver.decode("/reply", ("end_route_list", 48_000, 0, 0))
    assert [m.rest_s for m in driver.stop()] == [0.4]
    assert [m.rest_s for m in driver.locate(BAR_9, rolling=True)] == [0.4]
    assert [m.rest_s for m in driver.roll()] == [0.0]


def test_ardours_answers_are_understood() -> None:
    assert heard("ardour", FRAME) == [HostNews(News.ALIVE, 1.0)]  # its rate is not known yet
    assert heard("ardour", END_OF_LIST, FRAME, ROLLS, STANDS, STRIP) == [
        HostNews(News.ALIVE, 1.0),
        HostNews(News.SECONDS, 43_264 / 48_000),
        HostNews(News.ROLLING, 1.0),
        HostNews(News.ROLLING, 0.0),
        None,
    ]


# ---- REAPER --------------------------------------------------------------------------------------


def test_reaper_is_told_in_exact_packets() -> None:
    driver = host_driver("reaper")
    assert packets(driver.roll()) == [b"/play\0\0\0,f\0\0\x3f\x80\0\0"]
    assert packets(driver.stop()) == [b"/stop\0\0\0,f\0\0\x3f\x80\0\0"]
    assert packets(driver.locate(BAR_9, rolling=True)) == [b"/time\0\0\0,f\0\0\x41\x80\0\0"]
    assert packets(driver.tempo(100.0)) == [b"/tempo/raw\0\0,f\0\0\x42\xc8\0\0"]
    assert packets(driver.marker("B")) == [b"/action/40157\0\0\0,f\0\0\x3f\x80\0\0"]


def test_reapers_answers_are_understood() -> None:
    assert heard(
        "reaper",
        b"/time\0\0\0,f\0\0\x41\x80\0\0",
        b"/play\0\0\0,f\0\0\x3f\x80\0\0",
        b"/tempo/raw\0\0,f\0\0\x42\xc8\0\0",
        b"/track/1/vu\0,f\0\0\x3f\0\0\0",
    ) == [
        HostNews(News.SECONDS, 16.0),
        HostNews(News.ROLLING, 1.0),
        HostNews(News.QPM, 100.0),
        None,
    ]


def test_the_pattern_file_has_all_that_is_said_and_heard() -> None:
    patterns = set()
    for line in PATTERN_FILE.splitlines():
        if line and not line.startswith("#"):
            name, *rest = line.split()
            assert re.fullmatch(r"[A-Z_]+", name)
            if not name.startswith(("DEVICE", "REAPER")):
                assert all(re.fullmatch(r"[nfbtrsi]/[a-z_/@]+", pattern) for pattern in rest), line
                patterns |= {pattern[1:] for pattern in rest}
    table = HOSTS["reaper"]
    said = [t.address for t in (*table.roll, *table.stop, *table.locate, *table.tempo)]
    said += [re.sub(r"\d+", "@", t.address) for t in table.marker]
    assert set(said) | {h.address for h in table.heard} <= patterns


# ---- the others ----------------------------------------------------------------------------------


def test_live_is_told_in_exact_packets() -> None:
    driver = host_driver("ableton_live")
    assert packets(driver.roll()) == [b"/live/song/continue_playing\0,\0\0\0"]
    assert packets(driver.stop()) == [b"/live/song/stop_playing\0,\0\0\0"]
    assert packets(driver.locate(BAR_9, rolling=False)) == [
        b"/live/song/set/current_song_time\0\0\0\0,f\0\0\x42\0\0\0"
    ]
    assert packets(driver.tempo(100.0)) == [b"/live/song/set/tempo\0\0\0\0,f\0\0\x42\xc8\0\0"]
    assert heard(
        "ableton_live",
        b"/live/song/get/current_song_time\0\0\0\0,f\0\0\x42\0\0\0",
        b"/live/song/get/is_playing\0\0\0,i\0\0\0\0\0\x01",
        b"/live/test\0\0,s\0\0ok\0\0",
    ) == [HostNews(News.QUARTER, 32.0), HostNews(News.ROLLING, 1.0), HostNews(News.ALIVE, 1.0)]


def test_bitwig_is_told_in_exact_packets() -> None:
    driver = host_driver("bitwig")
    assert packets(driver.roll()) == [b"/play\0\0\0,i\0\0\0\0\0\x01"]
    assert packets(driver.stop()) == [b"/stop\0\0\0,i\0\0\0\0\0\x01"]
    assert packets(driver.locate(BAR_9, rolling=True)) == [b"/time\0\0\0,f\0\0\x42\0\0\0"]
    assert packets(driver.tempo(100.0)) == [b"/tempo/raw\0\0,f\0\0\x42\xc8\0\0"]
    assert heard("bitwig", b"/tempo/raw\0\0,f\0\0\x42\xc8\0\0") == [HostNews(News.QPM, 100.0)]


def test_sooperlooper_is_told_where_to_answer() -> None:
    driver = host_driver("sooperlooper")
    assert packets(driver.hello("127.0.0.1", 4711)) == [
        b"/ping\0\0\0,ss\0osc.udp://127.0.0.1:4711/\0\0\0/sl/alive\0\0\0"
    ]
    assert packets(driver.ask()) == [
        b"/get\0\0\0\0,sss\0\0\0\0tempo\0\0\0osc.udp://127.0.0.1:4711/\0\0\0/sl/tempo\0\0\0"
    ]
    assert packets(driver.tempo(100.0)) == [b"/set\0\0\0\0,sf\0tempo\0\0\0\x42\xc8\0\0"]
    assert packets(driver.roll()) == [b"/sl/-1/hit\0\0,s\0\0trigger\0"]
    assert packets(driver.stop()) == [b"/sl/-1/hit\0\0,s\0\0pause_on\0\0\0\0"]
    assert driver.locate(BAR_9, rolling=False) == ()
    assert heard(
        "sooperlooper", b"/sl/tempo\0\0\0,isf\0\0\0\0\xff\xff\xff\xfetempo\0\0\0\x42\xc8\0\0"
    ) == [HostNews(News.QPM, 100.0)]


def test_hydrogen_is_told_in_exact_packets() -> None:
    driver = host_driver("hydrogen")
    assert packets(driver.roll()) == [b"/Hydrogen/PLAY\0\0,f\0\0\x3f\x80\0\0"]
    assert packets(driver.stop()) == [b"/Hydrogen/STOP\0\0,f\0\0\x3f\x80\0\0"]
    assert packets(driver.tempo(93.0)) == [b"/Hydrogen/BPM\0\0\0,f\0\0\x42\xba\0\0"]


# ---- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTS)
def test_every_host_can_be_rolled_stopped_and_reached(name: str) -> None:
    table = HOSTS[name]
    assert table.name == name
    assert table.roll
    assert table.stop
    assert 1024 < table.port < 65_536
    assert table.remedy
    filled = (table.hello, table.roll, table.stop, table.locate, table.locate_rolling)
    for template in (t for group in (*filled, table.tempo, table.marker, table.ask) for t in group):
        assert len(template.types) in (0, len(template.arguments))
        blanks = [a for a in template.arguments if isinstance(a, Blank)]
        assert not blanks or template.types


@pytest.mark.parametrize("name", HOSTS)
@given(qpm=st.floats(min_value=0.001, max_value=1e6))
def test_a_tempo_stays_within_what_the_host_takes(name: str, qpm: float) -> None:
    table = HOSTS[name]
    for message in host_driver(name).tempo(qpm):
        told = message.arguments[-1]
        assert isinstance(told, float)
        assert table.lowest_qpm <= told <= table.highest_qpm


argument = st.one_of(
    st.integers(), st.floats(), st.text(max_size=20), st.booleans(), st.none(), st.binary()
)


@pytest.mark.parametrize("name", HOSTS)
@given(data=st.data())
def test_no_answer_confuses_a_driver(name: str, data: st.DataObject) -> None:
    addresses = [h.address for h in HOSTS[name].heard] + ["/else"]
    driver = host_driver(name)
    address = data.draw(st.sampled_from(addresses))
    news = driver.decode(address, data.draw(st.lists(argument, max_size=5)))
    assert news is None or isinstance(news.value, float)
