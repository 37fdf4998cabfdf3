"""Bodies that are no honest question, for the API and for agents: refused as JSON, and the next one is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.serve.conftest import IDS
from tests.serve.hostile_papers import PAYLOADS

_AGENT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_AGENT["MCP-Protocol-Version"] = "2025-06-18"

BODIES = {
    "nothing": b"",
    "no JSON": b"x",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1",
    "an open list, nested": b"[" * 100_000,
    "an open object, nested": b'{"a":' * 50_000,
    "a nested list": b"[" * 5_000 + b"]" * 5_000,
    "a nested value": b'{"jsonrpc": "2.0", "id": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}",
    "a number of 5,000 digits": b'{"jsonrpc": "2.0", "method": "tools/list", "id": ' + b"9" * 5_000 + b"}",
    "half a character": b'{"jsonrpc": "2.0", "id": "\\ud800", "text": "\\ud800", "method": "tools/list"}',
    "wrong UTF-8": b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}',
    "UTF-16": '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'.encode("utf-16"),
}


@pytest.mark.parametrize("path", ["/api/similar", "/api/batch", "/mcp"])
@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_question_is_refused(client: TestClient, path: str, name: str) -> None:
    refused = client.post(path, content=BODIES[name], headers=_AGENT)
    assert refused.status_code == 400
    assert "error" in refused.json()
    assert client.get("/api/similar", params={"id": IDS[0]}).status_code == 200


def called(client: TestClient, method: str, params: object) -> Any:
    """What an agent's client is told."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    answered = client.post("/mcp", content=body, headers=_AGENT)
    assert answered.status_code == 200
    return answered.json()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("pwn", {}),
        ("tools/call", {"name": "similar_papers", "arguments": []}),
        ("resources/subscribe", {"uri": f"paper://{IDS[0]}"}),
        ("logging/setLevel", {"level": "debug"}),
        *(("resources/read", {"uri": uri}) for uri in ("file:///etc/passwd", "paper://../../etc/passwd", "::")),
    ],
)
def test_an_agent_reaches_nothing_but_its_tools(client: TestClient, method: str, params: object) -> None:
    answer = called(client, method, params)
    assert answer["error"]["code"] < 0
    assert "root:" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("pwn", {}),
        ("search_text", {"text": "x" * 100_000}),
        ("similar_papers", {"ids": ["x"] * 10_000}),
        ("similar_papers", {"ids": [["x"]]}),
        ("similar_papers", {"ids": IDS[:1], "top": 10**30}),
        ("similar_papers", {"ids": IDS[:1], "__class__": {}}),
        *(("get_paper", {"ids": [text]}) for text in PAYLOADS[::40]),
    ],
)
def test_a_hostile_call_of_a_tool_is_an_error_that_stays_short(
    client: TestClient, tool: str, arguments: dict[str, object]
) -> None:
    result = called(client, "tools/call", {"name": tool, "arguments": arguments})["result"]
    assert result["isError"]
    assert len(json.dumps(result)) < 1_500
    assert "Traceback" not in json.dumps(result)
