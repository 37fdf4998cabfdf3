"""A reply is read whole, or not at all."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import orjson
import pytest

from lunacy.harvest import to_line
from lunacy.harvest.protocol import NotAReply, ProtocolError, read_page
from lunacy.snapshot import BadLine, Line, parse
from tests.harvest.archive import FORMATS, error_reply, list_reply, paper, record, reply
from tests.harvest.server import FAULTS

PAPERS = [paper(n, categories=("cs.CL", "hep-th")) for n in range(1, 6)]


def test_a_page_gives_its_records_and_the_token_of_the_next() -> None:
    page = read_page(list_reply(PAPERS, "verb%3DListRecords%26skip%3D5", day="2026-11-25"), "ListRecords")
    assert (page.token, page.expires, page.date) == (
        "verb%3DListRecords%26skip%3D5",
        "2026-11-27T00:00:00Z",
        "2026-11-25",
    )
    assert [one.identifier for one in page.records] == [f"oai:arXiv.org:2611.0000{n}" for n in range(1, 6)]
    assert {one.datestamp for one in page.records} == {"2026-11-20"}
    assert page.records[0].sets == ("cs:cs:CL", "physics:hep-th")
    assert page.records[0].metadata is not None


@pytest.mark.parametrize("token", [None, ""])
def test_a_list_ends_with_an_empty_token_or_none(token: str | None) -> None:
    page = read_page(list_reply(PAPERS, token), "ListRecords")
    assert (page.token, page.expires) == ("", "")


def test_a_deleted_record_says_so() -> None:
    page = read_page(list_reply([replace(PAPERS[0], is_deleted=True), PAPERS[1]]), "ListRecords")
    assert [(one.is_deleted, one.metadata is None) for one in page.records] == [(True, True), (False, False)]


@pytest.mark.parametrize("code", ["noRecordsMatch", "badResumptionToken", "badArgument"])
def test_an_error_that_is_told_is_told(code: str) -> None:
    with pytest.raises(ProtocolError, match="It is so") as told:
        read_page(error_reply(code), "ListRecords")
    assert told.value.code == code


def test_no_beginning_of_a_page_is_a_page() -> None:
    whole = list_reply(PAPERS[:2])
    for end in range(len(whole.rstrip())):
        with pytest.raises(NotAReply):
            read_page(whole[:end], "ListRecords")
    assert len(read_page(whole, "ListRecords").records) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Rate exceeded.",
        b"<html><body>Back soon</body></html>",
        b'<OAI-PMH xmlns="urn:else"><ListRecords><record/></ListRecords></OAI-PMH>',
        reply("<ListRecords></ListRecords>"),
        reply("<GetRecord></GetRecord>"),
        list_reply(PAPERS).replace(b"<responseDate>2026", b"<responseDate>in 2026"),
        list_reply(PAPERS).replace(b"show", b"\xff"),
        list_reply(PAPERS) + b"<html/>",
    ],
)
def test_what_is_no_whole_reply_is_none(body: bytes) -> None:
    with pytest.raises(NotAReply):
        read_page(body, "ListRecords")


def test_entities_are_neither_expanded_nor_fetched(tmp_path: object) -> None:
    secret = tmp_path / "secret"  # type: ignore[operator]
    secret.write_text("secret")
    for entity in ("'ha'", f"SYSTEM 'file://{secret}'"):
        body = list_reply(PAPERS[:1]).replace(b"?>\n", f"?>\n<!DOCTYPE x [<!ENTITY e {entity}>]>\n".encode(), 1)
        with pytest.raises(NotAReply, match="document type"):
            read_page(body.replace(b"show", b"&e;"), "ListRecords")


def test_a_bomb_of_entities_is_refused_at_once() -> None:
    class Handler:
        """Keeps what is sent."""

        def __init__(self) -> None:
            self.wfile, self.body = self, b""

        def write(self, body: bytes) -> None:
            self.body += body

        def __getattr__(self, _name: str) -> object:
            return lambda *_: None

    handler = Handler()
    FAULTS["entities"](handler, b"")
    with pytest.raises(NotAReply, match="document type"):
        read_page(handler.body, "ListRecords")


def test_control_characters_that_xml_forbids_count_as_spaces() -> None:
    """Authors paste them, and no paper may hold up all that come after it."""
    body = list_reply(PAPERS[:1]).replace(b"We show", b"We\x0c\x01 show")
    metadata = read_page(body, "ListRecords").records[0].metadata
    assert metadata is not None
    assert (metadata.findtext("{http://arxiv.org/OAI/arXivRaw/}abstract") or "").split()[:2] == ["We", "show"]


def test_one_record_is_read_as_a_list_is() -> None:
    page = read_page(reply(f"<GetRecord>{record(PAPERS[2])}</GetRecord>", verb="GetRecord"), "GetRecord")
    assert [one.identifier for one in page.records] == ["oai:arXiv.org:2611.00003"]


def test_a_garbled_page_is_a_page_or_none_and_its_records_are_lines() -> None:
    choice = random.Random(1)
    pages = [list_reply(PAPERS[:2], "t", form=form, is_new=is_new) for form in FORMATS for is_new in (True, False)]
    n_pages = 0
    for _ in range(400):
        body = bytearray(choice.choice(pages))
        at, other = choice.randrange(len(body)), choice.randrange(len(body))
        body[at : at + choice.randrange(3)] = (
            body[other : other + choice.randrange(30)] if choice.random() < 0.7 else b""
        )
        try:
            page = read_page(bytes(body), "ListRecords")
        except (NotAReply, ProtocolError):
            continue
        n_pages += 1
        for one in page.records:
            with suppress(BadLine):
                parse(Line(1, 0, orjson.dumps(to_line(one))))
    assert n_pages > 20
