"""What tempo words mean in numbers, in Italian, German, French and English.

The beats a minute are the middle of what metronomes and textbooks print; they are where a
soloist may begin, no more than that.
"""

from __future__ import annotations

import re

__all__ = ["beat_factor", "change_of", "is_return", "is_slow_growth", "step_of", "tempo_of"]

_BPM: tuple[tuple[str, float], ...] = (
    # compound words first: the first pattern that fits decides
    (r"prestissimo|so schnell wie m.glich|aussi vite que possible", 192),
    (r"allegro (assai|molto|vivace|con (brio|fuoco|spirito))|molto allegro|allegro di molto", 142),
    (r"allegro (ma )?non (troppo|tanto)|poco allegro|allegro (giusto|maestoso)", 116),
    (r"allegro moderato|allegro commodo|allegro comodo|moderato assai", 112),
    (r"allegretto", 104),
    (r"allegrissimo|vivacissimo|sehr schnell|sehr rasch|tr[eè]s vi(te|f)|very fast", 160),
    (r"larghissimo|adagissimo|extremely slow|[aä]u(ss|ß)erst langsam", 40),
    (r"larghetto", 60),
    (r"andantino", 84),
    (r"andante (con moto|mosso)|andante quasi allegretto|un poco andante mosso", 84),
    (r"andante (sostenuto|cantabile|maestoso|molto|religioso)|molto andante", 68),
    (r"adagietto", 68),
    (r"sehr langsam|tr[eè]s lent|very slow|molto lento|lento assai|adagio (molto|assai)|"
     r"largo assai|molto adagio", 46),
    (r"nicht (zu )?schnell|nicht zu (rasch|geschwind)|m[aä](ss|ß)ig (schnell|rasch|bewegt|"
     r"geschwind)|moderately fast|pas trop vite|mod[eé]r[eé]ment anim", 108),
    (r"nicht (zu )?langsam|pas trop lent|not too slow|etwas bewegt|leicht bewegt|ruhig bewegt", 88),
    (r"(ziemlich|recht|etwas) (schnell|rasch|geschwind|lebhaft)|assez (vif|vite)|"
     r"sehr lebhaft|lebhaft|lively|vivement|munter", 126),
    (r"(ziemlich|etwas|recht) langsam|assez lent|rather slow|moderately slow|slowly moving", 66),
    (r"presto|presstissimo", 172),
    (r"vivace|vivo\b", 150),
    (r"allegro|schnell|rasch|geschwind|eilig|\bvite\b|\bvif\b|rapid|"
     r"allègre|\bfast\b|\bbrisk", 132),
    (r"moderato|m[aä](ss|ß)ig|gem[aä](ss|ß)igt|mod[eé]r[eé]|moderate\b|commodo|comodo|"
     r"tempo di (men|min)uetto|gem[aä]chlich|gem[uü]tlich|alla marcia|tempo di marcia", 100),
    (r"andante|gehend|allant|walking|sanfte? bewegung", 76),
    (r"adagio", 62),
    (r"lento|langsam|\blent\b|lentement|\bslow", 54),
    (r"grave\b", 44),
    (r"largo\b", 50),
)  # fmt: skip
_MILD: tuple[tuple[str, float], ...] = (
    (r"bewegt|anmutig|grazioso|gracieu|einfach|semplice|simpl", 96),
    (r"marsch|marcia|march|kr[aä]ftig|energic|risoluto|entschlossen|con spirito", 108),
    (r"maestoso|majestueu|majestic|erhaben|nobil", 84),
    (r"ruhig|tranquill|calme|calm|zart|innig|dolce|espressiv|ausdruck|sostenuto|cantabile|sanft"
     r"|leise|still", 68),
    (r"feierlich|getragen|breit|broad|solenn|largamente|religios|traurig|klagend|wehm", 60),
    (r"schwer|schleppend|d[uü]ster|funebr", 48),
    (r"leidenschaft|appassionat|passionat|agitat|unruhig|st[uü]rmisch|feurig|fuoco", 126),
)  # fmt: skip
"""Characters rather than tempi: they count only where a piece begins with nothing else."""
_SLOWER = re.compile(
    r"\brit\b|\britt?ard|\brall\b|rallent|allarg|slentan|calando|morendo|smorz|perdendo|ritenu"
    r"|\briten\b|langsamer werd|verlangsam|zur[uü]ckhalt|zur[uü]ckgehal|z[oö]gern|ralenti|retenu"
    r"|retenez|c[eé]dez|en [eé]largissant|slow(ing)? down|slower|nachlassen|verlöschend|verklingend"
    r"|allm[aä]h?l?ich? langsam|immer langsamer"
)
_FASTER = re.compile(
    r"\baccel|string(endo)?\b|affrett|incalz|\bpress(ando|ez)\b|serrez|en animant|animez|beschleu"
    r"|eilend|schneller werd|immer schneller|allm[aä]h?l?ich? schneller|vorw[aä]rts dr[aä]ng"
    r"|dr[aä]ngend|treibend"
    r"|speed(ing)? up|hurry|getting faster"
)
_NEGATED = re.compile(
    r"(nicht|kein|ohne|senza|sans|non|ne pas|pas|never|not|without)\s+(zu\s+|troppo\s+|trop\s+)?$"
)
_RETURN = re.compile(
    r"\ba tempo\b|tempo (i\b|1\b|primo|giusto|wie)|im (ersten )?tempo|im zeitma"
    r"|erstes (tempo|zeitma)|wie (zu anfang|vorher|fr[uü]her)"
    r"|au mouv|1er? (mouv|temps)|mouvement initial"
    r"|original tempo|in tempo|tempo iniziale|^tempo\.?$"
)
_FIRST_TEMPO = re.compile(
    r"tempo (i\b|1\b|primo|iniziale)|erstes|ersten|zu anfang|1er|initial|original"
)
_STEPS: tuple[tuple[str, float], ...] = (
    (r"doppio movimento|doppio pi[uù]|doppelt so schnell|twice as fast", 2.0),
    (r"doppio pi[uù] lento|halb so schnell|half (as fast|tempo)", 0.5),
    (r"molto meno mosso|molto pi[uù] lento|viel langsamer", 0.75),
    (r"molto pi[uù] (mosso|animato|vivo)|viel schneller", 1.3),
    (r"(un )?poco meno|(un )?poco pi[uù] (lento|tranquillo)|etwas (langsamer|ruhiger|breiter)"
     r"|un peu (plus lent|moins vite|retenu)|a little slower", 0.9),
    (r"(un )?poco pi[uù]|etwas (schneller|bewegter|lebhafter|rascher|belebter)"
     r"|un peu plus (vite|anim|vif)|a little faster", 1.1),
    (r"meno (mosso|allegro|presto|vivo)|^meno\.?$|pi[uù] (lento|largo|tranquillo|adagio)|langsamer"
     r"|ruhiger|breiter|plus lent|moins vite|slower", 0.85),
    (r"pi[uù] (mosso|allegro|animato|vivo|presto|stretto|moto)|schneller|bewegter|lebhafter|rascher"
     r"|belebter|plus (vite|anim|vif)|faster|stretto|stretta", 1.18),
    (r"l.?istesso|lo stesso|stesso tempo|m[eê]me mouvement", 1.0),
)  # fmt: skip


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _affirmed(pattern: re.Pattern[str], text: str) -> bool:
    """Tell whether the words are there and not denied ("nicht schleppend", "ohne zu eilen")."""
    found = pattern.search(text)
    return found is not None and not _NEGATED.search(text[: found.start()])


