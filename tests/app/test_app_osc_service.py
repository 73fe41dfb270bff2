"""The daemon's surface on real sockets of this machine: UDP, HTTP, WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from fake_desk import FakeDesk

from accompanist.app.daemon.runtime import Urls
from accompanist.app.osc.http import allowed_host
from accompanist.app.osc.query import attributes, tree
from accompanist.app.osc.service import OscService, OscSettings
from accompanist.app.osc.table import TABLE, find
from accompanist.errors import AccompanistError, UsageError
from bridges.osc import OscArgument, OscMessage, decode, encode, encode_bundle
from bridges.osc_udp import OscUdp

LONGEST_S = 5.0


def free_ports() -> OscSettings:
    """Settings with ports that nobody else on this machine seems to use."""
    for base in range(20_000 + os.getpid() % 8000, 32_000, 10):
        try:
            for port in (base, base + 1):
                OscUdp("127.0.0.1", port, port).close()
            for port in (base + 1, base + 2):
                with socket.socket() as tcp:
                    tcp.bind(("127.0.0.1", port))
        except (AccompanistError, OSError):
            continue
        return OscSettings(port=base, http_port=base + 1, announce=False)
    raise AssertionError("no free ports")


PORTS = free_ports()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await asyncio.wait_for(test(), 30)

    asyncio.run(within())


@asynccontextmanager
async def serving(
    settings: OscSettings = PORTS,
    healthy: Callable[[], str] = str,
    ready: Callable[[], str] = str,
) -> AsyncIterator[tuple[FakeDesk, Urls]]:
    desk = FakeDesk()
    service = OscService(desk, settings, healthy=healthy, ready=ready)
    urls = await service.start()
    try:
        yield desk, urls
    finally:
        await service.stop()


class Asker:
    """A UDP client on the test's own loop."""

    def __init__(self, port: int) -> None:
        self._udp = OscUdp("127.0.0.1")
        self._to = ("127.0.0.1", port)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *error: object) -> None:
        self._udp.close()

    def raw(self, packet: bytes) -> None:
        self._udp.send(packet, self._to)

    def send(self, address: str, *arguments: OscArgument) -> None:
        self.raw(encode(address, arguments))

    async def packet(self, longest_s: float = LONGEST_S) -> bytes:
        until_s = time.monotonic() + longest_s
        while time.monotonic() < until_s:
            got = self._udp.receive()
            if got is not None and got[0]:
                return got[0]
            await asyncio.sleep(0.002)
        raise TimeoutError("no answer")

    async def answer(self, longest_s: float = LONGEST_S) -> OscMessage:
        return decode(await self.packet(longest_s))[0][1]

    async def ask(self, address: str, *arguments: OscArgument) -> OscMessage:
        self.send(address, *arguments)
        return await self.answer()

    async def silent(self) -> bool:
        with suppress(TimeoutError):
            await self.packet(0.1)
            return False
        return True


# ---- UDP -----------------------------------------------------------------------------------------


def test_a_state_over_udp_in_exact_bytes() -> None:
    async def test() -> None:
        async with serving() as (desk, urls):
            with Asker(urls.osc_port) as asker:
                asker.raw(b"/acc/tempo/scale\0\0\0\0,f\0\0\x3f\x66\x66\x66")
                assert await asker.packet() == encode("/acc/tempo/scale", (0.9,))
                assert desk.values["tempo/scale"] == (0.9,)
                asker.raw(b"/acc/state\0\0")
                assert await asker.packet() == b"/acc/state\0\0,s\0\0idle\0\0\0\0"
                asker.raw(b"/acc/nix\0\0\0\0,\0\0\0")
                code = struct.pack(">i", 404)
                expected = b"/acc/error\0\0,sis\0\0\0\0/acc/nix\0\0\0\0" + code
                assert (await asker.packet()).startswith(expected)

    run(test)


def test_the_next_free_ports_are_taken_and_the_addresses_told() -> None:
    async def test() -> None:
        async with (
            serving() as (_, first),
            serving() as (_, second),
            aiohttp.ClientSession() as http,
        ):
            base = PORTS.port
            assert (first.osc_port, second.osc_port) == (base, base + 1)
            assert first.osc == f"osc.udp://127.0.0.1:{base}/acc"
            assert first.http == f"http://127.0.0.1:{base + 1}/"
            assert second.http == f"http://127.0.0.1:{base + 2}/"
            for urls in (first, second):
                async with http.get(urls.http + "?HOST_INFO") as answer:
                    assert (await answer.json())["OSC_PORT"] == urls.osc_port

    run(test)


