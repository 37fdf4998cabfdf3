"""The arXiv ids in BibTeX and BibLaTeX, also where a file is not quite in order.

Only the fields that may hold one are looked for, entry by entry. A whole parser would leave out entries that lack a
comma or a brace, or whose key comes twice, and of a list that takes papers away none may be lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lunacy.errors import ListError
from lunacy.idlist.words import Listed
from lunacy.paper import canonical_id

ENTRY = r"@\s*[A-Za-z]+\s*[{(]"
_ENTRY = re.compile(ENTRY)
_NO_PAPER = re.compile(r"@\s*(comment|string|preamble)\b", re.IGNORECASE)
_FIELDS = ("eprint", "arxivid", "arxiv", "doi", "url", "journal", "volume", "howpublished", "note")  # the best first
_SENTENCES = ("journal", "howpublished")  # where an id may stand among words
_KINDS = ("archiveprefix", "eprinttype")
_FIELD = re.compile(rf"\b({'|'.join((*_FIELDS, *_KINDS))})\s*=\s*", re.IGNORECASE)
_MENTION = re.compile(
    r"(?:\barxiv[.:]\s*|\barxiv\.org/(?:abs|pdf)/)((?:[a-z-]+(?:\.[a-z-]+)?/)?[\d.]+\d)", re.IGNORECASE
)
_LONGEST_VALUE = 1000  # characters


def ids_of_bibtex(text: str, name: str, note: Callable[[str], None]) -> list[Listed]:
    """An id for each entry that has one. Raises ListError where none has."""
    starts = [match.start() for match in _ENTRY.finditer(text)]
    entries = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    found, n_without, line = [], 0, 1
    for place, entry in enumerate(entries):
        line += text.count("\n", starts[place - 1] if place else 0, starts[place])
        if _NO_PAPER.match(entry):
            continue
        identifier = _id_of({field.lower(): value for field, value in reversed(list(_fields(entry)))})
        if identifier:
            found.append(Listed(identifier, f"line {line}"))
        n_without += not identifier
    if not found:
        raise ListError(f"{name}: none of its {n_without:,} entries has an arXiv id in eprint, doi, url or journal")
    if n_without:
        note(f"{name}: {n_without:,} of {n_without + len(found):,} entries have no arXiv id and are passed over")
    return found


def _id_of(fields: dict[str, str]) -> str | None:
    """The arXiv id in the fields of an entry."""
    kind = next((fields[name] for name in _KINDS if name in fields), "arxiv").lower()
    for name in _FIELDS:
        value = fields.get(name, "")
        if name == "eprint" and "arxiv" not in kind:
            value = f"{kind}/{value}"  # hep-th and 9711200; of pubmed there is no such archive
        mentions = _MENTION.findall(value) if name in _SENTENCES else []
        if identifier := canonical_id(value) or (canonical_id(mentions[0]) if len(mentions) == 1 else None):
            return identifier
    return None


def _fields(entry: str) -> Iterator[tuple[str, str]]:
    """The name and value of each field that may hold an id, without braces and TeX's escapes."""
    for match in _FIELD.finditer(entry):
        value = _value(entry[match.end() : match.end() + _LONGEST_VALUE])
        yield match[1], re.sub(r"[{}\"]|\\(?=[_%&#])|\\url", "", value)


def _value(rest: str) -> str:
    """What `rest` begins with: {in braces}, "in quotes" or a word."""
    if rest[:1] not in ("{", '"'):
        return re.split(r"[,\s})]", rest, maxsplit=1)[0]
    depth = 0
    for place, letter in enumerate(rest):
        depth += (letter == "{") - (letter == "}")
        if depth <= 0 and place and (rest[0] == "{" or letter == '"'):
            return rest[1:place]
    return rest[1:].partition("\n")[0]  # it is never closed
