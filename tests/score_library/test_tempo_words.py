"""Tempo words in four languages."""

from __future__ import annotations

import pytest

from score_library.importers.tempo_words import (
    beat_factor,
    change_of,
    is_return,
    is_slow_growth,
    step_of,
    tempo_of,
)


@pytest.mark.parametrize(
    "ascending",
    [
        ["Largo", "Adagio", "Andante", "Allegretto", "Allegro", "Vivace", "Presto", "Prestissimo"],
        ["Sehr langsam", "Langsam", "Mäßig", "Ziemlich rasch", "Schnell", "Sehr schnell"],
        ["Très lent", "Lent", "Modéré", "Vif", "Très vif"],
        ["Very slow", "Slowly", "Moderate", "Fast", "Very fast"],
        ["Adagio molto", "Adagio", "Andante", "Andante con moto"],
        ["Allegro ma non troppo", "Allegro", "Allegro molto"],
    ],
)
def test_words_are_in_the_right_order(ascending: list[str]) -> None:
    bpm = [tempo_of(text) for text in ascending]
    assert None not in bpm
    assert bpm == sorted(set(bpm), key=lambda b: b or 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dolce",
        "zart",
        "espressivo",
        "con sordino",
        "nicht schleppend",
        "rit.",
        "a tempo",
        "pizz.",
    ],
)
def test_other_words_are_no_tempo(text: str) -> None:
    assert tempo_of(text) is None


def test_characters_are_a_tempo_at_the_head_of_a_piece_only() -> None:
    assert (tempo_of("Innig"), tempo_of("Innig", mild=True)) == (None, 68)
    assert tempo_of("Innig, nicht schnell", mild=True) == 108


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("rit.", 0.76),
        ("poco rall.", 0.87),
        ("molto ritardando", 0.62),
        ("allargando", 0.76),
        ("Allmählich langsamer", 0.76),
        ("cédez", 0.76),
        ("accel.", 1.25),
        ("stringendo molto", 1.4),
        ("beschleunigend", 1.25),
        ("nicht zurückhalten", None),
        ("ohne zu eilen", None),
        ("ritmico", None),
        ("Allegro", None),
    ],
)
def test_changes(text: str, factor: float | None) -> None:
    assert change_of(text) == factor


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a tempo", "before"),
        ("A Tempo.", "before"),
        ("Im Tempo.", "before"),
        ("im Zeitmaß", "before"),
        ("Tempo I", "first"),
        ("Tempo primo", "first"),
        ("Erstes Zeitmaß", "first"),
        ("au mouvement", "before"),
        ("Tempo di Minuetto", None),
        ("Andante", None),
    ],
)
def test_returns(text: str, meaning: str | None) -> None:
    assert is_return(text) == meaning


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("più mosso", 1.18),
        ("un poco più mosso", 1.1),
        ("meno mosso", 0.85),
        ("etwas langsamer", 0.9),
        ("doppio movimento", 2.0),
        ("L'istesso tempo", 1.0),
        ("langsamer werdend", None),
    ],
)
def test_steps(text: str, factor: float | None) -> None:
    assert step_of(text) == factor


def test_slow_growth_and_beats() -> None:
    assert is_slow_growth("poco a poco accel.")
    assert not is_slow_growth("accel.")
    assert [beat_factor(*metre) for metre in [(4, 4), (6, 8), (3, 8), (2, 2), (9, 16)]] == [
        1.0, 1.15, 0.8, 1.4, 0.5,
    ]  # fmt: skip
