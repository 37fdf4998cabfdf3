"""Papers for reference managers: BibTeX, RIS, CSL-JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lunacy.authors import Author, authors
from lunacy.letters import plain
from lunacy.paper import Paper
from lunacy.render.tex import clean, to_tex
from lunacy.unicode import to_unicode
from lunacy.withdrawn import is_withdrawn

_NOT_TELLING = frozenset(  # words that no key is made of
    "a an the on of in to for from by with at as is are and or le la les un une des der die das ein eine zur".split()
)
_WITHDRAWN = "Withdrawn."


def bibtex(found: Iterable[Paper]) -> Iterator[str]:
    """An entry for each paper, for BibTeX and biblatex in UTF-8; no two have the same key."""
    used: set[str] = set()
    for place, paper in enumerate(found):
        key = _key(paper, used)
        kind = "article" if paper.journal_ref else "misc"
        people = " and ".join(map(_bibtex_author, authors(paper)))
        fields = {
            "title": f"{{{to_tex(paper.title)}}}" if paper.title else "",  # a second pair of braces keeps the case
            "author": people,
            "key": "" if people else _letters(to_unicode(paper.title)) or _letters(paper.id),  # what it is sorted by
            "journal": to_tex(paper.journal_ref),
            "year": paper.posted[:4],
            "eprint": to_tex(paper.id) if paper.url else "",
            "archivePrefix": "arXiv" if paper.url else "",
            "primaryClass": to_tex(paper.categories[0]) if paper.categories and paper.url else "",
            "doi": _doi(paper.doi),
            "url": paper.url,
            "note": _WITHDRAWN if is_withdrawn(paper) else "",
        }
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
        yield ("\n" if place else "") + f"@{kind}{{{key},\n{lines}}}\n"


def ris(found: Iterable[Paper]) -> Iterator[str]:
    """An entry for each paper: tagged lines that end as on Windows (https://en.wikipedia.org/wiki/RIS_(file_format))."""
    for paper in found:
        names = [", ".join(filter(None, one)) for one in authors(paper)]
        year, month, day = [*paper.posted.split("-"), "", "", ""][:3]
        tags = [
            ("TY", "JOUR" if paper.journal_ref else "UNPB"),
            ("TI", to_unicode(paper.title)),
            *(("AU", name) for name in names),
            ("PY", year),
            ("DA", f"{year}/{month}/{day}" if year else ""),
            ("T2", to_unicode(paper.journal_ref)),
            ("DB", "arXiv" if paper.url else ""),
            ("AN", f"arXiv:{paper.id}" if paper.url else paper.id),
            ("DO", paper.doi),
            ("UR", paper.url),
            *(("KW", category) for category in paper.categories),
            ("N1", _WITHDRAWN if is_withdrawn(paper) else ""),
            ("AB", to_unicode(paper.abstract)),
        ]
        lines = "".join(f"{tag}  - {clean(value)}\r\n" for tag, value in tags if value)
        yield f"{lines}ER  - \r\n\r\n"


def csl_records(found: Iterable[Paper]) -> Iterator[dict[str, object]]:
    """An item for each paper, as https://docs.citationstyles.org has them; the ids are BibTeX's keys."""
    used: set[str] = set()
    for paper in found:
        record: dict[str, object] = {
            "id": _key(paper, used),
            "type": "article-journal" if paper.journal_ref else "article",
            "title": to_unicode(paper.title),
            "author": [_csl_author(one) for one in authors(paper)],
            "issued": {"date-parts": [[int(part) for part in paper.posted.split("-")]]} if paper.posted else None,
            "container-title": to_unicode(paper.journal_ref),
            **_csl_place(paper),
            "DOI": paper.doi,
            "URL": paper.url,
            "note": _WITHDRAWN if is_withdrawn(paper) else "",
            "abstract": to_unicode(paper.abstract),
        }
        yield {name: value for name, value in record.items() if value}


def _key(paper: Paper, used: set[str]) -> str:
    """Family name, year and first telling word of the title, like gupta2018multitask; then with a, b, ... behind."""
    people = authors(paper)
    family = _letters(people[0].family) if people else ""
    words = map(_letters, to_unicode(paper.title).split())
    word = next((word for word in words if word and word not in _NOT_TELLING), "")
    key = wanted = f"{family or 'anonymous'}{paper.posted[:4]}{word[:30]}"
    number = 0
    while key in used:
        key, number = f"{wanted}{_letter(number)}", number + 1
    used.add(key)
    return key


def _letter(number: int) -> str:
    """a, ..., z, aa, ab, ..."""
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("a") + number % 26)


def _letters(text: str) -> str:
    """Those of the English alphabet, and digits."""
    return re.sub("[^a-z0-9]", "", plain(text))


def _bibtex_author(one: Author) -> str:
    """As BibTeX reads it in one way only; a group in braces."""
    if not one.given:
        return f"{{{to_tex(one.family)}}}"
    return ", ".join(to_tex(part) for part in (one.family, one.suffix, one.given) if part)


def _doi(text: str) -> str:
    """BibTeX styles escape what is special in it; braces and backslashes are of no DOI."""
    return re.sub(r"[\\{}]", "", clean(text))


def _csl_place(paper: Paper) -> dict[str, str]:
    """Where arXiv has it: the number of a preprint, but the archive of an article, whose number is that of an issue."""
    if not paper.url:
        return {"number": paper.id}
    if paper.journal_ref:
        return {"archive": "arXiv", "archive_location": paper.id}
    return {"publisher": "arXiv", "number": f"arXiv:{paper.id}"}


def _csl_author(one: Author) -> dict[str, str]:
    if not one.given:
        return {"literal": one.family}
    parts = {"family": one.family, "given": one.given, "suffix": one.suffix}
    return {name: part for name, part in parts.items() if part}
