"""A list for each of many ids, as a stream."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

import lunacy
from lunacy.answer import Answer
from lunacy.errors import Busy
from lunacy.query.service import Service
from lunacy.serve.api import batch
from lunacy.serve.parameters import batch_of_record
from tests.serve.conftest import IDS


def test_there_is_a_line_for_each_id_in_order_and_an_error_in_the_place_of_a_bad_one(
    client: TestClient, service: Service
) -> None:
    asked = [*IDS * 3, "2999.00001", IDS[0], "no such title", IDS[1]]
    answer = client.post("/api/batch", json={"id": asked, "top": 4, "category": "cs.*"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = [orjson.loads(line) for line in answer.text.splitlines()]
    assert [one["query"]["ids"] for one in found] == [[one] for one in asked]
    for one in found[: len(IDS)]:
        question = lunacy.Question(papers=one["query"]["ids"], top=4, category="cs.*")
        assert one == service.ask(question).result().as_record()
    errors = [one["error"] for one in found if "error" in one]
    assert [(error["type"], error["status"]) for error in errors] == [("UnknownPaper", 404), ("NotAnId", 400)]
    schemas = client.get("/api/openapi.json").json()["components"]
    line = Draft202012Validator({"$ref": "#/components/schemas/Line", "components": schemas})
    assert all(map(line.is_valid, found))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "id is empty"),
        ({"id": []}, "id is empty"),
        ({"id": IDS[0], "text": "words"}, "text is for one list"),
        ({"id": IDS[0], "top": 1000}, "top is 1000; give a whole number from 1 to 500"),
        ({"id": IDS, "index": "other"}, "there is no index 'other'"),
        ({"id": IDS, "ivf": True, "not": IDS[:2]}, "not has 2 ids"),
        ({"id": IDS, "explain": True}, "explain is for one list"),
        ({"id": ["1802.00001"] * 10_001}, "id has 10,001 values; give at most 10,000"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_first_line(
    client: TestClient, body: dict[str, Any], message: str
) -> None:
    refused = client.post("/api/batch", json=body)
    assert refused.status_code == 400
    assert message in refused.json()["error"]["message"]


class Counting:
    """A service that answers when it is told to, and counts what waits."""

    def __init__(self) -> None:
        self.waiting: list[Future[Answer]] = []
        self.n_asked = 0

    def last_commit(self, _index: str) -> int:
        return 1

    def ask(self, _question: lunacy.Question, _index: str) -> Future[Answer]:
        self.n_asked += 1
        self.waiting.append(Future())
        return self.waiting[-1]


def lines_of(service: Any, n: int) -> Any:
    """The stream for `n` ids, before it begins."""
    return aiter(batch.batch_response(service, batch_of_record({"id": [IDS[0]] * n})).body_iterator)


def test_only_so_many_wait_at_once_and_who_leaves_takes_them_back() -> None:
    service = Counting()

    async def leave() -> None:
        lines = lines_of(service, 1000)
        first = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0)
        service.waiting[0].set_result(Answer([]))
        assert orjson.loads(await first)["hits"] == []
        await lines.aclose()

    asyncio.run(leave())
    assert service.n_asked == 64
    assert all(one.cancelled() for one in service.waiting[1:])


def test_a_busy_service_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Counting()
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        asyncio.get_running_loop().call_soon(lambda: service.waiting[1].set_result(Answer([])))

    async def one_line() -> bytes:
        lines = lines_of(service, 1)
        first = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0)
        monkeypatch.setattr("lunacy.serve.api.batch.asyncio.sleep", wait)
        service.waiting[0].set_exception(Busy("too much is asked", retry_after_s=7))
        return bytes(await first)

    assert orjson.loads(asyncio.run(one_line()))["hits"] == []
    assert (waits, service.n_asked) == ([7], 2)
