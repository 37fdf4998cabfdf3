"""A server is asked politely, and again when it fails for the moment. The clock is the server's too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from lunacy.errors import HarvestError, UsageError
from lunacy.harvest import Client, client, list_records
from lunacy.harvest.protocol import ProtocolError
from tests.conftest import few_quick
from tests.harvest.archive import paper
from tests.harvest.server import FAULTS, Clock, Server, hang, send

PAPERS = [paper(n) for n in range(1, 36)]  # 4 pages
ALL = [f"oai:arXiv.org:{one.id}" for one in PAPERS]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    with Server(PAPERS, clock=clock).running() as running:
        yield running


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def asking(server: Server, clock: Clock, notes: list[str]) -> Iterator[Client]:
    with Client(server.url, "me@example.org", note=notes.append, sleep=clock.sleep, clock=clock) as one:
        yield one


def everything(asking: Client, **asked: str) -> list[str]:
    return [one.identifier for page in list_records(asking, asked) for one in page.records]


def assert_polite(server: Server) -> None:
    """No two requests are closer than 3 seconds."""
    times = [at_s for at_s, _query in server.log]
    assert all(later - before >= 3 for before, later in pairwise(times))


def test_a_list_comes_whole_page_by_page_every_three_seconds(server: Server, asking: Client) -> None:
    assert everything(asking) == ALL
    assert [at_s for at_s, _query in server.log] == [1000.0, 1003.0, 1006.0, 1009.0]
    assert server.log[0][1] == {"verb": "ListRecords", "metadataPrefix": "arXivRaw"}
    assert [set(query) for _at_s, query in server.log[1:]] == [{"verb", "resumptionToken"}] * 3


def test_the_server_learns_who_asks(server: Server, asking: Client) -> None:
    everything(asking)
    [agent] = server.agents
    assert agent.startswith("lunacy/")
    assert agent.endswith("(me@example.org)")


PASSING = sorted(set(FAULTS) - {"expired token"})


@pytest.mark.parametrize("page", few_quick(range(4), 1))
@pytest.mark.parametrize("fault", PASSING)
def test_after_a_fault_that_passes_the_list_is_whole(server: Server, asking: Client, fault: str, page: int) -> None:
    server.faults[page] = FAULTS[fault]
    assert everything(asking) == ALL
    assert len(server.log) == 5
    assert server.log[page][1] == server.log[page + 1][1]
    assert_polite(server)


@pytest.mark.parametrize(("fault", "least_s", "most_s"), [("503 with seconds", 7, 7), ("503 with a date", 59, 62)])
def test_the_wait_is_the_one_that_the_server_asks_for(
    server: Server, asking: Client, clock: Clock, fault: str, least_s: float, most_s: float
) -> None:
    server.faults[0] = FAULTS[fault]
    everything(asking)
    assert least_s <= clock.waits_s[0] <= most_s


def test_waits_grow_and_each_is_told(server: Server, asking: Client, clock: Clock, notes: list[str]) -> None:
    server.faults |= dict.fromkeys(range(4), FAULTS["503"])
    everything(asking)
    assert clock.waits_s[:4] == [5, 10, 20, 40]
    assert notes[0] == f"{server.url}: HTTP 503 Service Unavailable; asking again in 5 s"


def test_a_server_that_hangs_is_asked_again(
    server: Server, clock: Clock, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_SILENCE_S", 0.2)
    server.faults[1] = hang(1.0)
    with Client(server.url, note=notes.append, sleep=clock.sleep, clock=clock) as asking:
        assert everything(asking) == ALL
    assert "no answer within 0 s" in notes[0]


def test_a_server_that_drips_is_given_up_after_a_while(
    server: Server, asking: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_REPLY_S", 100)

    def drip(handler: Any, body: bytes) -> None:
        clock.now_s += 101  # while it sends
        send(handler, body)

    server.faults[0] = drip
    assert everything(asking) == ALL
    assert len(server.log) == 5


def test_a_server_that_is_down_for_long_is_given_up_in_one_line(server: Server, asking: Client, clock: Clock) -> None:
    server.faults |= dict.fromkeys(range(100), FAULTS["200 with a text"])
    with pytest.raises(HarvestError) as told:
        everything(asking)
    assert told.value.full_message.startswith(f"{server.url}: its reply is none: it is no whole XML")
    assert "'Rate exceeded.'; what has come is kept: run the same command again later" in told.value.full_message
    assert len(server.log) == 8
    assert sum(clock.waits_s) < 900


def test_nobody_there_is_told_in_one_line(clock: Clock) -> None:
    with (
        Client("http://127.0.0.1:9/oai", sleep=clock.sleep, clock=clock) as asking,
        pytest.raises(HarvestError, match="refused"),
    ):
        everything(asking)


def test_who_asks_to_come_back_tomorrow_is_obeyed(server: Server, asking: Client) -> None:
    server.faults[0] = lambda handler, _body: send(handler, b"", 503, Retry_After="86400")
    with pytest.raises(HarvestError) as told:
        everything(asking)
    assert told.value.full_message.endswith("run the same command again, in 1440 minutes")
    assert len(server.log) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_does_not_pass_is_not_tried_again(server: Server, asking: Client, status: int) -> None:
    server.faults[0] = lambda handler, _body: send(handler, b"", status)
    with pytest.raises(HarvestError, match=f"HTTP {status}"):
        everything(asking)
    assert len(server.log) == 1


def test_a_list_that_does_not_end_is_refused(server: Server, asking: Client) -> None:
    for n in range(2, 50):  # from here on always the second page
        server.faults[n] = lambda handler, _body: send(handler, server.answer(server.log[1][1]))
    with pytest.raises(HarvestError, match="the same page for ever"):
        everything(asking)
    assert len(server.log) == 3


def test_a_reply_that_is_too_large_is_none(server: Server, asking: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MOST_BYTES", 20_000)
    server.faults[0] = lambda handler, _body: send(handler, b"<a>" * 10_000)
    assert everything(asking) == ALL


def moved(to: str, status: int = 301) -> Any:
    return lambda handler, _body: send(handler, b"", status, Location=to)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_at_the_same_pace_and_remembered(server: Server, asking: Client, status: int) -> None:
    server.faults[0] = moved("/moved/oai?verb=Identify", status)
    assert everything(asking) == ALL
    assert len(server.log) == 5
    assert server.log[1][1] == server.log[0][1]
    assert_polite(server)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/oai", "", "http://a:b/"])
def test_a_redirect_out_of_the_web_is_refused(server: Server, asking: Client, to: str) -> None:
    server.faults[0] = moved(to)
    with pytest.raises(HarvestError, match="redirects to"):
        everything(asking)


def test_redirects_without_end_are_refused(server: Server, asking: Client) -> None:
    server.faults |= dict.fromkeys(range(20), moved("/again"))
    with pytest.raises(HarvestError, match="redirects for ever"):
        everything(asking)


@pytest.mark.parametrize(
    "endpoint", ["", "arxiv.org/oai", "file:///etc/passwd", "http://", "http://a:b/", "http://[::1/"]
)
def test_what_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError, match="is no endpoint"):
        Client(endpoint)


@pytest.mark.parametrize("contact", ["me\r\nX-Else: 1", "é@example.org"])
def test_a_contact_is_one_line_of_ascii(contact: str) -> None:
    with pytest.raises(UsageError, match="is no contact"):
        Client(contact=contact)


def test_an_empty_list_is_no_error(asking: Client) -> None:
    assert everything(asking, **{"from": "2026-12-01"}) == []


def test_a_server_without_the_best_format_or_sets_is_asked_for_what_it_has(server: Server, asking: Client) -> None:
    server.forms, server.has_sets = ("arXiv", "oai_dc"), False
    assert everything(asking, set="cs") == ALL
    assert [(query["metadataPrefix"], query.get("set")) for _at_s, query in server.log[:3]] == [
        ("arXivRaw", "cs"),
        ("arXiv", "cs"),
        ("arXiv", None),
    ]


def test_an_error_of_the_protocol_that_helps_nobody_is_told(server: Server, asking: Client) -> None:
    server.forms = ()
    with pytest.raises(HarvestError, match="refuses: cannotDisseminateFormat: It is so"):
        everything(asking)
    with pytest.raises(ProtocolError, match="badResumptionToken"):
        asking.page("ListRecords", resumptionToken="nonsense")


def test_a_date_to_wait_for_counts_from_the_servers_clock() -> None:
    headers = {"Retry-After": "Thu, 26 Nov 2026 10:00:30 GMT", "Date": "Thu, 26 Nov 2026 10:00:00 GMT"}
    ours = datetime(2026, 11, 26, 9, tzinfo=UTC)  # an hour late
    assert client._retry_after_s(headers, ours) == 30
    assert client._retry_after_s({"Retry-After": headers["Retry-After"]}, datetime(2026, 11, 26, 10, tzinfo=UTC)) == 30
    for strange in ("soon", "-5", "Thu, 26 Nov 2020 10:00:30 GMT", ""):
        assert client._retry_after_s({"Retry-After": strange}, ours) == 0
