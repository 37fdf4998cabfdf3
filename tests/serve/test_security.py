"""What a browser must not be made to do, what strangers must not see, and what is too much."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

import lunacy
from lunacy.errors import Busy
from lunacy.query.service import Service
from lunacy.serve import bounds, security
from lunacy.serve.app import create_app
from tests.conftest import FakeEmbedder
from tests.serve.conftest import IDS

ASK = f"/api/similar?id={IDS[0]}"
TOKEN = "correct-horse;battery=staple"
ANYWHERE = ["/", "/api/similar", "/api/health", "/mcp", "/nothing", "/static/x.css"]


@pytest.fixture(scope="module")
def guarded(service: Service) -> Iterator[TestClient]:
    app = create_app(service, allowed_hosts=["papers.example.org"], token=TOKEN)
    with TestClient(app, base_url="http://papers.example.org", follow_redirects=False) as one:
        yield one


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]", "[::1]:8765"])
def test_the_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    assert client.get(ASK, headers={"Host": host}).status_code == 200


FORGED = [
    "evil.example",
    "localhost.evil.example",
    "evil.example:8765",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "localhost:8765:8765",
    "localhost:x",
    "localhost.",
    "[::1",
    "10.0.0.1",
    "papers.example.org",
    "",
    " ",
]


@pytest.mark.parametrize(("host", "path"), [*((host, ASK) for host in FORGED), *((FORGED[0], one) for one in ANYWHERE)])
def test_another_name_is_refused_everywhere(client: TestClient, host: str, path: str) -> None:
    refused = client.get(path, headers={"Host": host})
    assert refused.status_code == 400
    assert "which is no name of this server" in refused.text


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},  # another port
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8765", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_elsewhere_cannot_post(client: TestClient, method: str, headers: dict[str, str]) -> None:
    refused = client.request(method, "/api/similar", headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "ForeignOrigin")
    assert not any("access-control" in name for name in refused.headers)


def test_the_own_page_and_programs_can_post(client: TestClient) -> None:
    own = {"Origin": "http://localhost:8765", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own, {"Sec-Fetch-Site": "none"}):
        assert client.post("/api/similar", json={"id": IDS[0]}, headers=headers).status_code == 200


def test_a_page_elsewhere_can_link_here_but_not_embed_or_fetch(client: TestClient) -> None:
    fetched = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert [client.get(ASK, headers=one).status_code for one in (fetched, framed, linked)] == [403, 403, 200]


@pytest.mark.parametrize("path", [ASK, *ANYWHERE, "/similar?id=2999.00001"])
def test_every_answer_has_the_headers_for_browsers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "no-cache" in headers["cache-control"]
    assert not {"server", "access-control-allow-origin", "x-powered-by"} & set(headers)


@pytest.mark.parametrize("path", [path for path in ANYWHERE if path != "/api/health"])
def test_without_the_token_nothing_is_answered(guarded: TestClient, path: str) -> None:
    wrong = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {security._hash(TOKEN)}"}]
    wrong += [{"Cookie": "lunacy=wrong"}, {"Cookie": "lunacy="}, {"Cookie": "lunacy=\x01"}, {"Authorization": ""}]
    for headers in wrong:
        refused = guarded.get(path, headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert guarded.get(f"{path}?token=wrong").status_code == 401


def test_health_is_told_without_the_token_and_tells_nothing_else(guarded: TestClient) -> None:
    assert guarded.get("/api/health").json() == {"status": "ok", "model": "ready"}


def test_a_program_gives_the_token_in_a_header(guarded: TestClient) -> None:
    for kind in ("Bearer", "bearer"):
        known = guarded.get(ASK, headers={"Authorization": f"{kind} {TOKEN}"})
        assert (known.status_code, known.headers["cache-control"]) == (200, "private, no-cache")


def test_a_browser_gives_the_token_once(guarded: TestClient) -> None:
    first = guarded.get("/similar", params={"id": IDS[0], "token": TOKEN, "top": "3"})
    assert (first.status_code, first.headers["location"]) == (303, f"/similar?id={IDS[0]}&top=3")
    assert first.headers["cache-control"] == "no-store"
    cookie = first.headers["set-cookie"]
    assert all(part in cookie for part in ("lunacy=", "HttpOnly", "SameSite=strict", "Path=/"))
    assert "horse" not in cookie
    assert "Secure" not in cookie
    assert guarded.get(ASK).status_code == 200  # the client has the cookie now
    guarded.cookies.clear()
    secured = guarded.get("/", params={"token": TOKEN}, headers={"X-Forwarded-Proto": "https"})
    assert (secured.headers["location"], "Secure" in secured.headers["set-cookie"]) == ("/", True)
    escaped = guarded.get(f"/paper/a%3Fb%20c?x=%26&token={TOKEN}")
    assert escaped.headers["location"] == "/paper/a%3Fb%20c?x=%26"
    elsewhere = guarded.get("http://papers.example.org//evil.example/", params={"token": TOKEN})
    assert elsewhere.headers["location"] == "/evil.example/"
    guarded.cookies.clear()


def test_a_body_is_bounded_whether_its_length_is_told_or_not(client: TestClient) -> None:
    too_long = b'"' + b"a" * bounds.BODY_BYTES + b'"'

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(too_long), 2**16):
            yield too_long[start : start + 2**16]

    for content in (too_long, chunks()):
        refused = client.post("/api/similar", content=content)
        assert (refused.status_code, refused.json()["error"]["type"]) == (413, "BodyTooLarge")
        assert refused.headers["connection"] == "close"


def test_more_requests_than_can_be_served_are_told_to_come_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "REQUESTS", 0)
    with TestClient(create_app(service), base_url="http://localhost") as client:
        refused = client.get(ASK)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")


def test_a_busy_service_says_when_to_come_back(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_given: object) -> None:
        raise Busy("too many questions wait", retry_after_s=4)

    monkeypatch.setattr(service, "ask", busy)
    refused = client.get(ASK)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "4")
    assert refused.json()["error"]["hint"] == "ask again in a moment"


def test_what_nobody_foresaw_is_logged_and_not_told(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError("/home/ada/secret.py is broken")

    monkeypatch.setattr(service, "ask", broken)
    assert client.get(ASK).json()["error"]["message"] == "the server failed to answer this; its log says why"
    for path in (ASK, f"/similar?id={IDS[0]}"):
        failed = client.get(path)
        assert failed.status_code == 500
        assert "secret" not in failed.text
        assert failed.headers["x-content-type-options"] == "nosniff"
    assert "secret.py is broken" in caplog.text


def test_a_client_that_leaves_within_its_body_is_no_failure(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"1000")]
    scope = {"type": "http", "method": "POST", "path": "/api/similar", "query_string": b"", "headers": headers}
    came: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return next(came)

    async def send(message: Message) -> None:
        sent.append(message)

    anyio.run(client.app, scope, receive, send)
    assert sent == []
    assert caplog.text == ""


def test_no_answer_tells_where_the_index_lies(small_index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    lunacy.build_index(small_index.parent / "snapshot.jsonl", into=folder, embedder=FakeEmbedder(str(tmp_path)))
    service = Service([folder], embedder=FakeEmbedder(str(tmp_path)))
    asked = ["/api/info", ASK, f"/api/paper/{IDS[0]}", "/api/similar?id=2999.00001", "/api/similar?id=nothing"]
    asked += [f"{ASK}&rank=hybrid", f"{ASK}&ivf=1", f"{ASK}&index=x", "/similar?id=2999.00001", "/api/health"]
    with TestClient(create_app(service), base_url="http://localhost") as client:
        answers = [client.get(one) for one in asked]
        (folder / "papers.db").write_bytes(b"damaged" * 1000)
        answers += [client.get(one) for one in asked]
    service.close()
    assert {one.status_code for one in answers} >= {200, 400, 404, 500, 503}
    for one in answers:
        assert str(tmp_path.parent) not in one.text
        assert "Traceback" not in one.text
