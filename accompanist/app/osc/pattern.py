"""OSC address patterns (OSC 1.0, "OSC Message Dispatching and Pattern Matching").

``*`` and ``?`` match within one word of an address, ``[a-c]`` and ``[!a-c]`` one character,
``{mute,solo}`` one of several texts. Matched word by word and without backtracking, so that no
pattern takes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["is_pattern", "matches", "matching"]

_LONGEST = 200
_MOST_ALTERNATIVES = 16


def is_pattern(address: str) -> bool:
    """Whether an address is to be matched rather than looked up."""
    return any(c in address for c in "*?[]{}")


def matching(pattern: str, keys: Iterable[str]) -> Iterator[str]:
    """Give those of the keys that a pattern matches; none if it is absurdly long."""
    if len(pattern) > _LONGEST:
        return
    words = pattern.split("/")
    for key in keys:
        parts = key.split("/")
        if len(parts) == len(words) and all(map(matches, words, parts)):
            yield key


def matches(pattern: str, word: str) -> bool:
    """Whether a pattern matches one word of an address.

    >>> matches("{mute,solo}", "solo"), matches("g*n", "gain"), matches("[!0-3]", "2")
    (True, True, False)
    """
    states = {0}
    i = 0
    while i < len(pattern) and states:
        token, i = _token(pattern, i)
        states = _after(token, word, states)
    return len(word) in states


def _token(pattern: str, i: int) -> tuple[str, int]:
    """Cut off the next piece: a bracket, a brace, or a single character."""
    close = {"[": "]", "{": "}"}.get(pattern[i])
    if close is not None:
        end = pattern.find(close, i + 1)
        if end >= 0:
            return pattern[i : end + 1], end + 1
    return pattern[i], i + 1


def _after(token: str, word: str, states: set[int]) -> set[int]:
    """Where in the word one can be behind a piece, from where one was before it."""
    if token == "*":
        return set(range(min(states), len(word) + 1))
    if token[0] == "{" and token[-1] == "}":
        texts = token[1:-1].split(",")[:_MOST_ALTERNATIVES]
        return {s + len(t) for s in states for t in texts if word.startswith(t, s)}
    return {s + 1 for s in states if s < len(word) and _is_one(token, word[s])}


def _is_one(token: str, character: str) -> bool:
    if token == "?":
        return True
    if len(token) < 2:
        return token == character
    inside = token[1:-1]
    negated = inside.startswith("!")
    inside = inside[negated:]
    found, i = False, 0
    while i < len(inside):
        if i + 2 < len(inside) and inside[i + 1] == "-":
            found |= inside[i] <= character <= inside[i + 2]
            i += 3
        else:
            found |= inside[i] == character
            i += 1
    return found != negated
