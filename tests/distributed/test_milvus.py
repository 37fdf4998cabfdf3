"""A published index, on a real Milvus server and on milvus-lite, answers what every `Searcher` must."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("pymilvus")

import lunacy
from lunacy.answer import Answer
from lunacy.cli import main
from lunacy.entry import Entry
from lunacy.errors import FingerprintMismatch, ServerError, UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.milvus import Collection, parse_address
from lunacy.paper import Paper
from lunacy.pipeline import publish
from lunacy.progress import Report
from lunacy.question import Question
from lunacy.store import Writer
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of
from tests.distributed.server import Server
from tests.searcher import *  # noqa: F403
from tests.searcher import IDS, PAPERS, VECTORS, N, fill, paper

pytestmark = [pytest.mark.distributed, pytest.mark.xdist_group("milvus")]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with nothing in it."""
    one = Server(tmp_path_factory.mktemp("milvus"))
    yield one
    one.kill()


@pytest.fixture(scope="module", params=["server", "lite"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An address without a collection's name."""
    if request.param == "lite":
        return f"milvus:{tmp_path_factory.mktemp('lite') / 'lite.db'}"
    address: str = request.getfixturevalue("server").address
    return address


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The papers in an index folder."""
    return fill(tmp_path_factory.mktemp("searcher") / "index")


@pytest.fixture(scope="module")
def where(base: str, folder: Path) -> str:
    """The papers, published."""
    report = publish(folder, to=f"{base}/papers")
    assert (report.n_papers, report.n_sent, report.n_deleted) == (N, N, 0)
    return f"{base}/papers"


def as_published(hits: Sequence[lunacy.Hit]) -> list[lunacy.Hit]:
    """Hits without what is not published: their abstracts."""
    return [replace(hit, paper=replace(hit.paper, abstract="")) for hit in hits]


def entry(one: Paper) -> Entry:
    return Entry.of(one, "title+abstract")


def ids_at(address: str) -> list[str]:
    collection = Collection(parse_address(address))
    try:
        collection.count()
        return sorted(one for page in collection.ids() for one in page)
    finally:
        collection.close()


def test_publishing_again_sends_nothing(where: str, folder: Path) -> None:
    report = publish(folder, to=where)
    assert (report.n_papers, report.n_sent, report.n_deleted) == (N, 0, 0)


def test_what_changed_is_sent_and_what_went_is_deleted(base: str, tmp_path: Path) -> None:
    folder, address = fill(tmp_path / "index"), f"{base}/changing"
    publish(folder, to=address)
    turned = -VECTORS[100]
    with Writer(folder) as writer:
        writer.remove([IDS[100], IDS[1]])
        writer.append([entry(replace(PAPERS[100], abstract="Other."))], turned[None])
        writer.append([entry(paper(N))], vector_of("new")[None])
        writer.amend([entry(replace(PAPERS[101], title="Renamed"))])
        writer.commit()
    report = publish(folder, to=address)
    assert (report.n_papers, report.n_sent, report.n_deleted) == (N, 3, 1)
    assert ids_at(address) == sorted({*IDS, paper(N).id} - {IDS[1]})
    with lunacy.open_index(address) as ix, lunacy.open_index(folder) as truth:
        assert ix.similar(IDS[100], top=5).hits == as_published(truth.similar(IDS[100], top=5))
        [hit] = ix.similar(IDS[100], only_ids=IDS[101], include_withdrawn=True)
        assert hit.title == "Renamed"
        assert IDS[1] not in ix


def test_another_model_is_refused_and_nothing_changes(where: str, tmp_path: Path) -> None:
    with Writer(tmp_path / "index", Fingerprint("fake/other", "title+abstract", DIM, weights="1" * 64)) as writer:
        writer.append([entry(paper(N))], vector_of("new")[None])
        writer.commit()
    with pytest.raises(FingerprintMismatch, match=r"weights: 0000.* in the collection, 1111.* now"):
        publish(tmp_path / "index", to=where)
    assert ids_at(where) == sorted(IDS)


def test_lists_are_measured_and_told_and_filtered_questions_stay_exact(base: str, folder: Path, tmp_path: Path) -> None:
    address = f"{base}/quick"
    report = publish(folder, to=address, ivf=True, recall=0.9, embedder=FakeEmbedder())
    assert report.ivf is not None
    assert report.ivf.papers.recall.mean >= 0.9
    assert report.ivf.texts.is_measured
    with lunacy.open_index(address, embedder=FakeEmbedder()) as ix, lunacy.open_index(folder) as truth:
        found = [one for one in ix.ask_many([Question(papers=IDS[:200], ivf=True)]) if isinstance(one, Answer)]
        best = truth.similar_many(IDS[:200])
        shares = [
            len({hit.id for hit in one.hits} & {hit.id for hit in hits}) / 10
            for one, hits in zip(found, best, strict=True)
        ]
        assert np.mean(shares) > 0.85
        told = [one.recall for one in found if not one.exact]  # where the lists give too few, the answer is exact
        assert set(told) == {report.ivf.papers.recall.mean}
        assert len(told) > 20
        scores = {hit.id: hit.score for hit in truth.similar(IDS[0], top=N, include_withdrawn=True)}
        assert all(hit.score == pytest.approx(scores[hit.id], abs=1e-9) for hit in found[0].hits)
        one = ix.ask(Question(papers=(IDS[0],), ivf=True, category="cs.*"))
        assert one.exact
        assert one.hits == as_published(truth.similar(IDS[0], category="cs.*"))
        asked = ix.ask(Question(text="a question", ivf=True))
        assert asked.exact or asked.recall == report.ivf.texts.recall.mean
    less = fill(tmp_path / "index")
    with Writer(less) as writer:
        writer.remove([IDS[200]])
        writer.commit()
    assert publish(less, to=address, embedder=FakeEmbedder()).ivf is not None  # kept from then on
    assert len(ids_at(address)) == len(ids_at(f"{address}_ivf")) == N - 1


def test_what_was_never_published_to_the_end_is_not_asked(
    base: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ServerError("the server is gone")

    address = f"{base}/half"
    with monkeypatch.context() as patched:
        patched.setattr(Collection, "settle", fail)
        with pytest.raises(ServerError, match="is gone"):
            publish(folder, to=address)
    with pytest.raises(ServerError, match="only partly published"), lunacy.open_index(address) as ix:
        ix.similar(IDS[0])
    assert publish(folder, to=address).n_sent == 0
    with lunacy.open_index(address) as ix:
        assert len(ix) == N


def test_a_foreign_collection_is_left_alone(base: str, folder: Path) -> None:
    collection = Collection(parse_address(f"{base}/foreign"))
    collection._client.create_collection("foreign", dimension=4)
    collection.close()
    with pytest.raises(ServerError, match="is a collection that lunacy did not make"):
        publish(folder, to=f"{base}/foreign")
    with pytest.raises(ServerError, match="there is no such collection"), lunacy.open_index(f"{base}/nothing") as ix:
        len(ix)


def test_more_than_a_server_lists_is_refused(where: str) -> None:
    with lunacy.open_index(where) as ix:
        for ask in (lambda: ix.similar(IDS[0], top=20_000), lambda: ix.similar_to_all(IDS[:2], top=20_000)):
            with pytest.raises(UsageError, match="Milvus lists at most 16,375 hits"):
                ask()


def test_the_commands_do_it(base: str, folder: Path) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
        return result.output

    address = f"{base}/commands"
    assert f"{address} holds 400 papers: 400 sent, 0 deleted" in run("publish", "--index", str(folder), "--to", address)
    for options in (["--format", "csv"], ["--top", "3", "--category", "cs.*", "--format", "ids"], ["--format", "json"]):
        asked = ["query", IDS[0], "2401.00100", *options, "--index"]
        assert run(*asked, address) == run(*asked, str(folder))
    assert "papers      400, 36 of them withdrawn" in run("info", "--index", address)


def test_reasons_are_those_of_the_folder_with_the_words_of_titles_alone(base: str, tmp_path: Path) -> None:
    """What is published has no abstracts, so no word index and no sentences either."""
    snapshot, folder, address = tmp_path / "snapshot.jsonl", tmp_path / "index", f"{base}/reasons"
    fields = "cuprate", "sheaf", "galaxy", "quark", "tumour", "enzyme"
    authors = "Ada Lovelace", "A. Lovelace and Emmy Noether", "Alan Turing"
    records = [
        record(f"2101.{n:05}", title=f"On {fields[n % 6]} {n}", abstract=f"Of {fields[n % 6]}.", authors=authors[n % 3])
        for n in range(60)
    ]
    snapshot.write_bytes(lines(records))
    lunacy.build_index(snapshot, into=folder, embedder=FakeEmbedder())
    publish(folder, to=address)
    asked = "2101.00007"  # on sheaves
    with (
        lunacy.open_index(address, embedder=FakeEmbedder()) as ix,
        lunacy.open_index(folder, embedder=FakeEmbedder()) as truth,
    ):
        for options in ({}, {"unlike": "2101.00003"}, {"category": "cs.CL"}):
            there = ix.similar(asked, top=59, explain=True, **options)
            here = truth.similar(asked, top=59, explain=True, **options)
            assert [hit.id for hit in there] == [hit.id for hit in here]
            for hit, other in zip(there, here, strict=True):
                assert hit.why is not None
                assert other.why is not None
                is_like = int(hit.id[-2:]) % 6 == 1
                assert [term.text for term in hit.why.terms] == ["sheaf"] * is_like
                assert all(term.weight == pytest.approx(math.log(61 / 11)) for term in hit.why.terms)
                assert hit.why == replace(other.why, terms=hit.why.terms, sentences=None, by_words=None)
        [near] = [one.why for one in ix.similar_to_text("The sheaf", top=1, explain=True)]
        assert near is not None
        assert near.sentences is not None  # of the text and a title
    words = ["query", asked, "--explain", "--top", "59", "--format", "md", "--index", address]
    told = CliRunner().invoke(main, words).output
    assert (told.count("   - places: "), told.count("   - words: sheaf 2\n")) == (59, 9)


def test_a_server_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.search.milvus_searcher._WAIT_S", 0.1)
    result = CliRunner().invoke(main, ["query", "1802.05130", "--index", "http://127.0.0.1:1/arxiv"])
    assert result.exit_code == 1
    assert result.output.startswith("lunacy: http://127.0.0.1:1/arxiv: ")
    assert result.output.count("\n") == 1


@contextmanager
def killed_after(server: Server, n: int) -> Iterator[Report]:
    """Told of progress, it kills the server when `n` papers are done, at any point of the next step."""
    is_time = threading.Event()
    killer = threading.Thread(target=lambda: (is_time.wait(), time.sleep(0.02), server.kill()))
    killer.start()
    try:
        yield lambda told: is_time.set() if told.done >= n else None
    finally:
        is_time.set()
        killer.join()


def test_after_the_server_was_killed_publishing_again_is_whole_and_nothing_doubled(
    server: Server, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    n, dim = 20_000, 128
    rows = rng.standard_normal((n, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    folder = tmp_path / "index"
    with Writer(folder, Fingerprint("fake/model", "abstract", dim), "fake") as writer:
        writer.append(
            [entry(Paper(f"2401.{place:05}", f"On {place}", f"We study {place}.")) for place in range(n)], rows
        )
        writer.commit()
    for n_before in (4_000, 11_000):  # killed in mid-run, twice
        with pytest.raises(ServerError, match="the same command goes on"), killed_after(server, n_before) as progress:
            publish(folder, to=f"{server.address}/killed", progress=progress)
        server.start()
    address = f"{server.address}/killed"
    report = publish(folder, to=address)
    assert 0 < report.n_sent < n  # it went on
    assert ids_at(address) == [f"2401.{place:05}" for place in range(n)]
    with lunacy.open_index(address) as ix, lunacy.open_index(folder) as truth:
        asked = [f"2401.{place:05}" for place in range(0, n, 400)]
        assert [one.hits for one in ix.similar_many(asked)] == [as_published(one) for one in truth.similar_many(asked)]
    server.kill()  # what was published survives one more
    server.start()
    with lunacy.open_index(f"{server.address}/killed") as ix:
        assert len(ix) == n
