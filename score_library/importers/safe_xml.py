"""XML and zipped XML from strangers: no entities, no bombs, no surprises."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from accompanist.errors import BadInputError

__all__ = ["is_zip", "parse_xml", "unpack_mxl"]

MAX_XML_BYTES = 32 * 2**20
MAX_TAGS = 3_000_000
"""Opening and closing tags; a note takes about twenty-five."""
MAX_MEMBERS = 1000
_CONTAINER = "META-INF/container.xml"
_ZIP_TROUBLE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, KeyError,
    NotImplementedError,
)  # fmt: skip
"""What zipfile raises on damaged, encrypted or exotically packed archives."""


class _RootReached(Exception):  # noqa: N818
    """Stops the look at the prologue."""


def is_zip(data: bytes) -> bool:
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def parse_xml(data: bytes, name: str) -> ElementTree.Element:
    """Parse a document that declares no entities of its own; namespaces are taken off the tags.

    Raises
    ------
    BadInputError
        Not well-formed, too large, or with a document type that declares entities.
    """
    if len(data) > MAX_XML_BYTES or data.count(b"<") > MAX_TAGS:
        raise BadInputError(
            f"{name}: too large a score ({len(data) / 2**20:.0f} MB of XML, at most "
            f"{MAX_XML_BYTES / 2**20:.0f} MB are read); split it into movements"
        )
    _refuse_entities(data, name)
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadInputError(
            f"{name}: the XML is damaged or cut short ({error}); export the score again"
        ) from error
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = element.tag.partition("}")[2]
    return root


def _refuse_entities(data: bytes, name: str) -> None:
    """Read the prologue only: entities can be declared nowhere else."""

    def refuse(*_: object) -> NoReturn:
        raise BadInputError(
            f"{name}: this XML declares entities, which no score needs and which can be used "
            "to read files or fill the memory; export the score again"
        )

    def stop(*_: object) -> NoReturn:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        parser.Parse(data, True)
    except _RootReached:
        return
    except (expat.ExpatError, ValueError, LookupError):
        return  # the real parse says it better


def unpack_mxl(data: bytes, name: str) -> bytes:
    """Take the score out of a compressed MusicXML file (.mxl).

    Raises
    ------
    BadInputError
        Not a zip archive, encrypted, without a score, or one that swells beyond all reason.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise BadInputError(
                    f"{name}: {len(members)} files in one .mxl archive; export the score again"
                )
            return _member(archive, _score_member(archive, name), MAX_XML_BYTES, name)
    except _ZIP_TROUBLE as error:
        raise BadInputError(
            f"{name}: the .mxl archive is damaged or cut short ({error}); export the score again"
        ) from error


def _score_member(archive: zipfile.ZipFile, name: str) -> str:
    names = archive.namelist()
    if _CONTAINER in names:
        container = _member(archive, _CONTAINER, 2**18, name)
        for rootfile in parse_xml(container, name).iter("rootfile"):
            path = rootfile.get("full-path", "").lstrip("/")
            if path in names and re.search(r"\.(xml|musicxml)$", path, re.IGNORECASE):
                return path
    for path in names:
        if path.lower().endswith((".xml", ".musicxml")) and not path.startswith("META-INF"):
            return path
    raise BadInputError(f"{name}: there is no score in this archive; export it as .mxl again")


def _member(archive: zipfile.ZipFile, path: str, most_bytes: int, name: str) -> bytes:
    """Read one member: neither its stated nor its true size may be beyond the limit."""
    stated = archive.getinfo(path).file_size
    content = b""
    if stated <= most_bytes:
        with archive.open(path) as packed:
            content = packed.read(most_bytes + 1)
    if max(stated, len(content)) > most_bytes:
        raise BadInputError(
            f"{name}: the archive swells to {max(stated, len(content)) / 2**20:.0f} MB "
            f"(at most {most_bytes / 2**20:.0f} MB are read), which looks like a zip bomb; "
            "export the score again"
        )
    return content
