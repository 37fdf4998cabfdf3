"""The tools for agents, called by the SDK's own client."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ListToolsResult

import lunacy
from lunacy.answer import Answer
from lunacy.errors import Busy
from lunacy.paper import Paper
from lunacy.query.service import Service
from lunacy.question import Question
from lunacy.serve import bounds
from lunacy.serve.agents.records import short_authors, whole_record
from lunacy.serve.agents.server import create_server
from tests.conftest import FakeEmbedder
from tests.serve.conftest import IDS

TOOLS = ["similar_papers", "search_text", "get_paper", "index_info"]


@lru_cache
def server_of(service: Service) -> MCPServer[None]:
    """The tools over `service`, made once."""
    return create_server(service)


def call(service: Service, tool: str, mode: str = "auto", **arguments: Any) -> CallToolResult:
    """What the SDK's client gets, in memory."""
    return call_server(server_of(service), tool, mode, **arguments)


def call_server(server: MCPServer[None], tool: str, mode: str = "auto", **arguments: Any) -> CallToolResult:
    """The same, of a server."""

    async def called() -> CallToolResult:
        async with Client(server, mode=mode) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(called())


def told(result: CallToolResult) -> str:
    """The text of an answer."""
    [content] = result.content
    assert content.type == "text"
    return content.text


def record(service: Service, tool: str, **arguments: Any) -> Any:
    """The structured answer."""
    result = call(service, tool, **arguments)
    assert not result.is_error, told(result)
    return result.structured_content


def refusal(service: Service, tool: str, **arguments: Any) -> str:
    """What an agent is told of its mistake."""
    result = call(service, tool, **arguments)
    assert result.is_error
    assert result.structured_content is None
    return told(result)


def listed(service: Service) -> ListToolsResult:
    """All that an agent reads of the tools before the first call."""
    return listed_by(server_of(service))


def listed_by(server: MCPServer[None]) -> ListToolsResult:
    """The same, of a server."""

    async def asked() -> ListToolsResult:
        async with Client(server) as client:
            return await client.list_tools()

    return asyncio.run(asked())


def size(tools: ListToolsResult) -> int:
    """Bytes of the answer to tools/list."""
    return len(tools.model_dump_json(by_alias=True, exclude_unset=True).encode())


@pytest.fixture(scope="module")
def ix(small_index: Path) -> lunacy.Index:
    """The index by itself."""
    return lunacy.open_index(small_index, embedder=FakeEmbedder())


def test_four_tools_take_less_than_five_kilobytes(service: Service) -> None:
    tools = listed(service)
    assert [tool.name for tool in tools.tools] == TOOLS
    assert size(tools) < 5_000
    for tool in tools.tools:
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (True, False)
        assert tool.description
        assert "index" not in tool.input_schema["properties"]


def test_the_index_is_a_parameter_only_where_there_are_several(small_index: Path) -> None:
    service = Service([small_index, small_index], embedder=FakeEmbedder())
    tools = listed(service)
    assert size(tools) < 5_000
    assert ["index" in tool.input_schema["properties"] for tool in tools.tools] == [True, True, True, False]
    assert [one["name"] for one in record(service, "index_info")["indexes"]] == list(service.names)
    assert len(record(service, "similar_papers", ids=IDS[:1], index=service.names[1])["hits"]) == 10
    said = server_of(service).instructions or ""
    assert "It holds in papers 41 papers posted" in said
    assert "; in papers-2 41 papers posted" in said
    assert "the first is the default" in said
    assert "there are: papers, papers-2" in refusal(service, "get_paper", ids=IDS[:1], index="none")
    service.close()


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("similar_papers", {"ids": IDS[:3], "top": 5}),
        ("similar_papers", {"ids": IDS[:1], "abstracts": True}),
        ("search_text", {"text": "a topic", "unlike": IDS[:1]}),
        ("get_paper", {"ids": [IDS[0], IDS[-1], "2999.00001"]}),
        ("index_info", {}),
    ],
)
def test_each_answer_fits_its_schema_and_is_there_as_text(
    service: Service, tool: str, arguments: dict[str, Any]
) -> None:
    schemas = {one.name: one.output_schema for one in listed(service).tools}
    result = call(service, tool, **arguments)
    strict = {**schemas[tool], "additionalProperties": False}
    jsonschema.Draft202012Validator.check_schema(strict)
    jsonschema.validate(result.structured_content, strict)
    assert orjson.loads(told(result)) == result.structured_content


