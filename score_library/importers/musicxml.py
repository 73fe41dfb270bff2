"""MusicXML, partwise and timewise, read as far as a performance needs it.

The reader is our own because the general one of music21 takes a minute for ten thousand measures
and refuses some files over signs that do not matter here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from xml.etree.ElementTree import Element

from accompanist.errors import BadInputError
from accompanist.score.instruments import Role, role_of
from accompanist.score.model import Part, Score
from accompanist.score.unfold import BarSigns
from score_library.importers.limits import MAX_MEASURES, MAX_PARTS, check_limit
from score_library.importers.musicxml_measure import PartReader
from score_library.importers.musicxml_values import number
from score_library.importers.perform import Heading, perform
from score_library.importers.printed import PrintedBar, PrintedMeasure, PrintedPart

__all__ = ["is_musicxml", "read_musicxml"]

_DRUM_CHANNEL = 10
_KEYBOARDS = frozenset((*range(9), *range(16, 24), 46))


def is_musicxml(root: Element) -> bool:
    return root.tag in ("score-partwise", "score-timewise")


def read_musicxml(root: Element, name: str, title: str = "") -> Score:
    """Read a parsed MusicXML document.

    Parameters
    ----------
    root : Element
        ``score-partwise`` or ``score-timewise``.
    name : str
        What to call the file in messages.
    title : str
        The title where the score has none; ``name`` where this is empty too.

    Raises
    ------
    BadInputError
        No parts, no notes, or far too many of them.
    """
    columns = _columns(root)
    if not columns:
        raise BadInputError(f"{name}: there are no parts in this score; export it again")
    check_limit(name, "parts", len(columns), MAX_PARTS)
    count = max(len(measures) for measures in columns.values())
    check_limit(name, "measures", count, MAX_MEASURES)
    bars = _bars(list(columns.values()), count)
    listed = {el.get("id", ""): el for el in root.findall("part-list/score-part")}
    parts: list[PrintedPart] = []
    for part_id, measures in columns.items():
        parts.append(_part(listed.get(part_id), measures, bars, first=not parts))
    parts = _joined(parts, _braces(root, list(columns)))
    _settle_signs(bars)
    return perform(_heading(root, title or name), parts, bars, name)


def _columns(root: Element) -> dict[str, list[Element]]:
    """Collect the measures of each part, whichever way round the file is."""
    columns: dict[str, list[Element]] = {}
    if root.tag == "score-partwise":
        for part in root.findall("part"):
            columns.setdefault(part.get("id", ""), []).extend(part.findall("measure"))
        return columns
    for measure in root.findall("measure"):
        for part in measure.findall("part"):
            for key, value in measure.attrib.items():
                part.attrib.setdefault(key, value)
            columns.setdefault(part.get("id", ""), []).append(part)
    return columns


def _bars(columns: Sequence[Sequence[Element]], count: int) -> list[PrintedBar]:
    longest = max(columns, key=len)
    page = 1
    bars = []
    for i in range(count):
        turned = any(p.get("new-page") == "yes" for p in longest[i].findall("print"))
        page += turned and i > 0
        bars.append(
            PrintedBar(
                number=(longest[i].get("number") or str(i + 1))[:12],
                implicit=longest[i].get("implicit") == "yes",
                page=page,
            )
        )
    return bars


def _part(
    listed: Element | None, measures: Sequence[Element], bars: Sequence[PrintedBar], *, first: bool
) -> PrintedPart:
    reader = PartReader(drums=_drums(listed), first=first)
    read: list[PrintedMeasure] = []
    transposition = 0
    for element, bar, following in zip_longest(measures, bars, bars[1:]):
        if element is None:
            read.append(PrintedMeasure())
            continue
        had_notes = reader.pitched > 0
        read.append(reader.read(element, bar, following))
        if not had_notes:
            transposition = reader.transposition
    part = PrintedPart(
        name="",
        measures=read,
        percussion=reader.unpitched > reader.pitched,
        transposition=transposition,
        lyrics=reader.lyrics,
    )
    if listed is not None:
        part.name = _line(listed.findtext("part-name"))
        if part.name.casefold() in ("musicxml part", "part"):
            part.name = ""
        part.instrument = _line(listed.findtext("score-instrument/instrument-name"))
        channels = {int(number(el.text)) for el in listed.findall("midi-instrument/midi-channel")}
        part.percussion = part.percussion or channels == {_DRUM_CHANNEL}
        program = listed.findtext("midi-instrument/midi-program")
        if program is not None and 1 <= number(program) <= 128:
            part.program = int(number(program)) - 1
    return part


def _drums(listed: Element | None) -> dict[str, int]:
    drums: dict[str, int] = {}
    for instrument in listed.findall("midi-instrument") if listed is not None else ():
        pitch = number(instrument.findtext("midi-unpitched"))
        if 1 <= pitch <= 128:
            drums[instrument.get("id", "")] = int(pitch) - 1
    return drums


def _line(text: str | None) -> str:
    """Make one line out of a name that may be spread over several."""
    return " ".join((text or "").split())[:80]


def _heading(root: Element, fallback_title: str) -> Heading:
    work = _line(root.findtext("work/work-title"))
    movement = _line(root.findtext("movement-title"))
    credits = {
        (el.findtext("credit-type") or ""): _line(el.findtext("credit-words"))
        for el in root.findall("credit")
    }
    both = work and movement and work != movement
    title = f"{work}: {movement}" if both else work or movement
    creators = root.findall("identification/creator")
    composer = next((c for c in creators if c.get("type") == "composer"), None)
    return Heading(
        title=title or credits.get("title", "") or fallback_title,
        composer=_line(composer.text if composer is not None else credits.get("composer")),
        licence=" ".join((root.findtext("identification/rights") or "").split())[:200],
    )


def _braces(root: Element, part_ids: Sequence[str]) -> list[list[int]]:
    """Find the groups of parts that stand under one brace, as indices."""
    places = {part_id: i for i, part_id in enumerate(part_ids)}
    opened: dict[str, list[int]] = {}
    closed: list[list[int]] = []
    part_list = root.find("part-list")
    for element in part_list if part_list is not None else ():
        if element.tag == "part-group":
            key = element.get("number", "1")
            if element.get("type") == "stop":
                closed.append(opened.pop(key, []))
            elif (element.findtext("group-symbol") or "").strip() == "brace":
                opened[key] = []
        elif element.tag == "score-part" and element.get("id") in places:
            for group in opened.values():
                group.append(places[element.get("id", "")])
    return [group for group in closed if len(group) in (2, 3)]


def _joined(parts: list[PrintedPart], groups: Sequence[Sequence[int]]) -> list[PrintedPart]:
    """Make one part of a keyboard whose staves the file calls parts."""
    gone: set[int] = set()
    for group in groups:
        members = [parts[i] for i in group]
        if gone.intersection(group) or not _one_keyboard(members):
            continue
        upper = members[0]
        for staff, member in enumerate(members[1:], 2):
            for target, source in zip(upper.measures, member.measures, strict=True):
                for note in source.notes:
                    note.staff = staff
                target.notes += source.notes
                target.loudness += source.loudness
                target.content_quarter = max(target.content_quarter, source.content_quarter)
                target.reach_quarter = max(target.reach_quarter, source.reach_quarter)
                target.rest_quarter = max(target.rest_quarter, source.rest_quarter)
        gone.update(group[1:])
    return [part for i, part in enumerate(parts) if i not in gone]


def _one_keyboard(members: Sequence[PrintedPart]) -> bool:
    """Tell whether braced parts are the staves of one instrument with keys (or a harp)."""
    if any(m.lyrics or m.percussion for m in members):
        return False
    roles = [role_of(Part(1, m.name, (), m.instrument, m.program or 0)) for m in members]
    names = {m.name.casefold() for m in members if m.name}
    hands = {Role.UPPER_STAFF, Role.LOWER_STAFF, Role.CHORDS}
    keyboard = roles[0] in hands or (members[0].program in _KEYBOARDS and roles[0] is Role.UNKNOWN)
    same = len(names) <= 1 or all(role in hands for role in roles)
    return keyboard and same


def _settle_signs(bars: Sequence[PrintedBar]) -> None:
    """Lay volta brackets over their measures, and tell two like codas apart."""
    for i, bar in enumerate(bars):
        if not bar.ending_start:
            continue
        for j in range(i, _ending_end(bars, i) + 1):
            signs = bars[j].signs
            bars[j].signs = replace(signs, endings=bar.ending_start, ending_starts=j == i)
    codas = [i for i, bar in enumerate(bars) if bar.signs.coda]
    if len(codas) > 1 and not any(bar.signs.to_coda for bar in bars):
        bars[codas[0]].signs = replace(bars[codas[0]].signs, coda=False, to_coda=True)
    elif codas and any(bar.signs.to_coda for bar in bars):
        _al_coda(bars)
    if len(codas) > 1:
        _al_coda(bars)


def _al_coda(bars: Sequence[PrintedBar]) -> None:
    """With a coda to go to, a bare D.C. or D.S. goes there, unless a Fine is there to end it."""
    if any(bar.signs.fine for bar in bars):
        return
    for bar in bars:
        bar.signs = replace(bar.signs, jump_al_coda=True) if _jumps(bar.signs) else bar.signs


def _jumps(signs: BarSigns) -> bool:
    return signs.jump.value != "nowhere"


def _ending_end(bars: Sequence[PrintedBar], start: int) -> int:
    """Find the last measure of the bracket that opens at ``start``, closed or not."""
    behind = next((i for i in range(start + 1, len(bars)) if bars[i].ending_start), len(bars))
    stop = next((i for i in range(start, behind) if bars[i].ending_stop), None)
    if stop is not None:
        return stop
    repeat = next((i for i in range(start, behind) if bars[i].signs.repeat_times), None)
    if repeat is not None:
        return repeat
    if behind < len(bars) and min(bars[behind].ending_start) > max(bars[start].ending_start):
        return behind - 1
    return start
