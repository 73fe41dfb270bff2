"""Files that mean harm, or are broken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from musicxml_text import attributes, document, note, packed

from accompanist.errors import BadInputError
from score_library.importers import safe_xml
from score_library.importers.safe_xml import parse_xml, unpack_mxl

SCORE = document(("Violin", [attributes() + note("C", 16)]))
XXE = """<?xml version="1.0"{encoding}?>
<!DOCTYPE score-partwise [<!ENTITY xxe SYSTEM "file://{path}">]>
<score-partwise><work><work-title>&xxe;</work-title></work></score-partwise>"""
LAUGHS = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<score-partwise>&b;</score-partwise>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_external_entities_are_refused_before_anything_is_read(
    encoding: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = XXE.format(path=secret, encoding=f' encoding="{encoding}"')
    with pytest.raises(BadInputError, match="declares entities"):
        parse_xml(text.encode(encoding), "x.xml")


@pytest.mark.parametrize(
    "text", [LAUGHS, '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://localhost/">%p;]><a/>']
)
def test_internal_and_parameter_entities_are_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="declares entities"):
        parse_xml(text.encode(), "x.xml")


def test_the_usual_document_type_is_welcome_and_namespaces_are_taken_off() -> None:
    assert parse_xml(SCORE, "x").tag == "score-partwise"
    assert parse_xml(b'<m:mei xmlns:m="http://x"><m:a/></m:mei>', "x")[0].tag == "a"


@pytest.mark.parametrize("data", [b"", b"<a>", b"<a>&nbsp;</a>", SCORE[:200], b"\xff<a/>"])
def test_xml_that_is_not_well_formed_is_refused(data: bytes) -> None:
    with pytest.raises(BadInputError, match="damaged or cut short") as raised:
        parse_xml(data, "x.xml")
    assert "\n" not in str(raised.value)


def test_xml_of_absurdly_many_elements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_TAGS", 10)
    with pytest.raises(BadInputError, match="too large"):
        parse_xml(SCORE, "x")


@pytest.mark.parametrize("container", [True, False])
def test_a_compressed_score_is_unpacked(container: bool) -> None:
    assert unpack_mxl(packed(SCORE, container=container), "x.mxl") == SCORE


def test_a_zip_bomb_is_refused_by_its_stated_size(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed(b"\0" * (safe_xml.MAX_XML_BYTES + 1), container=False)
    opened: list[object] = []
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args, **_: opened.append(args))
    assert len(bomb) < 100_000
    with pytest.raises(BadInputError, match="zip bomb"):
        unpack_mxl(bomb, "x.mxl")
    assert not opened


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(packed(b"\0" * (safe_xml.MAX_XML_BYTES + 1), container=False))
    central = bomb.rindex(b"PK\x01\x02")
    bomb[central + 24 : central + 28] = (100).to_bytes(4, "little")
    with pytest.raises(BadInputError, match=r"damaged|zip bomb"):
        unpack_mxl(bytes(bomb), "x.mxl")


def archive(*members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for member in members:
            file.writestr(member, b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive("picture.png"), "no score in this archive"),
        (archive(*(f"{i}.xml" for i in range(safe_xml.MAX_MEMBERS + 1))), "1001 files"),
        (packed(SCORE)[:80], "damaged or cut short"),
        (packed(SCORE, "../../etc/passwd"), "no score in this archive"),
    ],
)
def test_other_archives_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as raised:
        unpack_mxl(data, "x.mxl")
    assert str(raised.value).startswith("x.mxl: ")
