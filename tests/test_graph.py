"""The graph of neighbours, against brute force: made anew, gone on with after a kill, and brought up to date."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lunacy
from lunacy.derived.graph import KIND, open_graph, state_of
from lunacy.entry import Entry
from lunacy.errors import UsageError
from lunacy.pipeline import build_graph, build_ivf, make_graph, nearest, refresh_caches
from lunacy.search import search
from lunacy.store import Writer, caches, verify
from tests.conftest import FakeEmbedder
from tests.test_cli import run
from tests.test_modes import fill, paper, viewed
from tests.test_search import brute_force, random_units

Lists = list[tuple[int, list[int], list[float]]]


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise UsageError("no model in tests")

    monkeypatch.setattr("lunacy.embedding.load", refuse)


def stored(folder: Path) -> Lists:
    """(row, neighbours, cosines) of each row, from the file."""
    with viewed(folder) as view:
        graph = open_graph(view)
        assert graph is not None
        found: Lists = []
        for first, lists in graph.blocks():
            for place, (rows, cosines) in enumerate(zip(lists.rows, lists.cosines, strict=True)):
                n = int((rows >= 0).sum())
                assert (rows[n:] == -1).all()
                assert (cosines[n:] == 0).all()
                found.append((first + place, rows[:n].tolist(), cosines[:n].tolist()))
    return found


def wanted(folder: Path, k: int) -> Lists:
    """The same by brute force."""
    with viewed(folder) as view:
        live = view.live_rows()
        vectors = dict(zip(live.tolist(), view.vectors(live), strict=True))
        withdrawn = {row for row, is_withdrawn in view.stream("withdrawn") if is_withdrawn}
        able = {row: vector for row, vector in vectors.items() if row not in withdrawn}
        lists: Lists = []
        for row in range(view.end_row):
            best = brute_force(able, vectors[row], k, without=row) if row in vectors else []
            lists.append((row, [one for one, _cosine in best], [cosine for _one, cosine in best]))
    return lists


def assert_same(found: Lists, true: Lists) -> None:
    assert [(row, rows) for row, rows, _ in found] == [(row, rows) for row, rows, _ in true]
    for (_, _, cosines), (_, _, exact) in zip(found, true, strict=True):
        np.testing.assert_allclose(cosines, exact, atol=1e-6)


def some_rows(n: int, seed: int = 0) -> np.ndarray:
    """Random ones; each third is there twice, so that there are ties."""
    rows = random_units(n, seed=seed)
    rows[2::3] = rows[: len(rows[2::3])]
    return rows


@pytest.mark.parametrize(("n", "k"), [(90, 5), (90, 1), (4, 15), (1, 3)])
def test_the_graph_is_that_of_brute_force(tmp_path: Path, n: int, k: int) -> None:
    fill(tmp_path, [some_rows(n)])
    if n > 20:
        lunacy.remove(tmp_path, [paper(3).id, paper(17).id])
    report = build_graph(tmp_path, k=k)
    assert (report.is_new, report.n_papers, report.facts.k) == (True, n - 2 * (n > 20), k)
    assert_same(stored(tmp_path), wanted(tmp_path, k))
    assert verify(tmp_path) == []
    assert not build_graph(tmp_path, k=k).is_new


def test_another_k_makes_it_anew(tmp_path: Path) -> None:
    fill(tmp_path, [some_rows(40)])
    build_graph(tmp_path, k=3)
    assert build_graph(tmp_path, k=4).is_new
    assert_same(stored(tmp_path), wanted(tmp_path, 4))
    assert len([one for one in caches.read(tmp_path) if one.kind == KIND]) == 1


def test_a_run_that_was_stopped_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, [some_rows(90)])
    asked: list[int] = []

    def stopped_at(n: int) -> None:
        def noted(view: object, vectors: np.ndarray, k: int, *, without: Sequence[int]) -> object:
            if len(asked) + len(without) > n:
                raise KeyboardInterrupt
            asked.extend(without)
            return search(view, vectors, k, without=without)  # type: ignore[arg-type]

        monkeypatch.setattr(nearest, "search", noted)

    monkeypatch.setattr(make_graph, "_BLOCK", 16)
    monkeypatch.setattr(make_graph, "_PART_S", 0.0)
    stopped_at(40)
    with pytest.raises(KeyboardInterrupt):
        build_graph(tmp_path, k=5)
    with viewed(tmp_path) as view:
        assert open_graph(view) is None
        assert state_of(view) is None
    assert verify(tmp_path) == []
    stopped_at(90)
    build_graph(tmp_path, k=5)
    assert asked == list(range(90))  # each once
    assert_same(stored(tmp_path), wanted(tmp_path, 5))
    assert [one.name for one in caches.read(tmp_path) if one.kind == KIND] == [
        path.name for path in (tmp_path / "cache").glob("graph*")
    ]


def test_parts_of_an_older_commit_are_not_gone_on_with(tmp_path: Path) -> None:
    fill(tmp_path, [some_rows(40)])
    build_graph(tmp_path, k=5)
    with viewed(tmp_path) as view:
        graph = open_graph(view)
        assert graph is not None
        part = make_graph.add_part(view, replace(graph.facts, k=5), 0, [lists for _first, lists in graph.blocks()])
    caches.commit(tmp_path, KIND, [part])
    lunacy.remove(tmp_path, [paper(3).id])
    assert [one for one in caches.read(tmp_path) if one.kind == KIND] == []
    build_graph(tmp_path, k=5)
    assert_same(stored(tmp_path), wanted(tmp_path, 5))


def edit(folder: Path, removed: Sequence[int], withdrawn: Sequence[int], n_new: int, *, moved: bool) -> None:
    """Change an index, and keep what is derived from it up to date."""
    with Writer(folder) as writer:
        there = writer.known([paper(place).id for place in range(100)])
        amended = [replace(paper(place), comments="Withdrawn by the author.") for place in withdrawn]
        writer.amend([Entry.of(one, "abstract") for one in amended if one.id in there])
        writer.remove([paper(place).id for place in removed if paper(place).id in there])
        writer.append([Entry.of(paper(60 + place), "abstract") for place in range(n_new)], some_rows(30, 9)[:n_new])
        writer.commit()
        if moved:
            writer.compact()
        refresh_caches(folder, writer.changes)


PLACES = st.lists(st.integers(0, 59), max_size=6, unique=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 60), st.integers(1, 8), PLACES, PLACES, st.integers(0, 30), st.booleans())
def test_a_graph_that_was_brought_up_to_date_is_that_of_brute_force(
    n: int, k: int, removed: list[int], withdrawn: list[int], n_new: int, moved: bool
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setattr("lunacy.pipeline.update_graph._BLOCK", 16)
        fill(folder, [some_rows(n)])
        build_graph(folder, k=k)
        edit(folder, removed, withdrawn, n_new, moved=moved)
        with viewed(folder) as view:
            if not view.n_papers:
                return
        assert_same(stored(folder), wanted(folder, k))
        assert verify(folder) == []


def test_an_update_of_other_fields_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path, [some_rows(40)])
    build_graph(tmp_path, k=5)
    before = [path.name for path in (tmp_path / "cache").glob("graph-*")]
    with Writer(tmp_path) as writer:
        writer.amend([Entry.of(replace(paper(3), doi="10.1000/1"), "abstract")])
        writer.commit()
        refresh_caches(tmp_path, writer.changes)
    assert [path.name for path in (tmp_path / "cache").glob("graph-*")] == before
    assert_same(stored(tmp_path), wanted(tmp_path, 5))


def test_a_graph_that_is_too_far_behind_is_out_of_date_and_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_graph, "_KEEP_UP", 0)
    fill(tmp_path, [some_rows(40)])
    build_graph(tmp_path, k=5)
    lunacy.remove(tmp_path, [paper(3).id])
    with viewed(tmp_path) as view:
        assert open_graph(view) is None
    with lunacy.open_index(tmp_path, embedder=FakeEmbedder()) as ix:
        info = ix.info()
        assert info.graph is not None
        assert (info.graph.k, info.is_graph_current) == (5, False)
    build_graph(tmp_path, k=5)
    assert_same(stored(tmp_path), wanted(tmp_path, 5))


def test_a_flipped_bit_is_named_and_the_graph_not_used(tmp_path: Path) -> None:
    fill(tmp_path, [some_rows(40)])
    build_graph(tmp_path, k=5)
    [path] = (tmp_path / "cache").glob("graph-*")
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    assert [fault.partition(":")[0] for fault in verify(tmp_path)] == [f"cache/{path.name}"]
    with viewed(tmp_path) as view:
        assert open_graph(view) is None
    assert build_graph(tmp_path, k=5).is_new
    assert_same(stored(tmp_path), wanted(tmp_path, 5))
    assert verify(tmp_path) == []


def test_a_graph_by_lists_has_the_recall_that_it_tells(tmp_path: Path) -> None:
    centres = np.repeat(random_units(40, dim=16), 30, axis=0)
    noisy = centres + 0.2 * np.random.default_rng(5).standard_normal(centres.shape)
    rows = (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)
    fill(tmp_path, [rows])
    with pytest.raises(UsageError, match="no IVF lists"):
        build_graph(tmp_path, ivf=True)
    build_ivf(tmp_path, recall=0.9)
    facts = build_graph(tmp_path, k=5, ivf=True, recall=0.8).facts
    assert facts.recall is not None
    products = rows @ rows.T
    np.fill_diagonal(products, -1)
    products[:, [place for place in range(len(rows)) if place % 11 == 5]] = -1  # withdrawn
    true = np.argsort(-products, axis=1)[:, :5].tolist()
    shares = [len({*mine} & {*best}) / 5 for (_, mine, _), best in zip(stored(tmp_path), true, strict=True)]
    assert 0.8 <= facts.recall.mean < 1
    assert facts.recall.low - 0.02 <= np.mean(shares) <= facts.recall.high + 0.02
    assert not build_graph(tmp_path, k=5, ivf=True, recall=0.8).is_new
    lunacy.remove(tmp_path, [paper(place).id for place in range(0, 300, 3)])
    with viewed(tmp_path) as view:
        live = view.live_rows()
        products[:, np.setdiff1d(np.arange(len(rows)), live)] = -1
        true = np.argsort(-products, axis=1)[:, :5].tolist()
        shares = [len({*mine} & {*true[row]}) / 5 for row, mine, _ in stored(tmp_path) if row in set(live.tolist())]
    assert np.mean(shares) >= 0.8


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_a_graph_of_no_or_too_many_neighbours_is_refused(tmp_path: Path, k: int) -> None:
    with pytest.raises(UsageError, match="1 to 1,000"):
        build_graph(tmp_path, k=k)


def test_the_commands_tell_of_the_graph_and_whether_it_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, [some_rows(40)])
    index = ["--index", str(tmp_path)]
    assert run("graph", "--k", "3", *index).stdout.startswith(
        f"{tmp_path}: the 3 nearest neighbours of 40 papers, 1.3 kB,"
    )
    assert "up to date already\nexact\n" in run("graph", "--k", "3", *index).stdout
    assert "the 3 nearest neighbours of each paper; exact\n" in run("info", *index).stdout
    monkeypatch.setattr(make_graph, "_KEEP_UP", 0)
    lunacy.remove(tmp_path, [paper(3).id])
    assert "papers have changed since; make it again with: lunacy graph --index" in run("info", *index).stdout
    told = json.loads(run("info", "--format", "json", *index).stdout)["graph"]
    assert told == {"k": 3, "recall": None, "current": False}
