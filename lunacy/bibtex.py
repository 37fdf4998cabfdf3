"""The entries of BibTeX and BibLaTeX, also where a file is not quite in order.

A whole parser leaves out entries that lack a comma or a brace, or whose key comes twice; of a list that takes papers
away none may be lost, and a reference that is left out would be proposed as one that is missing. So each entry is read
as far as it goes, and ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ANOTHER = r"(?<=\})(?=[ \t]*@\s*[A-Za-z]+\s*[{(]\s*[^\s,{}()=]+\s*,)"  # behind one that ends in the same line
_ENTRY = re.compile(rf"(?:^|{_ANOTHER})[ \t]*@\s*([A-Za-z]+)\s*[{{(]", re.MULTILINE)
_FIELD = re.compile(r"\s*,?\s*([A-Za-z][\w:.-]*)\s*=\s*")
_NEXT_FIELD = re.compile(r"[\n,]\s*([A-Za-z][\w:.-]*)\s*=\s*(?=[{\"\w])")
_SWALLOWED = re.compile(r"\s*,?\s*\n\s*[A-Za-z]+\s*=\s*[{\"]")  # the next field, by a value that is never closed
_KEY = re.compile(r"\s*([^,\s=}]*)\s*(?:,|(?=[\n})]))")
_LONGEST = 10_000  # characters of a value that is put together
_NAME = re.compile(r"[^\s,#{}\"=]+")
MARKUP = re.compile(r"[{}\"]|\\(?=[_%&#])|\\url\b|\\href\b")
Fields = dict[str, str]  # names in lower case, and values as they are written


@dataclass(frozen=True, slots=True)
class BibtexEntry:
    """An entry that stands for a work."""

    line: int
    key: str
    fields: Fields  # of a name that comes twice, the first


def bibtex_entries(text: str) -> list[BibtexEntry]:
    """The entries in order, those of one key too, with their macros filled in."""
    macros: Fields = {}
    entries = []
    for line, kind, body in _bodies(text):
        if kind == "string":
            macros |= dict(_fields(body, macros))
        elif kind not in ("comment", "preamble"):
            found = _KEY.match(body)
            fields: Fields = {}
            for name, value in _fields(body[found.end() if found else 0 :], macros):
                fields.setdefault(name, value)
            entries.append(BibtexEntry(line, found[1] if found else "", fields))
    return entries


def _bodies(text: str) -> Iterator[tuple[int, str, str]]:
    """The line, the kind in lower case, and the body of each entry: as far as its brace, or the next entry."""
    matches = list(_ENTRY.finditer(text))
    ends = [one.start() for one in matches[1:]] + [len(text)] * bool(matches)
    line, counted = 1, 0
    for match, end in zip(matches, ends, strict=True):
        line += text.count("\n", counted, match.start(1))
        counted = match.start(1)
        yield line, match[1].lower(), text[match.end() : end]


def _fields(body: str, macros: Fields) -> Iterator[tuple[str, str]]:
    """The name in lower case and the value of each field."""
    place = 0
    while match := _FIELD.match(body, place):
        value, place = _value(body, match.end(), macros)
        yield match[1].lower(), value
        if not _FIELD.match(body, place):  # something is wrong between: go on at the next line that begins a field
            found = _NEXT_FIELD.search(body, place)
            if found is None:
                return
            place = found.start() + 1


def _value(body: str, place: int, macros: Fields) -> tuple[str, int]:
    """The value that begins at `place`, whose parts # joins, and where it ends."""
    parts: list[str] = []
    size = 0
    while True:
        if body[place : place + 1] in ("{", '"'):
            part, place = _delimited(body, place)
        elif name := _NAME.match(body, place):
            part, place = macros.get(name[0].lower(), name[0]), name.end()
        else:
            return "".join(parts), place
        if size <= _LONGEST:  # a macro may double itself with each line
            parts.append(part)
            size += len(part)
        joined = re.compile(r"\s*#\s*").match(body, place)
        if joined is None:
            return "".join(parts), place
        place = joined.end()


def _delimited(body: str, start: int) -> tuple[str, int]:
    """What stands in the braces or quotes that open at `start`, and the place behind; of unclosed ones, their line."""
    closing = "}" if body[start] == "{" else '"'
    depth = 0
    for match in re.compile(r'\\.|[{}"]', re.DOTALL).finditer(body, start + 1):
        letter = match[0]
        if letter == closing and depth == 0:
            value = body[start + 1 : match.start()]
            if (swallowed := _SWALLOWED.search(value)) is None:
                return value, match.end()
            return value[: swallowed.start()], start + 1 + swallowed.start()
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            break
    end = body.find("\n", start)
    end = len(body) if end < 0 else end
    return body[start + 1 : end].rstrip().rstrip(",").rstrip('}"'), end
