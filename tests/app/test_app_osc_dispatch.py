"""What the OSC server does with messages, leases and time, on a virtual clock."""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osc_virtual import UNIX_S, Bench

from accompanist.app.desk.protocol import DeskError
from accompanist.app.osc.leases import Leases
from accompanist.app.osc.pattern import matches
from accompanist.errors import BadInputError
from bridges.osc import OscMessage, decode, encode, encode_bundle, ntp_from_unix

STATE_COUNT = 70
"""Addresses with a value, three parts loaded, ``timemap`` among them."""


@pytest.fixture
def bench() -> Bench:
    return Bench()


def addresses(messages: list[OscMessage]) -> list[str]:
    return [m.address for m in messages]


# ---- answers -------------------------------------------------------------------------------------


def test_what_the_desk_refuses_is_told_with_its_code(bench: Bench) -> None:
    bench.desk.refused["arm"] = DeskError(409, "no piece is loaded;\nload one")
    assert bench.ask("/acc/arm") == [
        OscMessage("/acc/error", ("/acc/arm", 409, "no piece is loaded; load one"))
    ]
    bench.desk.refused["input/device"] = DeskError(503, "no such device")
    assert bench.error("/acc/input/device", "x") == ("/acc/input/device", 503)
    del bench.desk.values["piece/info"]
    assert bench.error("/acc/piece/info") == ("/acc/piece/info", 404)


