"""Connections of our JACK ports: remembered, made again, wished for."""

from __future__ import annotations

import json

from accompanist.app.performer.jack_connections import Connections


class FakeJack:
    """Our client, in a server that has these inputs."""

    gone = ""

    def __init__(self, *inputs: str) -> None:
        self.inputs = set(inputs)
        self.made: dict[str, set[str]] = {"parts": set(), "clock": set()}

    def connections(self) -> dict[str, tuple[str, ...]]:
        return {port: tuple(sorted(peers & self.inputs)) for port, peers in self.made.items()}

    def present(self, names: list[str]) -> set[str]:
        return self.inputs & set(names)

    def connect(self, port: str, peer: str) -> None:
        self.made[port].add(peer)


def connections(*wishes: str) -> tuple[Connections, list[list[list[str]]]]:
    notes: list[list[list[str]]] = []
    found = Connections(lambda note: notes.append(json.loads(note)))
    found.wish("parts", wishes)
    return found, notes


def test_who_is_wished_for_is_connected_when_there() -> None:
    found, _ = connections("ardour:Piano/midi_in 1")
    jack = FakeJack()
    found.restore(jack)  # type: ignore[arg-type]
    assert jack.made["parts"] == set()
    found.look(jack)  # type: ignore[arg-type]
    jack.inputs.add("ardour:Piano/midi_in 1")
    found.look(jack)  # type: ignore[arg-type]
    assert jack.connections()["parts"] == ("ardour:Piano/midi_in 1",)


def test_who_is_there_already_is_connected_at_once() -> None:
    found, notes = connections("ardour:Piano/midi_in 1")
    jack = FakeJack("ardour:Piano/midi_in 1", "ardour:Cello/midi_in 1")
    found.restore(jack)  # type: ignore[arg-type]
    assert jack.connections()["parts"] == ("ardour:Piano/midi_in 1",)
    assert notes[-1] == [["parts", "ardour:Piano/midi_in 1"]]


def test_a_wish_that_the_user_takes_away_stays_away() -> None:
    found, _ = connections("ardour:Piano/midi_in 1")
    jack = FakeJack("ardour:Piano/midi_in 1")
    found.restore(jack)  # type: ignore[arg-type]
    found.look(jack)  # type: ignore[arg-type]
    jack.made["parts"].clear()
    for _ in range(3):
        found.look(jack)  # type: ignore[arg-type]
    assert jack.connections()["parts"] == ()


def test_who_comes_back_is_connected_again() -> None:
    found, _ = connections()
    jack = FakeJack("synth:in")
    jack.connect("parts", "synth:in")
    found.look(jack)  # type: ignore[arg-type]
    jack.inputs.clear()
    jack.made["parts"].clear()
    found.look(jack)  # type: ignore[arg-type]
    jack.inputs.add("synth:in")
    found.look(jack)  # type: ignore[arg-type]
    assert jack.connections()["parts"] == ("synth:in",)
