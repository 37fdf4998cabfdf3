"""A reply of the Open Archives protocol (OAI-PMH 2.0): bytes -> records, strictly, or the error that it tells.

http://www.openarchives.org/OAI/openarchivesprotocol.html. A reply that is not whole, or is none at all, is never taken
for a list that has ended: then nothing in it counts.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import date

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_NO_CONTROL = bytes(code if code > 31 or code in (9, 10, 13) else 32 for code in range(256))  # XML forbids the others
_SHOWN = 100  # characters of a reply that is none


class NotAReply(Exception):
    """Bytes that are no whole reply; the message says why."""


class ProtocolError(Exception):
    """An error that the server tells in the words of the protocol."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Record:
    """One record: of a paper, in one of the formats that arXiv offers."""

    identifier: str  # oai:arXiv.org:0704.0001; "" if the record lacks it
    datestamp: str  # the day of its last change; "" if it is none
    is_deleted: bool
    sets: tuple[str, ...]  # physics:hep-th, cs:cs:LG; until 2025 cs alone
    metadata: ET.Element | None  # the element in <metadata>


@dataclass(frozen=True, slots=True)
class Page:
    """One reply to a request for records."""

    records: list[Record]
    token: str  # with which to ask for the next page; "" on the last
    expires: str  # until when the token is good, as the server writes it: 2025-03-10T00:00:00Z; "" where it does not
    date: str  # the server's day


def read_page(body: bytes, verb: str) -> Page:
    """The records in a reply to `verb`, ListRecords or GetRecord: at least one.

    Raises ProtocolError for an error that the reply tells, NotAReply for everything else that is not a whole reply.
    """
    root = _parse(body)
    if root.tag != f"{_OAI}OAI-PMH":
        raise NotAReply(f"its root is {root.tag}, not OAI-PMH")
    if (error := root.find(f"{_OAI}error")) is not None:
        raise ProtocolError(error.get("code", ""), " ".join((error.text or "").split()))
    found = root.find(_OAI + verb)
    if found is None:
        raise NotAReply(f"it holds no {verb}")
    records = [_record(one) for one in found.iterfind(f"{_OAI}record")]
    if not records:
        raise NotAReply("it holds no record, and no error that says why")
    day = _day(_text(root, "responseDate"))
    if not day:
        raise NotAReply("it does not say its date")
    token = found.find(f"{_OAI}resumptionToken")
    expires = "" if token is None else token.get("expirationDate", "")
    return Page(records, _text(found, "resumptionToken"), expires, day)


class _Builder(ET.TreeBuilder):
    """Refuses a document type, and with it entities: a reply has none, and they are how XML does harm."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002 (as the parser calls it)
        raise NotAReply(f"it declares a document type: {name}")


def _parse(body: bytes) -> ET.Element:
    parser = ET.XMLParser(target=_Builder())  # noqa: S314 (no document type, no entities, no access to anything else)
    try:
        parser.feed(body.translate(_NO_CONTROL).decode("utf-8-sig"))
        root: ET.Element = parser.close()
    except (ET.ParseError, ValueError) as error:
        begin = " ".join(body[:_SHOWN].decode(errors="replace").split())
        raise NotAReply(f"it is no whole XML ({error}); it begins {begin!r}") from None
    return root


def _record(element: ET.Element) -> Record:
    """What one record says. A broken one must not hold up a page that is whole: it becomes a bad line later."""
    header = element.find(f"{_OAI}header")
    if header is None:
        header = ET.Element("header")
    metadata = element.find(f"{_OAI}metadata")
    return Record(
        _text(header, "identifier"),
        _day(_text(header, "datestamp")),
        header.get("status") == "deleted",
        tuple((one.text or "").strip() for one in header.iterfind(f"{_OAI}setSpec")),
        next(iter(metadata), None) if metadata is not None else None,
    )


def _text(element: ET.Element, name: str) -> str:
    return (element.findtext(_OAI + name) or "").strip()


def _day(text: str) -> str:
    """The day in an ISO 8601 date, or ""."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""