def tempo_of(text: str, *, mild: bool = False) -> float | None:
    """Get the beats a minute that the words ask for, None where they are about something else.

    ``mild`` takes words of character ("zart", "maestoso") for a tempo too, which they are at the
    head of a piece and nowhere else.

    >>> tempo_of("Andante sostenuto"), tempo_of("Nicht zu schnell"), tempo_of("dolce")
    (68, 108, None)
    """
    plain = _plain(text)
    if not plain or change_of(plain) is not None or step_of(plain) is not None:
        return None
    for pattern, bpm in _BPM + _MILD * mild:
        found = re.search(pattern, plain)
        if found and not _NEGATED.search(plain[: found.start()]):
            return bpm
    return None


def change_of(text: str) -> float | None:
    """Get the tempo at the end of a ritardando or accelerando over that before; else None.

    >>> change_of("poco rit."), change_of("accel."), change_of("nicht zurückhalten")
    (0.87, 1.25, None)
    """
    plain = _plain(text)
    little = re.search(r"\bpoco (rit|rall|acc|allarg|string)|un poco|etwas|un peu|a little", plain)
    much = re.search(r"molto|sehr|beaucoup|\bmuch", plain)
    if _affirmed(_SLOWER, plain):
        return 0.87 if little else 0.62 if much else 0.76
    if _affirmed(_FASTER, plain):
        return 1.12 if little else 1.4 if much else 1.25
    return None


def is_slow_growth(text: str) -> bool:
    """Tell whether the change is meant to take its time ("poco a poco", "nach und nach")."""
    return bool(
        re.search(r"poco a poco|nach und nach|allm[aä]h?l|peu [aà] peu|gradual|immer", _plain(text))
    )


def is_return(text: str) -> str | None:
    """Read ``"first"`` for Tempo I, ``"before"`` for a tempo, None for other words."""
    plain = _plain(text)
    if not _RETURN.search(plain):
        return None
    return "first" if _FIRST_TEMPO.search(plain) else "before"


def step_of(text: str) -> float | None:
    """Get the factor of a sudden change against the tempo so far ("più mosso"); else None."""
    plain = _plain(text)
    if re.search(r"werd|immer|allm|poco a poco|nach und nach", plain):
        return None
    for pattern, factor in _STEPS:
        if re.search(pattern, plain):
            return factor
    return None


def beat_factor(numerator: int, denominator: int) -> float:
    """Get quarters a minute over beats a minute of a tempo word in this metre.

    Compound metres beat dotted notes, alla breve beats halves, both at a somewhat calmer pace
    than the same word has in common time.
    """
    if denominator == 8:
        return 1.15 if numerator % 3 == 0 and numerator > 3 else 0.8
    if denominator >= 16:
        return 0.5
    if denominator == 2:
        return 1.4
    return 1.0
