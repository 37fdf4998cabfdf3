"""A title in the place of an id finds its paper, however it is written; a mistyped id is taken for no title."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.answer import Answer
from lunacy.derived import neighbours, titles
from lunacy.errors import NotAnId
from lunacy.pipeline import build_lexical, compact, refresh_caches, remove
from lunacy.question import Question
from lunacy.store import Store, caches, verify
from lunacy.title_key import title_key
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run

SAME = [  # ways to write one title
    [r"Schr\"odinger's $\alpha$-decay", "Schrödinger's α–decay", "SCHRODINGERS ALPHA DECAY"],
    [r"Bi$_{2}$Sr$_{2}$CaCu$_2$O$_{8+x}$", "Bi2Sr2CaCu2O8+x", "Bi₂Sr₂CaCu₂O₈₊ₓ"],
    [r"$\mathcal{N}=4$ on $\mathbb{R}^n$", "N = 4 on R^n", "N=4 on ℝⁿ"],
    [r"$B \to \bar{D} \pi$ at $\sqrt{s} = 13$ TeV", "B → D̄ π at √s = 13 TeV"],
    [r"Kęstutis \v{C}esnavi\v{c}ius, \L{}ukasz", "Kestutis Cesnavicius Łukasz"],
    ["量子 力学", "量子力学"],
]  # fmt: skip


@pytest.mark.parametrize("forms", SAME, ids=range(len(SAME)))
def test_all_ways_to_write_a_title_have_one_key(forms: list[str]) -> None:
    assert len({title_key(form) for form in forms}) == 1
    assert title_key(forms[0])


def test_other_titles_have_other_keys_and_signs_alone_have_none() -> None:
    assert len({title_key(text) for text in ("Part I", "Part II", "Part 1", "A part", "Part α")}) == 5
    assert [title_key(text) for text in ("", " ... ", "$\\to$", "→", "--")] == [""] * 5


TITLES = {
    "1401.0001": "Attention Is All You Need",
    "1401.0002": r"On Schr\"odinger's $\alpha$-decay",
    "1401.0003": "Twins",
    "1401.0004": "The twins!",
    "1401.0005": "Twins",
    "1401.0006": "2403.1234",
    "1401.0007": "1401.0001",
    "1401.0008": "A survey of neutrino masses and their mixing, part I",
    "1401.0009": "Graphs",
    "1401.0010": "Types in C# and F#",
}
RECORDS = [record(one, title=title, abstract=f"Nothing {place}.") for place, (one, title) in enumerate(TITLES.items())]


@pytest.fixture(scope="module", params=["scanned", "stored"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of RECORDS, without and with stored hashes of titles."""
    base = tmp_path_factory.mktemp("titles")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    if request.param == "stored":
        refresh_caches(base / "index", least_rows=1)
        caches.commit(base / "index", neighbours.KIND, [])  # among so few papers many are far from all others
    assert any(cache.kind == titles.KIND for cache in caches.read(base / "index")) == (request.param == "stored")
    return base / "index"


@pytest.fixture
def ix(folder: Path) -> Iterator[lunacy.Index]:
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as index:
        yield index


def asked(ix: lunacy.Index, text: str) -> tuple[list[str], list[str]]:
    """The ids that were asked for, and the notes."""
    answer = ix.similar(text, top=3)
    return [paper.id for paper in answer.papers], list(answer.notes)


@pytest.mark.parametrize("text", ["Attention Is All You Need", "  attention is all\nyou need. "])
def test_a_title_finds_its_paper_and_says_so(ix: lunacy.Index, text: str) -> None:
    shown = " ".join(text.split())
    assert asked(ix, text) == (["1401.0001"], [f"{shown!r} was taken as the title of 1401.0001"])
    assert [hit.id for hit in ix.similar(text)] == [hit.id for hit in ix.similar("1401.0001")]
    assert asked(ix, "on schrodinger's α decay")[0] == ["1401.0002"]


def test_a_title_of_several_papers_lists_their_ids(ix: lunacy.Index) -> None:
    with pytest.raises(NotAnId, match=r"^'twins' is the title of 2 papers: 1401\.0003, 1401\.0005; give one of these"):
        ix.similar("twins")
    assert asked(ix, "the twins")[0] == ["1401.0004"]


def test_neither_an_id_nor_a_mistyped_one_is_taken_for_a_title(ix: lunacy.Index) -> None:
    assert asked(ix, "1401.0001") == (["1401.0001"], [])
    with pytest.raises(NotAnId, match="five digits"):
        ix.similar("2403.1234")


@pytest.mark.parametrize("text", ["Attention is all", "Graph", "need", "...", "", "attention " * 1000])
def test_what_is_no_title_is_told_and_shown_the_way_on(ix: lunacy.Index, folder: Path, text: str) -> None:
    with pytest.raises(NotAnId) as caught:
        ix.similar(text)
    assert "is neither an arXiv id, such as 1802.05130 or hep-th/9711200, nor the title of a paper" in str(caught.value)
    asked = shlex.quote(text) if 0 < len(text) < 80 else "-"
    assert caught.value.full_message.endswith(f"similar to a text: lunacy query --text {asked} --index {folder}")
    assert len(str(caught.value)) < 250