def test_no_udp_port_is_an_error_and_no_http_port_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        with pytest.raises(AccompanistError, match="UDP ports 7010–7030 cannot be had"):
            await OscService(FakeDesk(), OscSettings("192.0.2.1", allow_remote=True)).start()
        assert not caplog.records
        base = PORTS.http_port + 100
        with ExitStack() as stack:
            for port in range(base, base + 21):
                busy = stack.enter_context(socket.socket())
                with suppress(OSError):
                    busy.bind(("127.0.0.1", port))
                    busy.listen()
            async with serving(replace(PORTS, http_port=base)) as (_, urls):
                assert urls.http == ""
                with Asker(urls.osc_port) as asker:
                    assert await asker.ask("/ping") == OscMessage("/pong")

    run(test)
    (record,) = caplog.records
    assert "cannot be had" in record.getMessage()


@pytest.mark.parametrize(
    "settings",
    [
        OscSettings(host="0.0.0.0"),
        OscSettings(host="192.168.1.4"),
        OscSettings(root="acc"),
        OscSettings(root="/a b"),
    ],
)
def test_nothing_listens_to_others_unless_that_is_said(settings: OscSettings) -> None:
    async def test() -> None:
        with pytest.raises(UsageError, match=r"osc\."):
            await OscService(FakeDesk(), settings).start()

    run(test)


def test_a_subscriber_hears_and_one_that_has_gone_is_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with serving() as (desk, urls):
            with Asker(urls.osc_port) as setter:
                with Asker(urls.osc_port) as subscriber:
                    subscriber.send("/acc/subscribe", "tempo/scale")
                    assert (await subscriber.answer()).arguments == (1.0,)
                    await setter.ask("/acc/tempo/scale", 0.5)
                    assert await subscriber.answer() == OscMessage("/acc/tempo/scale", (0.5,))
                if sys.platform.startswith("linux"):
                    desk.tell("tempo/scale", (0.75,))
                    await asyncio.sleep(0.2)
                    desk.tell("tempo/scale", (0.8,))
                    assert await setter.ask("/ping") == OscMessage("/pong")
                    dropped = [r for r in caplog.records if "dropped" in r.getMessage()]
                    assert len(dropped) == 1

    run(test)


def test_cues_reach_those_who_asked_for_them() -> None:
    async def test() -> None:
        service = OscService(FakeDesk(), PORTS)
        urls = await service.start()
        try:
            with Asker(urls.osc_port) as asker, Asker(urls.osc_port) as other:
                asker.send("/acc/subscribe", "cue")
                other.send("/acc/subscribe", "tempo/lock")
                await other.packet()
                assert await asker.ask("/ping") == OscMessage("/pong")
                service.broadcast("/lights/blue", (0.5, "slow"), 1_700_000_000.0)
                expected = encode_bundle(1.7e9, [encode("/lights/blue", (0.5, "slow"))])
                assert await asker.packet() == expected
                assert await other.silent()
        finally:
            await service.stop()
        service.broadcast("/late", ())

    run(test)