def test_an_error_of_another_kind_is_answered_too(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.desk.refused["stop"] = BadInputError("broken")  # type: ignore[assignment]
    assert bench.error("/acc/stop") == ("/acc/stop", 409)
    assert not caplog.records
    bench.desk.refused["stop"] = ZeroDivisionError()  # type: ignore[assignment]
    assert bench.error("/acc/stop") == ("/acc/stop", 409)
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert bench.ask("/acc/start") == [OscMessage("/acc/start")]


def test_a_near_miss_is_named(bench: Bench) -> None:
    (answer,) = bench.ask("/acc/tempo/scal")
    assert answer.arguments[2] == "there is no such address; did you mean /acc/tempo/scale?"
    (answer,) = bench.ask("/acc/part/9/gain")
    assert answer.arguments[2] == "there is no part 9; parts go from 1 to 3"


def test_another_root() -> None:
    bench = Bench(root="/duo/")
    assert bench.ask("/duo/tempo/scale") == [OscMessage("/duo/tempo/scale", (1.0,))]
    assert addresses(bench.ask("/acc/tempo/scale")) == ["/duo/error"]


def test_ping_under_the_root_or_without_it(bench: Bench) -> None:
    assert bench.ask("/ping") == [OscMessage("/pong")]
    assert bench.ask("/acc/ping") == [OscMessage("/pong")]
    assert bench.ask("/ping", 1) == [OscMessage("/pong")]


def test_quit_is_answered_before_it_is_done(bench: Bench) -> None:
    seen: list[int] = []
    bench.desk.do = lambda key, values: seen.append(len(bench.sent))  # type: ignore[method-assign]
    bench.ask("/acc/quit")
    assert seen == [1]


def test_a_pattern_reaches_states_and_never_actions(bench: Bench) -> None:
    assert addresses(bench.ask("/acc/part/*/mute", 1)) == [f"/acc/part/{n}/mute" for n in (1, 2, 3)]
    assert [bench.desk.values[f"part/{n}/mute"] for n in (1, 2, 3)] == [(1,)] * 3
    found = addresses(bench.ask("/acc/tempo/{scale,min,ma}*"))
    assert found == ["/acc/tempo/scale", "/acc/tempo/min", "/acc/tempo/max"]
    bench.ask("/acc/*")
    bench.ask("/acc/*/*", 1)
    assert bench.desk.done == []
    assert addresses(bench.ask("/acc/part/[12]/gain", 99.0)) == ["/acc/error"] * 2


@pytest.mark.parametrize(
    ("pattern", "word", "expected"),
    [
        ("*", "", True), ("a*", "abc", True), ("*c", "abc", True), ("a*d", "abc", False),
        ("?", "", False), ("?b", "ab", True), ("[!a]b", "cb", True), ("[a-c]", "b", True),
        ("[c-a]", "b", False), ("{ab,a}b", "ab", True), ("{ab,a}b", "abb", True), ("[", "[", True),
        ("{a", "{a", True), ("", "", True), ("", "a", False), ("{}", "", True),
        ("*" * 90 + "x", "a" * 90, False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, word: str, expected: bool) -> None:
    assert matches(pattern, word) is expected


@given(st.text("ab*?[]{},!-", max_size=12), st.text("ab", max_size=12))
def test_no_pattern_is_too_strange(pattern: str, word: str) -> None:
    assert matches(pattern, word) in (True, False)


# ---- from elsewhere ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/acc/quit", ()),
        ("/acc/reload", ()),
        ("/acc/take/export", ("smf",)),
        ("/acc/take/save", ("../x",)),
        ("/acc/take/save", ("/etc/x",)),
        ("/acc/piece/load", ("/etc/passwd",)),
        ("/acc/piece/load", ("score.mid",)),
        ("/acc/piece/load", ("..",)),
    ],
)
def test_another_machine_gets_no_files_and_ends_nothing(
    bench: Bench, address: str, arguments: tuple[str, ...]
) -> None:
    far = bench.another(9000, host="192.168.1.7")
    (answer,) = bench.ask(address, *arguments, peer=far)
    assert answer.arguments[:2] == (address, 409)
    assert bench.desk.done == []


def test_another_machine_may_play(bench: Bench) -> None:
    far = bench.another(9000, host="192.168.1.7")
    assert bench.ask("/acc/piece/load", "la-folia", peer=far)[0].address == "/acc/piece/load"
    assert bench.ask("/acc/take/save", "take 3", peer=far)[0].address == "/acc/take/save"
    assert bench.ask("/acc/tempo/scale", 0.5, peer=far)[0].arguments == (0.5,)


# ---- leases --------------------------------------------------------------------------------------


def test_a_new_subscriber_gets_the_whole_state_and_then_every_change(bench: Bench) -> None:
    dump = bench.ask("/acc/subscribe", "*")
    assert len(dump) == STATE_COUNT == len({m.address for m in dump})
    assert OscMessage("/acc/piece/marks", ("A", "B")) in dump
    assert OscMessage("/acc/part/3/gain", (0.0,)) in dump
    other = bench.another(50_001)
    bench.ask("/acc/tempo/scale", 0.5, peer=other)
    assert bench.take() == [OscMessage("/acc/tempo/scale", (0.5,))]


def test_the_setter_hears_once_whether_subscribed_or_not(bench: Bench) -> None:
    assert len(bench.ask("/acc/part/1/mute", 1)) == 1
    bench.ask("/acc/subscribe", "part")
    bench.loop.run_until(0.5)
    assert bench.ask("/acc/part/1/mute", 0) == [OscMessage("/acc/part/1/mute", (0,))]
    bench.loop.run_until(1.5)
    bench.take()
    # nothing changes: no change to tell the others, but an answer
    assert bench.ask("/acc/part/1/mute", 0) == [OscMessage("/acc/part/1/mute", (0,))]


@pytest.mark.parametrize("topic", ["tempo", "/acc/tempo", "/acc/tempo/", "tempo/*"])
def test_a_topic_is_a_branch_of_the_tree(bench: Bench, topic: str) -> None:
    dump = bench.ask("/acc/subscribe", topic)
    assert {a.rsplit("/", 1)[0] for a in addresses(dump)} == {"/acc/tempo"}
    bench.desk.tell("follow/lost", (1,))
    assert bench.take() == []


def test_topics_that_are_not_there(bench: Bench) -> None:
    for topic in ("nothing", "tempo/scalee", "part/1/x", "/other/tempo"):
        assert bench.error("/acc/subscribe", topic) == ("/acc/subscribe", 404)
    assert bench.error("/acc/subscribe") == ("/acc/subscribe", 400)
    assert bench.error("/acc/subscribe", 5) == ("/acc/subscribe", 400)
    assert bench.error("/acc/subscribe", "*", 0) == ("/acc/subscribe", 422)
    assert bench.error("/acc/subscribe", "*", 20, 70_000) == ("/acc/subscribe", 422)
    assert bench.error("/acc/subscribe", "*", 20, 9000, 0) == ("/acc/subscribe", 422)
    assert len(bench.subscribers) == 0


def test_changes_are_thinned_and_the_latest_value_wins(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "input/level", 10)
    heard = []
    for i in range(101):  # 100 changes in a second, the last at 1.0
        bench.loop.run_until(0.2 + 0.01 * i)
        bench.desk.tell("input/level", (-60.0 + i,))
        heard += [(round(bench.loop.now_s, 3), m.arguments[0]) for m in bench.take()]
    bench.loop.run_until(2.0)
    heard += [(2.0, m.arguments[0]) for m in bench.take()]
    times = [t for t, _ in heard]
    assert 11 <= len(heard) <= 13
    assert heard[0] == (0.2, -60.0)
    assert all(b - a >= 0.1 - 0.011 for a, b in pairwise(times))
    assert heard[-1][1] == 40.0


def test_beats_errors_and_the_state_are_never_thinned(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "*", 1)
    bench.take()
    for i in range(5):
        bench.desk.tell("state", ("following" if i % 2 else "waiting",))
        bench.desk.tell("beat", (1, i + 1, 96.0, ntp_from_unix(UNIX_S + i)))
        bench.desk.tell("error", ("arm", 503, f"no {i}"))
    heard = addresses(bench.take())
    assert [heard.count(f"/acc/{a}") for a in ("state", "beat", "error")] == [5, 5, 5]


def test_a_beat_comes_in_a_bundle_dated_when_it_sounds(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "beat")
    bench.sent.clear()
    bench.desk.tell("beat", (17, 3, 96.5, ntp_from_unix(UNIX_S + 0.25)))
    ((_, packet),) = bench.sent
    assert packet == encode_bundle(UNIX_S + 0.25, [encode("/acc/beat", (17, 3, 96.5))])
    assert bench.ask("/acc/beat") == decode_all(encode("/acc/beat", (17, 3, 96.5)))


def decode_all(packet: bytes) -> list[OscMessage]:
    return [m for _, m in decode(packet)]


def test_errors_of_the_desk_name_the_whole_address(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "error")
    bench.desk.tell("error", ("input/device", 503, "unplugged"))
    bench.desk.tell("error", ("", 503, "the engine has died"))
    assert [m.arguments for m in bench.take()] == [
        ("/acc/input/device", 503, "unplugged"),
        ("", 503, "the engine has died"),
    ]
    assert bench.ask("/acc/error")[0].arguments == ("", 503, "the engine has died")


def test_the_time_map_comes_once_a_second_at_least(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "timemap")
    bench.take()
    bench.loop.run_until(3.5)
    assert len(bench.take()) == 3
    bench.desk.tell("timemap", (3_913_000_004.0, 20.0, 2.5))
    assert bench.take() == [OscMessage("/acc/timemap", (3_913_000_004.0, 20.0, 2.5))]
    bench.loop.run_until(4.4)
    assert bench.take() == []  # the change counts
    bench.loop.run_until(4.6)
    assert len(bench.take()) == 1
    del bench.desk.values["timemap"]
    bench.loop.run_until(10.0)
    assert bench.take() == []


def test_a_lease_ends_and_is_renewed_by_subscribing_or_ping(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.ask("/acc/subscribe", "state", 20, 50_000, 10)
    bench.loop.run_until(9.0)
    assert bench.ask("/ping")[0].address == "/pong"
    bench.loop.run_until(18.0)
    bench.ask("/acc/subscribe", "state", 20, 50_000, 10)
    bench.loop.run_until(27.9)
    assert len(bench.subscribers) == 1
    assert not caplog.records
    bench.loop.run_until(28.0)
    assert len(bench.subscribers) == 0
    (record,) = caplog.records
    assert "127.0.0.1:50000 dropped" in record.getMessage()
    bench.take()
    bench.desk.tell("state", ("armed",))
    assert bench.take() == []


def test_an_idle_bench_rings_no_timer(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "*", 20, 50_000, 2)
    bench.loop.run_until(3.0)
    assert bench.loop.pending == 0


def test_changes_go_to_the_port_that_was_named(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "tempo/scale", 20, 9001)
    listener = bench.another(9001)
    assert bench.take() == []
    assert addresses(bench.take(listener)) == ["/acc/tempo/scale"]
    bench.loop.run_until(1.0)
    assert len(bench.ask("/acc/tempo/scale", 0.5)) == 1
    assert bench.take(listener) == [OscMessage("/acc/tempo/scale", (0.5,))]
    bench.ask("/acc/unsubscribe", "*", 9001)
    assert len(bench.subscribers) == 0


def test_topics_add_up_and_end_one_by_one(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "state")
    bench.ask("/acc/subscribe", "tempo", 1)
    assert len(bench.subscribers) == 1
    bench.ask("/acc/unsubscribe", "state")
    bench.desk.tell("state", ("armed",))
    bench.loop.run_until(1.0)
    bench.desk.tell("tempo/now", (90.0,))
    assert addresses(bench.take()) == ["/acc/tempo/now"]
    bench.ask("/acc/unsubscribe")
    assert len(bench.subscribers) == 0
    assert bench.ask("/acc/unsubscribe") == []


def test_subscribing_again_tells_everything_again_but_not_at_any_rate(bench: Bench) -> None:
    first = len(bench.ask("/acc/subscribe", "tempo"))
    assert len(bench.ask("/acc/subscribe", "tempo")) == 0
    bench.loop.run_until(5.0)
    bench.take()
    assert len(bench.ask("/acc/subscribe", "tempo")) == first == 6


def test_there_is_an_end_to_the_subscribers() -> None:
    bench = Bench(most_subscribers=2)
    bench.ask("/acc/subscribe", "state", 20, 9001)
    bench.ask("/acc/subscribe", "state", 20, 9002)
    assert bench.error("/acc/subscribe", "state", 20, 9003) == ("/acc/subscribe", 409)
    bench.subscribers.gone(bench.another(9001), "test")
    assert bench.ask("/acc/subscribe", "state", 20, 9003) == []
    assert len(bench.subscribers) == 2


def test_the_parts_of_another_piece_are_told(bench: Bench) -> None:
    bench.ask("/acc/subscribe", "*")
    bench.loop.run_until(1.5)
    bench.take()
    bench.desk.numbers = (1, 2)
    bench.desk.tell("piece/info", ("Etude", 32, 2))
    heard = addresses(bench.take())
    assert heard[0] == "/acc/piece/info"
    assert sorted(heard[1:]) == sorted(
        f"/acc/part/{n}/{control}"
        for n in (1, 2)
        for control in ["name", "mute", "solo", "gain", "pan", "channel", "program", "output"]
    )


def test_a_watcher_that_gets_nonsense_from_the_desk_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.ask("/acc/subscribe", "*")
    bench.take()
    bench.desk.tell("no/such/thing", (1,))
    bench.desk.tell("tempo/now", ("fast",))
    assert len(caplog.records) == 1
    bench.desk.tell("state", ("armed",))
    assert addresses(bench.take()) == ["/acc/state"]


leases = st.lists(
    st.tuples(
        st.sampled_from(["subscribe", "offer", "wait", "renew", "unsubscribe"]),
        st.integers(0, 3),
        st.sampled_from(["*", "tempo", "tempo/now", "state"]),
        st.integers(1, 50),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(leases)
def test_every_subscriber_ends_up_with_the_latest_value_at_no_more_than_its_rate(
    steps: list[tuple[str, int, str, int]],
) -> None:
    table: Leases[int] = Leases(3)
    now_s, value = 0.0, 0
    told: dict[tuple[int, str], list[tuple[float, float, int]]] = {}

    def note(who: int, key: str, what: int) -> None:
        interval_s = table._leases[who].interval_s(key)
        assert interval_s is not None
        told.setdefault((who, key), []).append((now_s, interval_s, what))

    def settle() -> None:
        table.expired(now_s)
        for who, key, values in table.due(now_s):
            note(who, key, int(values[0]))

    for kind, who, topic, number in steps:
        if kind == "subscribe":
            with suppress(DeskError):
                table.subscribe(who, who, topic, hz=number, ttl_s=5.0, now_s=now_s)
        elif kind == "renew":
            table.renew(who, now_s)
        elif kind == "unsubscribe":
            table.unsubscribe(who, topic)
            if who not in table._leases:  # whoever comes back has a new lease
                told = {key: moments for key, moments in told.items() if key[0] != who}
        elif kind == "offer":
            value += 1
            key = "tempo/now" if topic == "*" else topic
            for recipient in table.offer(key, (value,), now_s):
                note(recipient, key, value)
        else:
            now_s += number / 100
            settle()
        assert len(table) <= 3
    for _ in range(200):
        if not any(lease.pending for lease in table._leases.values()):
            break
        now_s = max(table.next_s, now_s)
        settle()
    assert not any(lease.pending for lease in table._leases.values())
    for (_, key), moments in told.items():
        assert [w for *_, w in moments] == sorted(w for *_, w in moments)
        for (a, _, _), (b, interval_s, _) in pairwise(moments):
            assert key == "state" or b - a >= interval_s - 1e-9


# ---- time tags -----------------------------------------------------------------------------------


def dated(bench: Bench, ahead_s: float, *packets: bytes) -> None:
    bench.dispatcher.packet(encode_bundle(UNIX_S + bench.loop.now_s + ahead_s, packets), bench.peer)


def test_a_bundle_is_done_at_its_time_and_others_do_not_wait_for_it(bench: Bench) -> None:
    dated(bench, 2.0, encode("/acc/start"), encode("/acc/tempo/scale", (0.5,)))
    assert bench.ask("/acc/arm") == [OscMessage("/acc/arm")]
    bench.loop.run_until(1.99)
    assert bench.desk.done == [("arm", ())]
    bench.loop.run_until(2.01)
    assert bench.desk.done == [("arm", ()), ("start", ())]
    assert bench.desk.values["tempo/scale"] == (0.5,)


@pytest.mark.parametrize("ahead_s", [0.0, -5.0, -1e9])
def test_a_bundle_of_the_past_is_done_at_once(bench: Bench, ahead_s: float) -> None:
    dated(bench, ahead_s, encode("/acc/start"))
    assert bench.desk.done == [("start", ())]


def test_a_bundle_of_next_year_is_refused_and_blocks_nothing(bench: Bench) -> None:
    dated(bench, 365 * 86_400.0, encode("/acc/start"))
    assert bench.take()[0].arguments[:2] == ("/acc/start", 422)
    dated(bench, 10.5, encode("/acc/start"))
    assert bench.take()[0].arguments[:2] == ("/acc/start", 422)
    assert bench.ask("/acc/state") == [OscMessage("/acc/state", ("idle",))]
    assert bench.loop.pending == 0
    bench.loop.run_until(100.0)
    assert bench.desk.done == []


def test_only_so_many_messages_may_wait(bench: Bench) -> None:
    for _ in range(300):
        dated(bench, 5.0, encode("/acc/cue"))
    refused = bench.take()
    assert len(refused) == 300 - 256
    assert {m.arguments[1] for m in refused} == {409}
    bench.loop.run_until(6.0)
    assert len(bench.desk.done) == 256
    dated(bench, 1.0, encode("/acc/cue"))
    bench.dispatcher.close()
    bench.loop.run_until(10.0)
    assert len(bench.desk.done) == 256


# ---- floods --------------------------------------------------------------------------------------


def test_errors_are_answered_generously_and_then_no_faster_than_they_may(bench: Bench) -> None:
    for _ in range(5000):
        bench.dispatcher.packet(b"junk", bench.peer)
    first = len(bench.take())
    assert first == 500
    bench.loop.run_until(1.0)
    for _ in range(5000):
        bench.dispatcher.packet(b"junk", bench.peer)
    assert len(bench.take()) == 100
    other = bench.another(50_001)
    assert addresses(bench.ask("/nothing", peer=other)) == ["/acc/error"]


@settings(max_examples=200)
@given(st.binary(max_size=100), st.lists(st.sampled_from(["*", "tempo", "a" * 300]), max_size=2))
def test_no_packet_raises_anything(packet: bytes, texts: list[str]) -> None:
    bench = Bench()
    bench.dispatcher.packet(packet, bench.peer)
    bench.dispatcher.packet(b"/acc/" + packet, bench.peer)
    bench.dispatcher.packet(encode("/acc/subscribe", texts), bench.peer)
    assert bench.ask("/ping")[-1] == OscMessage("/pong")


def test_mutated_packets_leave_the_server_answering(bench: Bench) -> None:
    rng = random.Random(11)
    good = [
        encode("/acc/tempo/scale", (0.9,)),
        encode("/acc/subscribe", ("*", 20, 9000, 30)),
        encode_bundle(UNIX_S + 3.0, [encode("/acc/cue"), encode("/acc/part/*/mute", (1,))]),
    ]
    for _ in range(3000):
        packet = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 5)):
            packet[rng.randrange(len(packet))] = rng.randrange(256)
        bench.dispatcher.packet(bytes(packet), bench.peer)
    bench.loop.run_until(20.0)
    assert bench.ask("/ping")[-1] == OscMessage("/pong")


def test_much_work_is_done_in_turns_and_in_order() -> None:
    bench = Bench()

    def slow_do(key: str, values: tuple[object, ...]) -> None:
        bench.loop.now_s += 0.001  # every action takes a millisecond
        done.append((round(bench.loop.now_s, 6), values[0]))

    done: list[tuple[float, object]] = []
    bench.desk.do = slow_do  # type: ignore[method-assign]
    bars = [encode("/acc/goto/bar", (n,)) for n in range(20)]
    bench.dispatcher.packet(encode_bundle(UNIX_S, bars), bench.peer)
    assert 3 <= len(done) <= 5
    busy = [bench.dispatcher.busy]
    first = len(done)
    bench.dispatcher.packet(encode("/acc/goto/bar", (99,)), bench.peer)
    assert len(done) == first
    bench.loop.run_until(1.0)
    assert [bar for _, bar in done] == [*range(20), 99]
    assert [*busy, bench.dispatcher.busy] == [True, False]
    gaps = [b - a for (a, _), (b, _) in pairwise(done)]
    assert max(gaps) == pytest.approx(0.002)  # others had a millisecond in between
