"""Digests as an Atom feed (RFC 4287), for feed readers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from lunacy.digest import Digest, Item
from lunacy.display import harmless
from lunacy.names import authors_of
from lunacy.paper import Paper
from lunacy.unicode import to_unicode

_ATOM = "http://www.w3.org/2005/Atom"
_NO_DATE = "1991-08-14"  # when arXiv began: a feed without papers must say something, and no clock is read
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets


def digest_atom(digests: Sequence[Digest]) -> str:
    """One feed for all lists; a paper's entry has the same id whatever list it is for."""
    ET.register_namespace("", _ATOM)
    names = ", ".join(one.name for one in digests)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    items = [(one, item) for one in digests for item in one.items]
    dates = [_day(item.paper) for _one, item in items] + [one.date for one in digests if one.date]
    _add(feed, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, f'lunacy digest {names}')}")
    _add(feed, "title", f"New papers: {names}")
    _add(feed, "updated", _time(max(dates, default=_NO_DATE)))
    _add(feed, "generator", "lunacy")
    told: set[str] = set()
    for one, item in items:
        if item.paper.id not in told:
            told.add(item.paper.id)
            _add_entry(feed, one.name, item)
    ET.indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def _add_entry(feed: ET.Element, name: str, item: Item) -> None:
    paper = item.paper
    entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
    _add(entry, "id", paper.url or f"urn:uuid:{uuid5(NAMESPACE_URL, f'lunacy paper {paper.id}')}")
    _add(entry, "title", to_unicode(paper.title) or paper.id)
    _add(entry, "updated", _time(_day(paper)))
    for author in authors_of(paper.authors) or ["unknown"]:
        _add(ET.SubElement(entry, f"{{{_ATOM}}}author"), "name", to_unicode(author))
    if paper.url:
        ET.SubElement(entry, f"{{{_ATOM}}}link", rel="alternate", type="text/html", href=_text(paper.url))
    for category in paper.categories:
        ET.SubElement(entry, f"{{{_ATOM}}}category", term=_text(category))
    _add(entry, "summary", to_unicode(f"{name}: {item.why}: {item.near.title}"))
    if paper.abstract:
        _add(entry, "content", to_unicode(paper.abstract))


def _day(paper: Paper) -> str:
    """When it was posted, or the first day of that month."""
    posted = paper.posted or paper.updated
    return posted if len(posted) == len(_NO_DATE) else f"{posted}-01" if posted else _NO_DATE


def _time(day: str) -> str:
    return f"{day}T00:00:00Z"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = _text(text)


def _text(text: str) -> str:
    """What a strict parser takes."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", harmless(text))
