"""The settings in words: what each may be, and the commented file of defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from accompanist.app.config.settings import Config

__all__ = ["allowed", "default_text"]


def default_text() -> str:
    """Give the whole file as it is by default, each key with what it means and may be."""
    definitions = Config.model_json_schema()["$defs"]
    lines = [
        "# Settings of 'accompanist daemon'. Every line is the default; lines that begin with #",
        "# and a key have none. 'accompanist daemon --set section.key=value' overrides.",
    ]
    for name, field in Config.model_fields.items():
        if name not in ("rules", "passages"):
            assert isinstance(field.default, BaseModel)
            lines += _table(name, field.default, definitions)
    lines += ["", *_PASSAGES.splitlines(), "", *_RULES.splitlines()]
    return "\n".join(lines) + "\n"


_PASSAGES = """\
# In these bars of that piece the ensemble follows less closely, or leads, or waits. Any number of
# passages; each wants a level (0 to 10) or a mode (follow, wait, fixed); no to_bar is to the end.
#[[passages]]
#piece = "londonderry-air"
#from_bar = "1"
#to_bar = "8"
#level = 3.0"""

_RULES = """\
# When the soloist plays this, or the ensemble comes there, that OSC message is sent.
# Any number of rules; each wants a note, a chord or a bar. Of a note or a chord the first of a
# pass counts, with every = true each one.
#[[rules]]
#when = { note = "C5", every = true }
#send = { to = "127.0.0.1:9000", address = "/lights/1", arguments = [1, 0.5, "red"] }
#[[rules]]
#when = { bar = "17", beat = 3.0 }
#send = { address = "/looper/hit" }"""


def allowed(model: type[BaseModel], name: str) -> str:
    """Say in words what one setting may be."""
    schema = model.model_json_schema()
    return _in_words(schema["properties"][name], schema.get("$defs", {}))


def _in_words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Put a JSON schema into words.

    >>> _in_words({"type": "integer", "minimum": 1, "maximum": 64}, {})
    'whole number, 1 to 64'
    >>> _in_words({"anyOf": [{"type": "string"}, {"type": "null"}]}, {})
    'text'
    """
    if "$ref" in schema:
        return "a table of settings"
    if "anyOf" in schema:
        branches = [_in_words(s, definitions) for s in schema["anyOf"] if s.get("type") != "null"]
        return " or ".join(dict.fromkeys(branches))
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    match schema.get("type"):
        case "boolean":
            return "true, false"
        case "integer" | "number" as kind:
            low, high = schema.get("minimum"), schema.get("maximum")
            what = "whole number" if kind == "integer" else "number"
            if low is not None and high is not None:
                return f"{what}, {low:g} to {high:g}"
            return what if low is None else f"{what}, {low:g} or more"
        case "array":
            return f"list of ({_in_words(schema.get('items', {}), definitions)})"
        case "string":
            return _text_in_words(schema)
    return ""


def _text_in_words(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "path":
        return "path of a file or folder"
    pattern = str(schema.get("pattern", ""))
    for start, words in (
        ("^/", "an OSC address, as /acc"),
        ("^[^", "host:port"),
        ("^([^", "host:port"),
    ):
        if pattern.startswith(start):
            return words
    return "letters, digits, space and _.-, 32 at most" if pattern else "text"


def _table(name: str, table: BaseModel, definitions: Mapping[str, Any]) -> Iterator[str]:
    kind = type(table)
    schema = definitions[kind.__name__]
    doc = str(schema.get("description", "")).splitlines()[0]
    inner = [n for n, f in kind.model_fields.items() if isinstance(f.default, BaseModel)]
    if inner:
        yield ""
        yield f"# {doc}"
        for i, inner_name in enumerate(inner):
            lines = list(_table(f"{name}.{inner_name}", getattr(table, inner_name), definitions))
            yield from lines if i == 0 else [line for line in lines if not line.startswith("# ")]
        return
    yield ""
    yield f"# {doc}"
    yield f"[{name}]"
    for key, field in kind.model_fields.items():
        yield f"# {field.description} ({_in_words(schema['properties'][key], definitions)})"
        default = field.default
        yield f"#{key} =" if default is None else f"{key} = {_toml(default)}"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(v) for v in value)}]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
