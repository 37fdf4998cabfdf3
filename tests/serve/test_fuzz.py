"""Thousands of requests that nobody foresaw: each is answered in time, none with 500, and nothing grows."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lunacy.query.service import Service
from lunacy.question import RANKS
from lunacy.serve.app import create_app
from lunacy.serve.parameter_table import PARAMETERS, Parameter
from tests.serve.conftest import IDS

WITHIN_S = 20  # for one answer, on a machine that does much else
PLAUSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "ids": st.sampled_from(
        [*IDS[:5], "2999.00001", "hep-th/9711200v3", f"On {IDS[0]}", "https://arxiv.org/abs/1802.1"]
    ),
    "texts": st.sampled_from(["cs.CL", "cs", "hep-*", "cs.*,math", "[*?]*a*b*[", "Lovelace", "Turing, A", "O'Neil"]),
    "text": st.sampled_from(["words", "2018", "2018-02-30", "2y", "99999d", "0000", "dense", "hybrid", "papers", ""]),
    "whole": st.integers(-2, 600) | st.sampled_from([2**31, 2**63, -(2**70)]),
    "number": st.floats() | st.integers(-2, 2),
    "flag": st.booleans(),
}
GARBAGE = st.text(max_size=60) | st.sampled_from(
    ["\0", "'; DROP TABLE papers; --", "../../etc/passwd", "{{7*7}}", "%s%n"]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | GARBAGE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(GARBAGE, inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True)
class Sent:
    """A request, as uvicorn hands it on."""

    method: str
    path: str  # escaped
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


def value_of(one: Parameter) -> st.SearchStrategy[Any]:
    single = PLAUSIBLE[one.kind] | GARBAGE
    return single | st.lists(single, max_size=4) if one.repeats else single


QUESTIONS = st.fixed_dictionaries({}, optional={one.name: value_of(one) | ANY_JSON for one in PARAMETERS})
PLAUSIBLE_QUESTIONS = st.fixed_dictionaries(
    {"id": PLAUSIBLE["ids"]},
    optional={one.name: PLAUSIBLE[one.kind] for one in PARAMETERS if one.name not in ("id", "index")},
)


def written(question: dict[str, Any]) -> bytes:
    """As a query string."""
    pairs = [
        (name, str(one).lower() if isinstance(one, bool) else str(one))
        for name, value in question.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return "&".join(f"{name}={quote_plus(value, errors='replace')}" for name, value in pairs).encode()


QUERIES = (QUESTIONS | PLAUSIBLE_QUESTIONS).map(written) | st.binary(max_size=80).map(
    lambda raw: bytes(byte for byte in raw if 0x20 < byte < 0x7F)
)
KNOWN = (
    "/ /similar /api/similar /api/batch /api/info /api/health /api/openapi.json /list /similar.bib /similar.csv /mcp"
)
PATHS = st.one_of(
    st.sampled_from(KNOWN.split()),
    st.sampled_from(["/api/similar", "/similar", "/api/batch"]),
    st.sampled_from(["/api/paper/", "/paper/", "/abs/", "/static/", "/api/", "/"]).flatmap(
        lambda start: GARBAGE.map(lambda text: start + quote_plus(text, errors="replace"))
    ),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"origin", b"cookie", b"authorization", b"if-none-match", b"sec-fetch-site", b"accept", b"content-type",
             b"content-length", b"range", b"x-forwarded-proto", b"x-forwarded-host", b"expect", b"accept-encoding"]
        ),
        st.binary(max_size=40) | st.sampled_from([b"*", b'W/"1-0"', b"http://localhost", b"none", b"application/json"]),
    ),
    max_size=3,
)  # fmt: skip
HOSTS = st.sampled_from([b"localhost"] * 9 + [b"evil.example", b"", b"[::1]:80", b"\xff", b"localhost:99999999"])
BODIES = st.one_of(
    (QUESTIONS | PLAUSIBLE_QUESTIONS).map(lambda one: json.dumps(one).encode()),
    PLAUSIBLE_QUESTIONS.map(lambda one: json.dumps(one).encode()),
    ANY_JSON.map(lambda one: repr(one).encode(errors="replace")),
    st.binary(max_size=200),
    st.sampled_from(["[" * 9, '{"id":' * 9, '{"top": 1e999}', '{"id": "\\ud800"}']).map(
        lambda text: text.encode() * 1000
    ),
)
LOCAL = [(b"host", b"localhost")]
REQUESTS = st.one_of(
    st.builds(
        Sent,
        st.sampled_from(["GET"] * 5 + ["POST"] * 4 + ["HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "get", "X"]),
        PATHS,
        QUERIES,
        st.builds(lambda host, more: [(b"host", host), *more], HOSTS, HEADERS),
        BODIES,
    ),
    st.builds(
        lambda path, question, headers: Sent("GET", path, written(question), [*LOCAL, *headers], b""),
        st.sampled_from(["/api/similar", "/similar", "/similar.bib", "/similar.md"]),
        PLAUSIBLE_QUESTIONS | st.fixed_dictionaries({"id": PLAUSIBLE["ids"], "rank": st.sampled_from(RANKS)}),
        HEADERS,
    ),
    st.builds(
        lambda path, question: Sent("POST", path, b"", LOCAL, json.dumps(question).encode()),
        st.sampled_from(["/api/similar", "/api/batch"]),
        PLAUSIBLE_QUESTIONS | st.fixed_dictionaries({"id": st.lists(PLAUSIBLE["ids"]), "top": PLAUSIBLE["whole"]}),
    ),
)


@pytest.fixture(scope="module")
def sent(service: Service) -> Iterator[Callable[[Sent], tuple[int, bytes]]]:
    """Send a request straight to the application: the status and the body of its answer."""
    app = create_app(service)

    async def answer(one: Sent) -> tuple[int, bytes]:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": one.method,
            "scheme": "http",
            "path": unquote(one.path),
            "raw_path": one.path.encode(),
            "query_string": one.query,
            "root_path": "",
            "headers": one.headers,
            "server": ("127.0.0.1", 8765),
            "client": ("127.0.0.1", 1),
            "state": {},
        }
        told: list[dict[str, Any]] = []
        pieces = [{"type": "http.request", "body": one.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if pieces:
                return pieces.pop()
            return await asyncio.Event().wait() or {}

        async def send(message: Any) -> None:
            told.append(message)

        async with asyncio.timeout(WITHIN_S):
            await app(scope, receive, send)
        assert told[0]["type"] == "http.response.start"
        return told[0]["status"], b"".join(message.get("body", b"") for message in told[1:])

    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        yield lambda one: runner.run(answer(one))
        runner.run(lifespan.__aexit__(None, None, None))


def require_foreseen(one: Sent, status: int, body: bytes) -> None:
    assert status < 500 or status == 501, (one, status, body)
    assert b"Traceback" not in body
    if one.path.startswith("/api/") and status >= 400:
        assert orjson.loads(body)["error"]["status"] == status


_HOW: dict[str, Any] = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@settings(max_examples=300, **_HOW)
@given(one=REQUESTS)
def test_a_few_hundred_requests_that_nobody_foresaw(sent: Callable[[Sent], tuple[int, bytes]], one: Sent) -> None:
    require_foreseen(one, *sent(one))


@pytest.mark.slow
def test_ten_thousand_requests_leave_nothing_behind(sent: Callable[[Sent], tuple[int, bytes]]) -> None:
    """In rounds, as Hypothesis remembers all that it tried in one."""
    sizes: list[int] = []
    statuses: dict[int, int] = {}

    def ask(one: Sent) -> None:
        status, body = sent(one)
        require_foreseen(one, status, body)
        statuses[status] = statuses.get(status, 0) + 1

    ask(Sent("POST", "/mcp", b"", [(b"host", b"localhost")], b"{}"))  # the first one imports the SDK
    for n in range(20):
        seed(n)(settings(max_examples=500, **{**_HOW, "derandomize": False})(given(one=REQUESTS)(ask)))()
        gc.collect()
        sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert statuses[200] > 1000, statuses
    assert sizes[-1] - sizes[4] < 30_000, sizes  # KiB
