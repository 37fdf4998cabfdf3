"""A draft as plain text: Markdown, a text file, or what a PDF says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lunacy.doi import dois_in
from lunacy.paper import canonical_id
from lunacy.references.lines import lines_at
from lunacy.references.mentions import ids_in, year_in
from lunacy.references.reference import Draft, Reference

_HEADING = re.compile(
    r"^[ \t]*(?:#+[ \t]*|\d+\.?[ \t]+)?(?:references|bibliography|literature cited|works cited)[ \t]*:?[ \t]*#*[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"^[ \t]*(?:\[(\d{1,3}|[A-Za-z+]{2,8}\d{2,4}[a-z]?)\]:?|(\d{1,3})\.|[-*+])[ \t]+", re.MULTILINE)
_ABSTRACT = re.compile(r"^[ \t#*_]*abstract[ \t*_]*[:.—–-]?[ \t*_]*", re.IGNORECASE | re.MULTILINE)
_ABSTRACT_END = re.compile(
    r"""\S[^\n]*(?=\n[ \t]*(?:\n[ \t]*\S | \# | (?:\d|i)?\.?[ \t]*introduction | key[ ]?words | index[ ]terms
    | ccs[ ]concepts | categories[ ]and[ ]subject | acm[ ]reference[ ]format))""",
    re.IGNORECASE | re.VERBOSE,
)
_BROKEN = re.compile(r"-\n[ \t]*(?=[a-z])")  # a word at the end of a line
_LEAST_LETTERS = 15  # of what may be a reference
_LONGEST = 2000  # characters of one
_LONGEST_ABSTRACT = 5000
_LONGEST_HEAD = 5000


def draft_of_text(text: str) -> Draft:
    """The references behind the last heading that says so; else one for each id and DOI that is mentioned."""
    headings = list(_HEADING.finditer(text))
    body, listed = (text[: headings[-1].start()], text[headings[-1].end() :]) if headings else (text, "")
    references = _references(listed, text.count("\n", 0, len(text) - len(listed)) + 1) if listed else []
    known = {one for reference in references for one in (*reference.ids, *reference.dois)}
    mentioned = [one for one in _mentioned(body) if known.isdisjoint((*one.ids, *one.dois))]
    begin = _ABSTRACT.search(body)
    end = _ABSTRACT_END.search(body, begin.end()) if begin else None
    abstract = _BROKEN.sub("", body[begin.end() : end.end()]) if begin and end else ""
    return Draft(
        (*references, *mentioned),
        _title(body),
        " ".join(abstract[:_LONGEST_ABSTRACT].split()),
        head=body[:_LONGEST_HEAD],
    )


def reference_of_text(where: str, key: str, text: str) -> Reference:
    """A reference of which nothing is known but its text."""
    dois = [one for one in dois_in(text) if not canonical_id(one)]
    years = re.findall(r"\((\d{4})[a-z]?\)", text)
    year = year_in(years[0]) if years else year_in(re.sub(r"\d{4}\.\d{4,5}", "", text))
    return Reference(where, key, ids=tuple(ids_in(text)), dois=tuple(dois), year=year, text=text[:_LONGEST])


def _references(listed: str, first_line: int) -> list[Reference]:
    """The references of a list: by their numbers, or as blank lines part them, or a line each."""
    numbers = list(_NUMBER.finditer(listed))
    if len(numbers) > 1:
        ends = [*(one.start() for one in numbers[1:]), len(listed)]
        pieces = [
            (one.start(), one[1] or one[2] or "", listed[one.end() : end])
            for one, end in zip(numbers, ends, strict=True)
        ]
    else:
        separator = r"\n[ \t]*\n\s*" if len(re.findall(r"\n[ \t]*\n", listed.strip())) > 1 else r"\n"
        pieces, start = [], 0
        for match in [*re.finditer(separator, listed), None]:
            pieces.append((start, "", listed[start : match.start() if match else len(listed)]))
            start = match.end() if match else start
    found = []
    lines = lines_at(listed, [start for start, _key, _piece in pieces], first_line)
    for line, (_start, key, piece) in zip(lines, pieces, strict=True):
        squeezed = " ".join(_BROKEN.sub("", piece).split())
        if sum(map(str.isalnum, squeezed)) >= _LEAST_LETTERS or ids_in(squeezed):
            found.append(reference_of_text(f"line {line}", f"[{key}]" if key else "", squeezed))
    return found


def _mentioned(body: str) -> Iterable[Reference]:
    """A reference for each id and DOI that the text has."""
    for number, line in enumerate(body.splitlines(), 1):
        for one in ids_in(line):
            yield Reference(f"line {number}", ids=(one,))
        for one in dois_in(line):
            if not canonical_id(one):
                yield Reference(f"line {number}", dois=(one,))


def _title(body: str) -> str:
    """The first heading of Markdown, or the first line that says something."""
    heading = re.search(r"^#[ \t]+(.+)$", body, re.MULTILINE)
    lines = [line.strip() for line in body.splitlines() if len(line.strip()) > 3 and not line.startswith("arXiv:")]
    return (heading[1].strip(" #") if heading else next(iter(lines), ""))[:300]