@pytest.mark.parametrize(
    ("tool", "arguments", "keywords"),
    [
        ("similar_papers", {"ids": [IDS[0]], "top": 7}, {"papers": IDS[0], "top": 7}),
        ("similar_papers", {"ids": IDS[:3]}, {"papers": IDS[:3], "together": True}),
        ("similar_papers", {"ids": IDS[:1], "text": "one", "unlike": IDS[4:6]},
         {"papers": IDS[:1], "text": "one", "unlike": IDS[4:6], "together": True}),
        ("search_text", {"text": "a topic", "since": "2018-02", "until": 2018, "category": "cs.CL,math.*"},
         {"text": "a topic", "since": "2018-02", "until": "2018", "category": ["cs.CL", "math.*"]}),
        ("similar_papers", {"ids": [IDS[0]], "rank": "dense"}, {"papers": IDS[0], "rank": "dense"}),
        ("similar_papers", {"ids": [IDS[0]], "rank": "lexical"}, {"papers": IDS[0], "rank": "lexical"}),
        ("similar_papers", {"ids": IDS[:2], "newer": True, "same_authors": "raise"},
         {"papers": IDS[:2], "together": True, "newer": True, "same_authors": "raise"}),
    ],
)  # fmt: skip
def test_an_answer_has_the_hits_of_the_index(
    service: Service, ix: lunacy.Index, tool: str, arguments: dict[str, Any], keywords: dict[str, Any]
) -> None:
    answer = ix.ask(Question(**{"rank": "hybrid", **keywords}))
    found = record(service, tool, **arguments)
    assert len(found["hits"]) == len(answer.hits) > 5
    for ours, hit in zip(found["hits"], answer.hits, strict=True):
        assert (ours["id"], ours["title"], ours["url"]) == (hit.id, hit.title, hit.url)
        cosine = hit.score if hit.cosine is None else hit.cosine
        assert ours["score"] == pytest.approx(cosine, abs=1e-3)
        assert (ours["posted"], ours["categories"]) == (hit.posted, list(hit.categories))
    assert found["asked"] == [f"{paper.id} {paper.title}" for paper in answer.papers]
    assert found["ranking"] == answer.ranking


def test_abstracts_come_when_they_are_asked_for(service: Service, ix: lunacy.Index) -> None:
    [hit] = record(service, "similar_papers", ids=IDS[:1], top=1, abstracts=True)["hits"]
    assert hit["abstract"] == ix.paper(hit["id"]).abstract
    assert "abstract" not in record(service, "similar_papers", ids=IDS[:1], top=1)["hits"][0]


def test_a_whole_paper_is_what_the_index_has(service: Service, ix: lunacy.Index) -> None:
    [paper] = record(service, "get_paper", ids=[f"https://arxiv.org/abs/{IDS[-1]}v2"])["papers"]
    ours = ix.paper(IDS[-1])
    assert paper.pop("authors") == "Ada Lovelace, Alan Turing"
    for name, value in paper.items():
        assert value == (list(ours.categories) if name == "categories" else getattr(ours, name))
    assert paper["abstract"] == f"We study {IDS[-1]}."