def test_a_flood_leaves_the_loop_its_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rng = random.Random(5)
    junk = [rng.randbytes(rng.randrange(4, 120)) for _ in range(500)]
    good = encode("/acc/tempo/scale", (0.9,))
    junk += [b"/acc/" + rng.randbytes(20), good, good]

    async def test() -> None:
        gaps = []
        async with serving() as (_, urls):
            with Asker(urls.osc_port) as flooder, Asker(urls.osc_port) as asker:
                before = time.monotonic()
                for i in range(20_000):
                    flooder.raw(junk[i % len(junk)])
                    if i % 100 == 0:
                        await asyncio.sleep(0)
                        now = time.monotonic()
                        gaps.append(now - before)
                        before = now
                await asyncio.sleep(0.3)
                answer = await asker.ask("/acc/state")
                assert answer.address == "/acc/state"
        gaps.sort()
        # 32 packets are worked on at a time (a few ms), and a hundred are sent between two looks
        assert gaps[len(gaps) // 2] < 0.05

    run(test)
    told = [r.getMessage() for r in caplog.records]
    assert told
    assert len(told) < 30
    assert all("packets dropped" in text for text in told)


def test_a_bundle_of_next_year_does_not_block() -> None:
    async def test() -> None:
        async with serving() as (desk, urls):
            with Asker(urls.osc_port) as asker:
                next_year = encode_bundle(time.time() + 3e7, [encode("/acc/start")])
                asker.raw(next_year)
                assert (await asker.answer()).arguments[:2] == ("/acc/start", 422)
                soon = encode_bundle(time.time() + 0.1, [encode("/acc/stop")])
                asker.raw(soon)
                assert (await asker.ask("/acc/arm")).address == "/acc/arm"
                assert desk.done == [("arm", ())]
                assert (await asker.answer()).address == "/acc/stop"

    run(test)


# ---- OSCQuery ------------------------------------------------------------------------------------


async def fetched(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url) as answer:
        assert answer.status == 200, url
        assert answer.content_type == "application/json"
        return json.loads(await answer.text())


def test_the_whole_tree_comes_from_the_table() -> None:
    async def test() -> None:
        async with serving() as (_, urls), aiohttp.ClientSession() as http:
            top = await fetched(http, urls.http)
            assert top["FULL_PATH"] == "/"
            leaves: dict[str, Any] = {}

            def walk(node: Any) -> None:
                if "TYPE" in node:
                    leaves[node["FULL_PATH"]] = node
                for name, child in node.get("CONTENTS", {}).items():
                    assert child["FULL_PATH"] == node["FULL_PATH"].rstrip("/") + "/" + name
                    walk(child)

            walk(top)
            parts = [e for e in TABLE if e.per_part]
            assert len(leaves) == len(TABLE) - len(parts) + 3 * len(parts)
            assert leaves["/acc/tempo/scale"] == {
                "FULL_PATH": "/acc/tempo/scale",
                "DESCRIPTION": "Share of the written tempo",
                "ACCESS": 3,
                "TYPE": "f",
                "VALUE": [1.0],
                "RANGE": [{"MIN": 0.1, "MAX": 4.0}],
                "CLIPMODE": ["none"],
            }
            assert leaves["/acc/follow/mode"]["RANGE"] == [
                {"VALS": ["follow", "wait", "fixed", "conduct"]}
            ]
            assert leaves["/acc/loop"]["TYPE"] == "iii"
            assert leaves["/acc/loop"]["VALUE"] == [0, 1, 1]
            assert leaves["/acc/start"]["ACCESS"] == 2
            assert "VALUE" not in leaves["/acc/start"]
            assert leaves["/acc/piece/marks"]["TYPE"] == "ss"
            assert leaves["/acc/tuning/a4"]["UNIT"] == ["Hz"]
            assert leaves["/acc/position"]["CONTENTS"]["bar"]["TYPE"] == "i"

    run(test)


def test_nodes_attributes_and_what_is_not_there() -> None:
    async def test() -> None:
        async with serving() as (_, urls), aiohttp.ClientSession() as http:
            base = urls.http.rstrip("/")
            assert await fetched(http, base + "/acc/tempo/scale?VALUE") == {"VALUE": [1.0]}
            assert await fetched(http, base + "/acc/tempo/scale?TYPE") == {"TYPE": "f"}
            assert await fetched(http, base + "/acc/state?ACCESS") == {"ACCESS": 1}
            info = await fetched(http, base + "/?HOST_INFO")
            assert info["OSC_TRANSPORT"] == "UDP"
            assert (info["OSC_PORT"], info["WS_PORT"]) == (PORTS.port, PORTS.http_port)
            assert (info["OSC_IP"], info["EXTENSIONS"]["LISTEN"]) == ("127.0.0.1", True)
            for path, status in (
                ("/acc/start?VALUE", 204),
                ("/acc/tempo?RANGE", 204),
                ("/acc/tempo/scale?COLOUR", 400),
                ("/acc/nothing", 404),
                ("/favicon.ico", 404),
                ("/../../etc/passwd", 404),
            ):
                async with http.get(base + path) as answer:
                    assert answer.status == status, path
            async with http.post(base + "/acc/quit") as answer:
                assert answer.status == 405

    run(test)


def test_numbers_that_json_does_not_know() -> None:
    found = find("tempo/now")
    assert found is not None
    assert attributes(found[0], "tempo/now", lambda e, k: (float("inf"),))["VALUE"] == [None]
    assert "CONTENTS" in tree("/a/b", (), lambda e, k: ())["CONTENTS"]["a"]["CONTENTS"]["b"]


def test_health() -> None:
    trouble = {"healthy": "", "ready": "no piece is loaded"}

    async def test() -> None:
        async with (
            serving(PORTS, lambda: trouble["healthy"], lambda: trouble["ready"]) as (desk, urls),
            aiohttp.ClientSession() as http,
        ):
            for path, status, text in (
                ("healthz", 200, "ok\n"),
                ("readyz", 503, "no piece is loaded\n"),
                ("status", 200, '{"state": "idle"}'),
            ):
                async with http.get(urls.http + path) as answer:
                    assert (answer.status, await answer.text()) == (status, text)
            trouble["healthy"] = "the engine has died"
            async with http.get(urls.http + "healthz") as answer:
                assert answer.status == 503
            del desk.values["status"]
            async with http.get(urls.http + "status") as answer:
                assert answer.status == 503

    run(test)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:7011"}, 200),
        ({"Origin": "http://127.0.0.1:7011"}, 200),
        ({"Host": "evil.example:7411"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "192.168.1.4:7411"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_web_page_of_somebody_else_gets_nothing(headers: dict[str, str], status: int) -> None:
    async def test() -> None:
        async with serving() as (_, urls), aiohttp.ClientSession() as http:
            async with http.get(urls.http, headers=headers) as answer:
                assert answer.status == status
            if status == 403:
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await http.ws_connect(urls.http, headers=headers)

    run(test)


@pytest.mark.parametrize(
    ("said", "everywhere", "expected"),
    [
        ("[::1]:7011", False, True),
        ("192.168.1.4:7011", True, True),
        ("studio:7011", True, True),
        ("studio.local", True, True),
        ("other.local", True, False),
        ("[::1", True, False),
        ("", True, False),
    ],
)
def test_hosts_that_are_ours(said: str, everywhere: bool, expected: bool) -> None:
    names = frozenset({"studio", "studio.local"})
    assert allowed_host(said, everywhere=everywhere, own_names=names) is expected


# ---- WebSocket -----------------------------------------------------------------------------------


async def heard(ws: aiohttp.ClientWebSocketResponse) -> OscMessage:
    return decode(await ws.receive_bytes(timeout=LONGEST_S))[0][1]


def test_a_websocket_listens_ignores_and_talks_osc() -> None:
    async def test() -> None:
        async with (
            serving() as (desk, urls),
            aiohttp.ClientSession() as http,
            http.ws_connect(urls.http) as ws,
        ):
            await ws.send_json({"COMMAND": "LISTEN", "DATA": "/acc/tempo/scale"})
            assert await heard(ws) == OscMessage("/acc/tempo/scale", (1.0,))
            await ws.send_bytes(encode("/acc/tempo/scale", (0.5,)))
            assert await heard(ws) == OscMessage("/acc/tempo/scale", (0.5,))
            await ws.send_bytes(encode("/acc/state"))
            assert await heard(ws) == OscMessage("/acc/state", ("idle",))
            await ws.send_json({"COMMAND": "IGNORE", "DATA": "/acc/tempo/scale"})
            await ws.send_bytes(encode("/ping"))
            assert await heard(ws) == OscMessage("/pong")
            desk.tell("tempo/scale", (2.0,))
            await ws.send_bytes(encode("/ping"))
            assert await heard(ws) == OscMessage("/pong")

    run(test)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"COMMAND": "LISTEN"}', '{"COMMAND": "LISTEN", "DATA": 5}',
     '{"COMMAND": "PATH_ADDED", "DATA": "/x"}', '{"COMMAND": "LISTEN", "DATA": "/nowhere"}',
     "[" * 5000],
)  # fmt: skip
def test_nonsense_through_a_websocket_is_answered(text: str) -> None:
    async def test() -> None:
        async with (
            serving() as (_, urls),
            aiohttp.ClientSession() as http,
            http.ws_connect(urls.http) as ws,
        ):
            await ws.send_str(text)
            assert (await heard(ws)).address == "/acc/error"
            await ws.send_bytes(b"junk")
            assert (await heard(ws)).arguments[1] == 400
            await ws.send_bytes(encode("/ping"))
            assert await heard(ws) == OscMessage("/pong")

    run(test)


def test_a_websocket_that_closes_is_forgotten_and_a_giant_one_closed() -> None:
    async def test() -> None:
        async with serving() as (desk, urls), aiohttp.ClientSession() as http:
            async with http.ws_connect(urls.http) as ws:
                await ws.send_bytes(encode("/acc/subscribe", ("*",)))
                for _ in range(66):
                    await heard(ws)
            await asyncio.sleep(0.05)
            desk.tell("state", ("armed",))
            async with http.ws_connect(urls.http) as ws:
                await ws.send_bytes(b"x" * 100_000)
                closed = await ws.receive(timeout=LONGEST_S)
                assert closed.type is aiohttp.WSMsgType.CLOSE
            with Asker(urls.osc_port) as asker:
                assert (await asker.ask("/acc/state")).arguments == ("armed",)

    run(test)
