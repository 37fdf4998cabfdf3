"""Single papers from arXiv: `lunacy fetch`, and `lunacy query --fetch`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

import lunacy
from lunacy.errors import HarvestError, NotAnId, UnknownPaper, UsageError
from lunacy.harvest import Client, client
from lunacy.pipeline import build_index
from lunacy.pipeline.fetch import fetch
from lunacy.query.fetched import with_fetched
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.harvest.archive import kaggle, paper
from tests.harvest.server import Clock, Server
from tests.harvest.test_update import papers_of
from tests.test_cli import run
from tests.test_pipeline import contents, text_of
from tests.test_scope import recorded_source
from tests.test_updates import nearest

PAPERS = [record(f"1802.{n:05}") for n in range(1, 21)]
NEW = paper(50, categories=("cs.CL",), datestamp="2026-11-25")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "papers.jsonl").write_bytes(lines(PAPERS))
    build_index(tmp_path / "papers.jsonl", into=tmp_path / "index", category=["cs.*"], embedder=FakeEmbedder())
    return tmp_path / "index"


@pytest.fixture
def server() -> Iterator[Server]:
    gone = replace(paper(51), is_deleted=True)
    with Server([NEW, gone, paper(52, title=""), paper(53, categories=("hep-th",))]).running() as running:
        yield running


@pytest.fixture
def asking(server: Server) -> Client:
    clock = Clock()
    return Client(server.url, sleep=clock.sleep, clock=clock)


def test_a_fetched_paper_is_stored_as_one_of_a_snapshot(
    folder: Path, asking: Client, server: Server, tmp_path: Path
) -> None:
    report = fetch(folder, ["arXiv:2611.00050v1"], client=asking, embedder=FakeEmbedder())
    assert (report.ids, report.counts.added) == (["2611.00050"], 1)
    (tmp_path / "all.jsonl").write_bytes(lines([*PAPERS, kaggle(NEW)]))
    build_index(tmp_path / "all.jsonl", into=tmp_path / "whole", embedder=FakeEmbedder())
    assert papers_of(folder) == papers_of(tmp_path / "whole")
    assert recorded_source(folder) == ("snapshot", "2018-02-14")  # one paper tells nothing of others
    assert [query["identifier"] for _at_s, query in server.log] == ["oai:arXiv.org:2611.00050"]
    assert fetch(folder, ["2611.00050"], client=asking, embedder=FakeEmbedder()).counts.unchanged == 1


@pytest.mark.parametrize(
    ("ids", "error", "said"),
    [
        (["2611.00050", "2611.99999"], UnknownPaper, "arXiv has no paper 2611.99999"),
        (["2611.00051"], UnknownPaper, "arXiv has no paper 2611.00051"),
        (["2611.00053"], UsageError, r"the index takes in cs.\*, not hep-th; nothing was added"),
        (["a title"], NotAnId, "is not an arXiv id"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_nothing_is_added(
    folder: Path, asking: Client, ids: list[str], error: type[Exception], said: str
) -> None:
    before = contents(folder)
    with pytest.raises(error, match=said):
        fetch(folder, ids, client=asking, embedder=FakeEmbedder())
    assert contents(folder) == before


def ask(folder: Path, asking: Client, *ids: str, **options: object) -> list[object]:
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as ix:
        questions = [lunacy.Question.parse({"papers": [one], **options}) for one in ids]
        found = (
            (query, one) for each in questions for query, one in zip(each.queries, ix.ask_many([each]), strict=True)
        )
        return [one for _query, one in with_fetched(found, ix, options, client=asking)]


def test_a_paper_that_the_index_lacks_is_asked_for_as_arxiv_has_it(
    folder: Path, asking: Client, server: Server
) -> None:
    before = contents(folder)
    known, fetched = ask(folder, asking, "1802.00003", "2611.00050", top=5)
    assert isinstance(known, lunacy.Answer)
    assert isinstance(fetched, lunacy.Answer)
    assert [hit.id for hit in known] == nearest(PAPERS, vector_of(text_of(PAPERS[2])), 5, ["1802.00003"])
    assert [hit.id for hit in fetched] == nearest(PAPERS, vector_of(text_of(kaggle(NEW))), 5)
    assert fetched.papers[0].id == "2611.00050"
    assert fetched.as_record()["query"]["ids"] == ["2611.00050"]  # type: ignore[index]
    assert fetched.notes[0] == "2611.00050 is not in the index; it was fetched from arXiv and asked for as a text"
    assert len(server.log) == 1
    [explained] = ask(folder, asking, "2611.00050", top=5, explain=True)
    assert isinstance(explained, lunacy.Answer)
    assert [hit.why.asked for hit in explained if hit.why] == ["2611.00050"] * 5
    assert contents(folder) == before


def test_what_arxiv_lacks_or_cannot_tell_is_an_error_of_its_query(folder: Path, asking: Client) -> None:
    unknown, broken, no_id = ask(folder, asking, "2611.99999", "2611.00052", "nonsense")
    assert isinstance(unknown, UnknownPaper)
    assert isinstance(broken, HarvestError)
    assert "no paper: title is missing" in str(broken)
    assert isinstance(no_id, NotAnId)


def test_the_commands_fetch(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PACE_S", 0.0)
    monkeypatch.setenv("LUNACY_OAI", server.url)
    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", lambda *_, **__: FakeEmbedder(), raising=True)
    result = run("query", "2611.99999", "--index", folder, "--fetch")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "arXiv has no paper 2611.99999" in result.stderr
    result = run("fetch", "2611.00050", "2611.00053", "--index", folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"{folder}: 1 added, 0 updated, 0 unchanged",
        "1 in other categories than those of the index were left out",
    ]
    assert orjson.loads(run("show", "2611.00050", "--index", folder, "--format", "json").stdout)
    n_asked = len(server.log)
    assert run("query", "2611.00050", "--index", folder).exit_code == 0
    assert run("query", "2611.77777", "--index", folder).exit_code == 1
    assert len(server.log) == n_asked  # nobody is asked without --fetch
