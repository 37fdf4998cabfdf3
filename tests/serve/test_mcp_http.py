"""The tools for agents as a part of the web server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp import Client
from starlette.applications import Starlette
from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service
from lunacy.question import Question
from lunacy.serve.app import create_app
from tests.conftest import FakeEmbedder
from tests.serve.conftest import IDS

_HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
_HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a client of last year", "version": "1"},
}


def posted(client: TestClient, method: str, params: dict[str, Any], **headers: str) -> Any:
    """The answer to one message of JSON-RPC."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return client.post("/mcp", json=message, headers={**_HEADERS, **headers})


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """The address of a real server in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def test_the_sdk_asks_a_real_server(service: Service, small_index: Path) -> None:
    async def asked(url: str, mode: str) -> list[str]:
        async with Client(url, mode=mode) as client:
            assert len((await client.list_tools()).tools) == 4
            answer = (await client.call_tool("similar_papers", {"ids": IDS[:2]})).structured_content
            return [hit["id"] for hit in answer["hits"]]  # type: ignore[index]

    with lunacy.open_index(small_index, embedder=FakeEmbedder()) as ix:
        expected = [hit.id for hit in ix.ask(Question(papers=IDS[:2], together=True, rank="hybrid"))]
    with listening(create_app(service)) as url:
        for mode in ("auto", "legacy"):
            assert asyncio.run(asked(url, mode)) == expected


def test_a_client_of_last_years_protocol_needs_no_session(client: TestClient) -> None:
    hello = posted(client, "initialize", _HELLO)
    assert hello.status_code == 200
    assert hello.json()["result"]["protocolVersion"] == "2025-06-18"
    assert hello.json()["result"]["serverInfo"]["name"] == "lunacy"
    assert "mcp-session-id" not in hello.headers
    called = posted(client, "tools/call", {"name": "get_paper", "arguments": {"ids": IDS[:1]}})
    assert called.json()["result"]["structuredContent"]["papers"][0]["id"] == IDS[0]


def test_only_posts_are_answered(client: TestClient) -> None:
    for method in ("GET", "DELETE"):
        assert client.request(method, "/mcp", headers=_HEADERS).status_code == 405


def test_what_is_forged_does_not_reach_the_tools(client: TestClient) -> None:
    assert posted(client, "tools/list", {}, Host="evil.example").status_code == 400
    assert posted(client, "tools/list", {}, Origin="http://evil.example").status_code == 403
    assert posted(client, "tools/list", {}, Origin="http://localhost:8765").status_code == 200
    assert client.post("/mcp", content=b"x" * 2_100_000, headers=_HEADERS).status_code == 413


def test_an_allowed_host_and_the_token_hold_for_agents_too(service: Service) -> None:
    app = create_app(service, allowed_hosts=["papers.example"], token="s3cret")
    with TestClient(app, base_url="http://papers.example") as client:
        assert posted(client, "tools/list", {}).status_code == 401
        listed = posted(client, "tools/list", {}, Authorization="Bearer s3cret")
        assert len(listed.json()["result"]["tools"]) == 4


def test_a_server_without_the_sdk_serves_the_rest(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.serve.agents.endpoint.find_spec", lambda _name: None)
    refused = posted(client, "tools/list", {})
    assert (refused.status_code, refused.json()["error"]["type"]) == (501, "MissingExtra")
    assert client.get("/api/similar", params={"id": IDS[0]}).status_code == 200


def test_an_index_that_cannot_be_read_is_told_and_asked_again(
    small_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service([small_index], embedder=FakeEmbedder())
    with TestClient(create_app(service), base_url="http://localhost") as client:
        with monkeypatch.context() as patch:
            patch.setattr("lunacy.serve.agents.server._instructions", broken)
            assert posted(client, "tools/list", {}).status_code == 500
        assert posted(client, "tools/list", {}).status_code == 200
    service.close()


def broken(_indexes: object) -> str:
    raise lunacy.IndexDamaged("a file is cut")