@pytest.mark.parametrize(
    ("tool", "arguments", "message", "hint"),
    [
        ("similar_papers", {"ids": ["bert"]}, "'bert' is neither an arXiv id", "with search_text"),
        ("similar_papers", {"ids": ["1802.99999"]}, "1802.99999 is not in the index, which holds", "leave it out"),
        ("similar_papers", {"ids": IDS[:1], "unlike": ["1802.99999"]}, "1802.99999 is not in", "leave it out"),
        ("similar_papers", {"ids": IDS[:1], "top": 999}, "top is 999", "ask for at most 50"),
        ("similar_papers", {"ids": IDS[:1], "top": "many"}, "top is 'many'", "valid integer"),
        ("similar_papers", {"ids": []}, "ids is empty", "give at least 1"),
        ("similar_papers", {}, "ids is missing", ""),
        ("similar_papers", {"ids": IDS * 3}, "ids has 123", "give at most 100"),
        ("similar_papers", {"ids": ["x" * 501]}, "ids", "at most 500 characters"),
        ("similar_papers", {"ids": IDS[:1], "category": "cs.XX"}, "no category 'cs.XX'", "index_info"),
        ("similar_papers", {"ids": IDS[:1], "since": "soon"}, "since 'soon'", "2024-05-31"),
        ("similar_papers", {"ids": IDS[:1], "limit": 3}, "no parameter 'limit'", "there are: ids, text"),
        ("similar_papers", {"ids": IDS[:1], "categories": "cs"}, "'categories'", "did you mean category?"),
        ("similar_papers", {"ids": IDS[:1], "top": 21, "abstracts": True}, "top is 21", "at most 20"),
        ("search_text", {"text": " "}, "the text is empty", "give some words"),
        ("search_text", {"text": "x" * 5_001}, "text has 5,001 characters", "at most 5,000"),
        ("get_paper", {"ids": ["1802.99999"]}, "1802.99999 is not in", "index_info"),
        ("get_paper", {"ids": IDS[:21]}, "ids has 21", "give at most 20"),
        ("nothing", {}, "Unknown tool: nothing", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_do(
    service: Service, small_index: Path, tool: str, arguments: dict[str, Any], message: str, hint: str
) -> None:
    said = refusal(service, tool, **arguments)
    assert message in said
    assert hint in said
    assert "\n" not in said
    assert str(small_index.parent) not in said
    assert "lunacy " not in said  # no command of a shell


def test_papers_that_the_index_lacks_are_left_out_and_told(service: Service) -> None:
    unknown = [f"1802.9{n:04}" for n in range(7)]
    found = record(service, "similar_papers", ids=[IDS[0], *unknown, IDS[1]], top=3)
    assert found["asked"] == [f"{one} On {one}" for one in IDS[:2]]
    assert found["hits"] == record(service, "similar_papers", ids=IDS[:2], top=3)["hits"]
    assert [note.partition(" is not in the index")[0] for note in found["notes"][:5]] == [
        f"left out: {one}" for one in unknown[:5]
    ]
    assert found["notes"][5].endswith("1802.90005, 1802.90006")


def test_a_title_stands_for_its_paper_and_the_answer_says_so(service: Service) -> None:
    found = record(service, "similar_papers", ids=f"on {IDS[3]}", top=1)
    assert found["asked"] == [f"{IDS[3]} On {IDS[3]}"]
    assert f"was taken as the title of {IDS[3]}" in found["notes"][0]


def test_what_agents_write_for_nothing_is_the_default(service: Service) -> None:
    plain = record(service, "similar_papers", ids=IDS[:1])
    assert record(service, "similar_papers", ids=f'["{IDS[0]}"]', text=None, top=None, since=None) == plain
    assert len(plain["hits"]) == 10


def test_a_short_list_says_that_few_papers_qualify(service: Service) -> None:
    found = record(service, "search_text", text="a topic", since="1997", until="1998")
    assert [hit["id"] for hit in found["hits"]] == [IDS[-1]]
    assert found["notes"][-1] == "only 1 papers pass the filters; widen them for more"


def test_what_nobody_sees_in_a_paper_does_not_reach_the_agent() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey") + "\ufe0f\u00ad"
    paper = whole_record(
        Paper("1802.00001", f'On {hidden}M\\"uller\x1b[2J', f"{hidden}We\u202e study.", f"A. {hidden}B")
    )
    assert (paper["title"], paper["abstract"], paper["authors"]) == ("On Müller\ufffd[2J", "We\ufffd study.", "A. B")


def test_three_thousand_authors_are_cut_to_a_line() -> None:
    paper = Paper("1802.00001", "T", "A", ", ".join(f"A. Author{n}" for n in range(3000)))
    assert short_authors(paper, 80) == "A. Author0, A. Author1, A. Author2, A. Author3, A. Author4 and 2,995 more"
    assert len(whole_record(paper)["authors"]) <= 1_000
    assert short_authors(Paper("1802.00001", "T", "A", "B" * 90), 80) == "B" * 77 + "..."


def test_a_paper_is_a_resource(service: Service) -> None:
    async def read(uri: str) -> str:
        async with Client(server_of(service)) as client:
            [template] = (await client.list_resource_templates()).resource_templates
            assert (template.uri_template, template.mime_type) == ("paper://{+id}", "text/markdown")
            try:
                [content] = (await client.read_resource(uri)).contents
            except MCPError as error:
                return error.message
            assert content.mime_type == "text/markdown"
            return content.text  # type: ignore[union-attr]

    assert asyncio.run(read("paper://hep-th/9711200")).startswith("## [On hep-th/9711200](https://arxiv.org/abs/")
    assert asyncio.run(read("paper://1802.99999")).startswith("1802.99999 is not in the index")


def test_instructions_are_of_the_index(service: Service) -> None:
    said = server_of(service).instructions
    assert said is not None
    assert f"{len(IDS)} papers posted 1997-11 to 2018-02, mainly cs.CL, cs.LG" in said
    assert len(said) < 700


class Loading(Service):
    """A service whose model is not there yet."""

    n_refused = 0

    def ask(self, question: Question, index: str = "") -> Future[Answer]:
        self.n_refused -= 1
        if self.n_refused < 0:
            return super().ask(question, index)
        busy: Future[Answer] = Future()
        busy.set_exception(Busy("the model is being loaded", retry_after_s=7))
        return busy


def test_a_text_waits_for_the_model_but_not_for_ever(small_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Loading([small_index], embedder=FakeEmbedder())
    service.n_refused = 2
    assert len(record(service, "search_text", text="a topic")["hits"]) == 10
    monkeypatch.setattr(bounds, "WAIT_S", 0)
    service.n_refused = 1_000
    assert refusal(service, "search_text", text="a topic") == "the model is being loaded; ask again in 7 seconds"
    assert service.n_refused == 999
    service.close()


def test_a_failure_of_ours_is_no_secret_and_tells_none(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "best_ranking", lambda _index: 1 / 0)
    said = refusal(service, "similar_papers", ids=IDS[:1])
    assert said.startswith("lunacy failed")
    assert "division" not in said
    assert "ZeroDivisionError" in caplog.text


_NAMES = "ids text unlike top category since until abstracts index limit".split()
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*IDS, "cs", "2018"])
)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@settings(derandomize=True)
@given(tool=st.sampled_from(TOOLS), arguments=st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4))
def test_whatever_is_asked_is_answered_or_refused_in_one_line(
    service: Service, tool: str, arguments: dict[str, Any]
) -> None:
    refused: ToolError | None = None
    try:
        asyncio.run(server_of(service).call_tool(tool, arguments))
    except ToolError as error:
        refused = error
    assert not isinstance(refused, UnexpectedToolError), refused.__cause__
    assert "\n" not in str(refused)


def test_a_client_of_the_protocol_before_is_served(service: Service) -> None:
    result = call(service, "similar_papers", mode="legacy", ids=IDS[:1])
    assert result.structured_content == record(service, "similar_papers", ids=IDS[:1])
