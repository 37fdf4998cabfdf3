"""The transcript in docs/agents.md: the calls are made by the SDK's client, and the answers are those it gets."""

from __future__ import annotations

import asyncio
import re
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from mcp import Client

import lunacy
from lunacy.query.service import Service
from lunacy.serve.agents.server import create_server

_THREE = ["1802.05130", "1802.05121", "1801.06294"]
_LONGEST_ABSTRACT = 120  # characters that are shown
_CLAIM = re.compile(r"\b(?:we|this (?:paper|study|work)|is proposed)\b", re.IGNORECASE)


def with_transcript(document: str) -> str:
    """The document, with what is made anew between its marks."""
    before, mark, rest = document.partition("<!-- transcript -->\n")
    _old, end, after = rest.partition("<!-- end of the transcript -->\n")
    assert mark, "the document has no place for a transcript"
    assert end, "the transcript has no end"
    with tempfile.TemporaryDirectory() as folder:
        lunacy.build_index(into=Path(folder) / "sample")
        with Service([Path(folder) / "sample"]) as service:
            return before + mark + asyncio.run(_transcript(service)) + end + after


async def _transcript(service: Service) -> str:
    """A question, two calls with their answers, and what the agent says."""
    async with Client(create_server(service)) as client:

        async def call(tool: str, **arguments: Any) -> Any:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content
            parts.append(f"**Agent** calls `{tool}` with `{orjson.dumps(arguments).decode()}`")
            parts.append(f"```json\n{_shown(result.structured_content)}\n```")
            return result.structured_content

        asked = f"{', '.join(_THREE[:-1])} and {_THREE[-1]}"
        parts = [f"**User:** I have read {asked}. What should I read besides these three papers?"]
        hits = (await call("similar_papers", ids=_THREE, top=5))["hits"]
        read = (await call("get_paper", ids=[hit["id"] for hit in hits[:3]]))["papers"]
        parts.append("**Agent:** These three are the nearest to all of yours, the nearest first:")
        parts.append("\n".join(f"{place}. {_advice(paper)}" for place, paper in enumerate(read, 1)))
    return "\n\n".join(parts) + "\n"


def _shown(answer: dict[str, Any]) -> str:
    """JSON with a line for each paper; abstracts are cut."""
    lines = []
    for name, values in answer.items():
        items = [_cut(value) if isinstance(value, dict) else value for value in values]
        listed = ",\n".join(f"    {orjson.dumps(item).decode()}" for item in items)
        lines.append(f'  "{name}": [\n{listed}\n  ]' if items else f'  "{name}": []')
    return "{\n" + ",\n".join(lines) + "\n}"


def _cut(paper: dict[str, Any]) -> dict[str, Any]:
    if len(paper.get("abstract", "")) <= _LONGEST_ABSTRACT:
        return paper
    return {**paper, "abstract": textwrap.shorten(paper["abstract"], _LONGEST_ABSTRACT, placeholder=" ...")}


def _advice(paper: dict[str, Any]) -> str:
    """The paper, and what it says of itself."""
    return f'[{paper["title"]}]({paper["url"]}) ({paper["posted"][:4]}): "{next(_claims(paper["abstract"]))}"'


def _claims(abstract: str) -> Iterator[str]:
    """The sentences in which the authors say what they did, then all others."""
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", abstract)
    yield from (one for one in sentences if _CLAIM.search(one))
    yield from sentences
