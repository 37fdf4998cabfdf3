"""The entries of BibTeX and BibLaTeX, also where a file is not quite in order.

A whole parser leaves out entries that lack a comma or a brace, or whose key comes twice; a reference that is left out
would be proposed as one that is missing. So each entry is read as far as it goes, and ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lunacy.references.lines import lines_at
from lunacy.references.reference import Reference, reference_of

_ENTRY = re.compile(r"^[ \t]*@\s*([A-Za-z]+)\s*[{(]", re.MULTILINE)
_FIELD = re.compile(r"\s*,?\s*([A-Za-z][\w:.-]*)\s*=\s*")
_NEXT_FIELD = re.compile(r"[\n,]\s*([A-Za-z][\w:.-]*)\s*=\s*(?=[{\"\w])")
_SWALLOWED = re.compile(r"\s*,?\s*\n\s*[A-Za-z]+\s*=\s*[{\"]")  # the next field, by a value that is never closed
_KEY = re.compile(r"\s*([^,\s=}]*)\s*(?:,|(?=[\n})]))")
_LONGEST = 10_000  # characters of a value that is put together
_NAME = re.compile(r"[^\s,#{}\"=]+")
_PARENTS = ("crossref", "xdata")
_NOT_OF_PARENTS = frozenset(("title", "author", "crossref", "doi", "eprint", "url"))
MARKUP = re.compile(r"[{}\"]|\\(?=[_%&#])|\\url\b|\\href\b")
Macros = dict[str, str]


def references_of_bibtex(text: str) -> list[Reference]:
    """A reference for each entry, in order; those of one key too."""
    macros: Macros = {}
    entries = []
    for start, kind, body in _entries(text):
        if kind == "string":
            macros |= dict(_fields(body, macros))
        elif kind not in ("comment", "preamble"):
            found = _KEY.match(body)
            fields: Macros = {}
            for name, value in _fields(body[found.end() if found else 0 :], macros):
                fields.setdefault(name, value)
            entries.append((start, found[1] if found else "", fields))
    by_key: dict[str, Macros] = {}
    for _line, key, fields in entries:
        by_key.setdefault(key.lower(), fields)
    return [_reference(line, key, _with_parents(fields, by_key)) for line, key, fields in entries]


def _reference(line: int, key: str, fields: Mapping[str, str]) -> Reference:
    plain = {name: MARKUP.sub("", value) for name, value in fields.items()}
    title = " ".join(fields.get("title", "").split())
    if subtitle := " ".join(fields.get("subtitle", "").split()):
        title = f"{title}: {subtitle}"
    plain["title"] = title  # its key knows TeX
    plain.setdefault("journal", plain.get("journaltitle", ""))
    return reference_of(f"line {line}", key, plain, surname=surname_of(fields.get("author", "")))


def surname_of(authors: str) -> str:
    """The family name of the first of `authors`, as BibTeX has them: "Last, First and ..." or "First Last and ..."."""
    first = re.split(r"\s+and\s+", authors.strip(), maxsplit=1)[0]
    if first.startswith("{") and first.endswith("}") and first.count("{") == 1:
        return first[1:-1]  # a group
    family, comma, _given = first.partition(",")
    return family.strip() if comma else (first.split() or [""])[-1]


def _with_parents(fields: Macros, by_key: Mapping[str, Macros]) -> Macros:
    """With the fields of the entry that it refers to, but for those that are of that entry alone."""
    for name in _PARENTS:
        parent = by_key.get(fields.get(name, "").strip().lower())
        if parent is not None and parent is not fields:
            fields = {one: value for one, value in parent.items() if one not in _NOT_OF_PARENTS} | fields
    return fields


def _entries(text: str) -> Iterator[tuple[int, str, str]]:
    """The line, the kind in lower case, and the body of each entry: as far as its brace, or the next entry."""
    matches = list(_ENTRY.finditer(text))
    ends = [*(one.start() for one in matches[1:]), len(text)]
    for match, end, line in zip(matches, ends, lines_at(text, (one.start(1) for one in matches)), strict=bool(matches)):
        yield line, match[1].lower(), text[match.end() : end]


def _fields(body: str, macros: Macros) -> Iterator[tuple[str, str]]:
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


def _value(body: str, place: int, macros: Macros) -> tuple[str, int]:
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
