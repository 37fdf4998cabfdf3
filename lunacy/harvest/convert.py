"""A record as arXiv gives it, in any of its formats -> a line in the schema of the Kaggle arXiv dataset.

That dataset is made from `arXivRaw`, field by field, so its records become the same lines. The other formats know
less: `arXiv` has authors one by one, and of the versions only days; `oai_dc` (Dublin Core) has categories by their
names. Both write letters where the authors wrote TeX.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Any

from lunacy.harvest.protocol import Record
from lunacy.harvest.subjects import categories_of
from lunacy.paper import Paper, canonical_id, month_of
from lunacy.withdrawn import is_withdrawn

FORMATS = ("arXivRaw", "arXiv", "oai_dc")  # by what they know, the best first

_RAW = "{http://arxiv.org/OAI/arXivRaw/}"
_ARXIV = "{http://arxiv.org/OAI/arXiv/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_NOTICE = "This paper has been withdrawn."

Line = dict[str, Any]


def to_line(record: Record) -> Line:
    """The line for a record that is not deleted; one that says too little to be a paper gives a bad line."""
    element = record.metadata
    known: Line = {}
    if element is not None:
        if element.tag.startswith(_RAW):
            known = _from_raw(element)
        elif element.tag.startswith(_ARXIV):
            known = _from_arxiv(element)
        elif element.find(f"{_DC}title") is not None:
            known = _from_dc(element, record.sets)
    return {"id": known.pop("id", None) or record.identifier, **known, "update_date": record.datestamp}


_SAME = "title comments journal-ref doi report-no categories license abstract"  # fields that Kaggle's schema has too


def _fields(element: ET.Element, space: str) -> Line:
    return {"id": element.findtext(f"{space}id"), **{name: element.findtext(space + name) for name in _SAME.split()}}


def _from_raw(element: ET.Element) -> Line:
    versions = sorted(element.iterfind(f"{_RAW}version"), key=_number)
    line = _fields(element, _RAW)
    line["submitter"], line["authors"] = element.findtext(f"{_RAW}submitter"), element.findtext(f"{_RAW}authors")
    line["versions"] = [{"version": one.get("version"), "created": one.findtext(f"{_RAW}date")} for one in versions]
    if versions and "I" in (versions[-1].findtext(f"{_RAW}source_type") or ""):  # the last version is a withdrawal
        comments = line["comments"] or ""
        if not is_withdrawn(Paper("", "", "", comments=comments)):
            line["comments"] = f"{_NOTICE} {comments}".rstrip()
    return line


def _number(version: ET.Element) -> int:
    digits = (version.get("version") or "").removeprefix("v")
    return int(digits) if digits.isdecimal() else 0


def _from_arxiv(element: ET.Element) -> Line:
    line = _fields(element, _ARXIV)
    people = [
        [(one.findtext(_ARXIV + part) or "").strip() for part in ("keyname", "forenames", "suffix")]
        for one in element.iterfind(f"{_ARXIV}authors/{_ARXIV}author")
    ]
    line.update(_authors(people), created=_first_day(line["id"] or "", element.findtext(f"{_ARXIV}created")))
    return line


def _from_dc(element: ET.Element, sets: Iterable[str]) -> Line:
    texts: dict[str, list[str]] = {}
    for one in element:
        texts.setdefault(one.tag.removeprefix(_DC), []).append(" ".join((one.text or "").split()))
    identifiers, descriptions = texts.get("identifier", []), texts.get("description", [])
    people = [[part.strip() for part in name.partition(",")[::2]] + [""] for name in texts.get("creator", [])]
    identifier = next(filter(None, map(canonical_id, identifiers)), "")
    return {
        "id": identifier,
        "title": next(iter(texts["title"])),
        "abstract": next(iter(descriptions), None),
        "comments": next((one.removeprefix("Comment: ") for one in descriptions[1:]), None),
        **_authors(people),
        "categories": " ".join(categories_of(texts.get("subject", []), sets)),
        "doi": next((one[4:] for one in identifiers if one.startswith("doi:")), None),
        "created": _first_day(identifier, min(texts.get("date", []), default=None)),
    }


def _first_day(identifier: str, created: str | None) -> str | None:
    """`created`, where it can be the day of the first version: since 2025 the format `arXiv` has that of the last."""
    month = month_of(identifier)
    return created if created and not (month and created[:7] > month) else None


def _authors(people: list[list[str]]) -> Line:
    """`people`: [last, first, suffix] of each."""
    names = (" ".join(filter(None, (first, last, suffix))) for last, first, suffix in people)
    return {"authors": ", ".join(names), "authors_parsed": people}