def test_titles_and_ids_go_together(ix: lunacy.Index) -> None:
    question = Question(papers=["graphs", "1401.0001", "no title", "attention is all you need"], top=1)
    first, second, third, fourth = ix.ask_many([question])
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert isinstance(fourth, Answer)
    assert first.papers[0].id == "1401.0009"
    assert isinstance(third, NotAnId)
    assert fourth.hits == second.hits
    both = ix.ask(Question(papers=["graphs", "1401.0001"], together=True))
    assert [paper.id for paper in both.papers] == ["1401.0009", "1401.0001"]
    assert both.notes == ("'graphs' was taken as the title of 1401.0009",)
    assert ix.named(["graphs", "1401.0001", "no title", "twins"]) == {"graphs", "1401.0001"}


def test_titles_may_stand_on_the_command_line_and_in_a_batch(folder: Path, tmp_path: Path) -> None:
    common = ("--index", folder, "--top", "1", "--format", "ids")
    found = run("query", "Attention is all you need", *common)
    by_id = run("query", "1401.0001", *common)
    assert (found.exit_code, found.stdout) == (0, by_id.stdout)
    assert found.stderr == "lunacy: 1401.0001: 'Attention is all you need' was taken as the title of 1401.0001\n"
    (tmp_path / "list").write_text("Attention is all you need # the first\ngraphs\n1401.0001\nnothing\n")
    batch = run("query", "--batch", tmp_path / "list", *common, "--skip-unknown")
    assert batch.stdout.splitlines()[::2] == [by_id.stdout.strip()] * 2
    (tmp_path / "sharp").write_text("types in C# and F# # a comment\n")
    assert "title of 1401.0010" in run("query", "--batch", tmp_path / "sharp", *common).stderr
    together = run("query", "--batch", tmp_path / "list", *common, "--skip-unknown", "--together")
    assert together.exit_code == 0
    assert together.stdout


def test_two_titles_with_one_hash_do_no_harm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles, "_hash", lambda _key: 7)
    caches.drop(folder)
    refresh_caches(folder, least_rows=1)
    caches.commit(folder, neighbours.KIND, [])
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as ix:
        assert asked(ix, "attention is all you need")[0] == ["1401.0001"]
        assert asked(ix, "graphs")[0] == ["1401.0009"]
        with pytest.raises(NotAnId):
            ix.similar("no title")
    monkeypatch.undo()
    caches.drop(folder)


def test_a_harmed_cache_of_titles_finds_the_paper_or_none_and_verify_names_it(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(tmp_path / "s.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    refresh_caches(tmp_path / "index", least_rows=1)
    [cache] = [one for one in caches.read(tmp_path / "index") if one.kind == titles.KIND]
    path = tmp_path / "index/cache" / cache.name
    whole, right = path.read_bytes(), title_key(TITLES["1401.0001"])
    rng = np.random.default_rng(0)
    n_found = 0
    for _ in range(60):
        harmed = bytearray(whole)
        harmed[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(harmed)
        with Store(tmp_path / "index") as store, store.view() as view:
            [rows] = titles.rows_titled(view, [right]).values()
        assert rows in ([], [0])
        n_found += len(rows)
    assert n_found > 30
    assert len(verify(tmp_path / "index")) == 1


def titles_of(folder: Path) -> dict[str, set[int]]:
    """The rows of each title, read without lunacy."""
    with sqlite3.connect(folder / "papers.db") as connection:
        found: dict[str, set[int]] = {}
        for title, row in connection.execute("SELECT title, row FROM papers"):
            found.setdefault(title, set()).add(row)
    return found


def test_stored_titles_follow_what_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each update they are those that a new index would have, though only what changed is read."""
    monkeypatch.setattr(titles, "LEAST_ROWS", 1)
    index, streams = tmp_path / "index", []
    records: dict[str, Any] = {f"1401.{n:04}": f"Title {n}" for n in range(1, 40)}

    def update(**options: Any) -> None:
        (tmp_path / "s.jsonl").write_bytes(lines(record(one, title=title) for one, title in records.items()))
        lunacy.build_index(tmp_path / "s.jsonl", into=index, embedder=FakeEmbedder(), **options)
        with Store(index) as store, store.view() as view:
            stored = titles.open_titles(view)
            assert stored is not None
            streams.append(stored.rows.tolist())
            wanted = titles_of(index)
            keys = [title_key(title) for title in wanted]
            assert titles.rows_titled(view, keys) == {title_key(one): sorted(rows) for one, rows in wanted.items()}
            assert sorted(stored.rows.tolist()) == sorted(row for rows in wanted.values() for row in rows)

    update()
    records |= {"1401.0003": "Another title", "1402.0001": "A new one", "1401.0005": "Title 4"}
    update()
    remove(index, ["1401.0007", "1402.0001"])
    del records["1401.0007"], records["1402.0001"]
    update()
    compact(index)
    update()


def test_a_title_with_a_slip_is_found_by_words(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(tmp_path / "s.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    slip, other = (
        "A survey of neutrino masses and theyr mixing part I",
        "A survey of neutrino masses, their mixing, part II",
    )
    with lunacy.open_index(tmp_path / "index", embedder=FakeEmbedder()) as ix, pytest.raises(NotAnId):
        ix.similar(slip)
    build_lexical(tmp_path / "index")
    with lunacy.open_index(tmp_path / "index", embedder=FakeEmbedder()) as ix:
        note = f"{slip!r} was taken for the title of 1401.0008, which is nearly the same"
        assert asked(ix, slip) == (["1401.0008"], [note])
        for text in (other, "neutrino masses", "A survey of neutrino masses and their mixing, part 1"):
            with pytest.raises(NotAnId, match="is neither"):
                ix.similar(text)
    remove(tmp_path / "index", ["1401.0008"])
    with lunacy.open_index(tmp_path / "index", embedder=FakeEmbedder()) as ix, pytest.raises(NotAnId):
        ix.similar(slip)
