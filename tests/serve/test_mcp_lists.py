"""The person's own reading lists for agents: read, asked for, and added to, by the SDK's own client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from starlette.testclient import TestClient

from lunacy import library
from lunacy.query.service import Service
from lunacy.serve.agents.server import create_server
from lunacy.serve.app import create_app
from lunacy.serve.own_lists import OwnLists
from tests.conftest import FakeEmbedder
from tests.serve.conftest import IDS
from tests.serve.test_mcp import TOOLS, call, call_server, listed_by, size, told
from tests.serve.test_mcp_http import posted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lists.jsonl"


@pytest.fixture
def server(service: Service, file: Path) -> MCPServer[None]:
    """The tools over `service`, and over the lists in `file`."""
    return create_server(service, OwnLists(file))


def record(server: MCPServer[None], tool: str, **arguments: Any) -> Any:
    result = call_server(server, tool, **arguments)
    assert not result.is_error, told(result)
    return result.structured_content


def read(server: MCPServer[None], uri: str) -> str:
    """A resource, or the error."""

    async def asked() -> str:
        async with Client(server) as client:
            try:
                [content] = (await client.read_resource(uri)).contents
            except MCPError as error:
                return f"error: {error.message}"
            return content.text  # type: ignore[union-attr]

    return asyncio.run(asked())


def test_the_fifth_tool_writes_and_all_take_less_than_five_kilobytes(
    server: MCPServer[None], small_index: Path, file: Path
) -> None:
    tools = listed_by(server)
    assert [tool.name for tool in tools.tools] == [*TOOLS, "add_to_list"]
    assert [tool.annotations.read_only_hint for tool in tools.tools if tool.annotations] == [True] * 4 + [False]
    assert size(tools) < 5_000
    with Service([small_index, small_index], embedder=FakeEmbedder()) as several:
        assert size(listed_by(create_server(several, OwnLists(file)))) < 5_000
    assert server.instructions is not None
    assert "list:NAME" in server.instructions


def test_papers_are_added_which_the_command_line_has_at_once(server: MCPServer[None], file: Path) -> None:
    added = record(server, "add_to_list", name="my thesis", ids=[f"on {IDS[0]}", f"arXiv:{IDS[1]}v2", "2401.00001"])
    schema = {**(listed_by(server).tools[-1].output_schema or {}), "additionalProperties": False}
    jsonschema.validate(added, schema)
    assert added["added"] == [IDS[0], IDS[1], "2401.00001"]
    assert f"was taken as the title of {IDS[0]}" in added["notes"][0]
    assert library.read_lists(file)["my thesis"].ids == (IDS[0], IDS[1], "2401.00001")
    assert record(server, "add_to_list", name="my  thesis", ids=IDS[1])["added"] == []
    library.add("talk", IDS[:1], path=file)
    assert record(server, "index_info")["lists"] == {"my thesis": 3, "talk": 1}


def test_a_list_stands_for_its_papers(server: MCPServer[None], service: Service, file: Path) -> None:
    library.add("my thesis", [*IDS[:30], "2401.00001"], path=file)
    found = record(server, "similar_papers", ids="list:my thesis", top=5)
    assert found["hits"] == call(service, "similar_papers", ids=IDS[:30], top=5).structured_content["hits"]  # type: ignore[index]
    assert len(found["asked"]) == 30
    assert found["notes"] == ["the index lacks 1 of the 31 papers on the list 'my thesis'"]
    papers = record(server, "get_paper", ids=["list:my thesis"])
    assert [one["id"] for one in papers["papers"]] == IDS[:20]
    assert papers["notes"][-1] == f"the first 20 of 30; the others: {', '.join(IDS[20:30])}"


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("similar_papers", {"ids": ["list:talk"]}, "there is no list 'talk'; there are: thesis"),
        ("get_paper", {"ids": ["list:"]}, "there is no list ''; there are: thesis"),
        ("add_to_list", {"name": "thesis", "ids": [IDS[1], "nothing at all"]}, "'nothing at all' is neither"),
        ("add_to_list", {"name": "thesis", "ids": []}, "there is no paper to put on the list"),
        ("add_to_list", {"name": " ", "ids": IDS[:1]}, "the name of a list is empty"),
        ("add_to_list", {"name": "a\u202eb", "ids": IDS[:1]}, "only letters that can be printed"),
        ("add_to_list", {"name": "x" * 101, "ids": IDS[:1]}, "at most 100"),
        ("add_to_list", {"name": "thesis", "ids": IDS[:1], "note": "x"}, "no parameter 'note'"),
    ],
)
def test_a_mistake_is_told_in_a_line_and_changes_nothing(
    server: MCPServer[None], file: Path, tool: str, arguments: dict[str, Any], message: str
) -> None:
    library.add("thesis", IDS[:1], path=file)
    before = file.read_bytes()
    result = call_server(server, tool, **arguments)
    assert result.is_error
    assert message in told(result)
    assert "\n" not in told(result)
    assert str(file.parent) not in told(result)
    assert file.read_bytes() == before


def test_a_damaged_file_is_told_and_stops_nothing_else(server: MCPServer[None], file: Path) -> None:
    file.write_text("<b>\n")
    assert "lists" not in record(server, "index_info")
    assert len(record(server, "similar_papers", ids=IDS[:1])["hits"]) == 10
    for tool, arguments in (("similar_papers", {"ids": "list:a"}), ("add_to_list", {"name": "a", "ids": IDS[:1]})):
        assert told(call_server(server, tool, **arguments)).startswith("line 1: not JSON")
    assert read(server, "lunacy://lists").startswith("error: line 1: not JSON")
    assert file.read_text() == "<b>\n"


@pytest.mark.parametrize("name", ["my thesis", "a/../b", "..", "<b>", "汉字"])
def test_lists_and_what_is_new_for_them_are_resources(server: MCPServer[None], file: Path, name: str) -> None:
    library.add(name, [IDS[0], "2401.00001"], path=file)
    uri = f"lunacy://lists/{quote(name)}"
    assert read(server, "lunacy://lists") == f"- {name} ({uri}): 2\n"
    assert read(server, uri).startswith(f"- [On {IDS[0]}](https://arxiv.org/abs/{IDS[0]})")
    assert read(server, f"lunacy://lists/{quote(name, safe='')}") == read(server, uri)
    assert read(server, "lunacy://lists/none") == f"error: there is no list 'none'; there are: {name}"
    new = read(server, f"lunacy://new/{quote(name)}")
    assert new.replace("\\", "").startswith(f"## {name}\n")
    assert "posted since 2018-01-" in new
    assert not file.with_name("lists.seen.jsonl").exists()  # what an agent reads, a digest still lists


def test_over_http_lists_are_for_the_person_alone(service: Service, file: Path) -> None:
    library.add("thesis", IDS[:2], path=file)
    for lists, n_tools in ((file, 5), (None, 4)):
        with TestClient(create_app(service, lists=lists), base_url="http://localhost") as client:
            assert len(posted(client, "tools/list", {}).json()["result"]["tools"]) == n_tools
            asked = {"name": "similar_papers", "arguments": {"ids": ["list:thesis"]}}
            answer = posted(client, "tools/call", asked).json()["result"]
            assert answer.get("isError", False) is (lists is None)
            put = {"name": "add_to_list", "arguments": {"name": "thesis", "ids": IDS[2:3]}}
            posted(client, "tools/call", put, Origin="http://evil.example")
    assert library.read_lists(file)["thesis"].ids == tuple(IDS[:2])
