"""The map: laid out from neighbours, brought up to date, turned as it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import lunacy
from lunacy.derived.graph import Lists
from lunacy.derived.map import Map, open_map, positions_of
from lunacy.derived.placing import place
from lunacy.entry import Entry
from lunacy.errors import UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.pipeline import refresh_caches
from lunacy.pipeline.mapping.layout import in_unit_square, laid_out
from lunacy.pipeline.mapping.orientation import turned_to
from lunacy.progress import no_report
from lunacy.store import Writer
from tests.test_modes import viewed
from tests.test_search import unit

N, DIM, N_FIELDS = 240, 16, 6


def paper(n: int, abstract: str = "We study it.") -> Paper:
    return Paper(f"2401.{n:05}", f"On {n}", abstract, categories=("cs.CL",))


def fill(
    folder: Path, vectors: np.ndarray, first: int = 0, *, abstract: str = "We study it.", replaced: Sequence[str] = ()
) -> None:
    """Add papers, or revise those that are `replaced`."""
    entries = [Entry.of(paper(n, abstract), "abstract") for n in range(first, first + len(vectors))]
    with Writer(folder, Fingerprint("fake", "abstract", DIM), "fake") as writer:
        writer.append(entries, vectors, replaced=replaced)
        writer.commit()


def papers_of_fields(n: int = N, seed: int = 0) -> np.ndarray:
    """(n, DIM) unit vectors around N_FIELDS directions, of which each in turn has one."""
    random = np.random.default_rng(seed)
    fields = unit(np.random.default_rng(99).standard_normal((N_FIELDS, DIM)))
    return unit(fields[np.arange(n) % N_FIELDS] + 0.25 * random.standard_normal((n, DIM)) / 2)


def map_of(folder: Path) -> Map:
    with viewed(folder) as view:
        found = open_map(view)
        assert found is not None
        return found


def places(folder: Path, rows: list[int]) -> np.ndarray:
    return positions_of(map_of(folder).points, np.array(rows))


def share_of_own_field(positions: np.ndarray, fields: np.ndarray) -> float:
    """Of the five nearest on the map, how many are of the same field."""
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    nearest = np.argsort(distances, axis=1)[:, 1:6]
    return float((fields[nearest] == fields[:, None]).mean())


def test_papers_of_a_field_lie_together_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        fill(tmp_path / name, papers_of_fields())
        report = lunacy.build_map(tmp_path / name)
        assert (report.is_new, report.facts.n_papers, report.facts.recall) == (True, N, None)
    positions = places(tmp_path / "one", list(range(N)))
    assert share_of_own_field(positions, np.arange(N) % N_FIELDS) > 0.95
    assert 0.02 <= positions.min() <= positions.max() < 0.981
    [one, two] = (next((tmp_path / name / "cache").glob("map-*")).read_bytes() for name in ("one", "two"))
    assert one == two
    assert not lunacy.build_map(tmp_path / "one").is_new


def test_what_comes_is_placed_with_its_field_and_moves_no_other_paper(tmp_path: Path) -> None:
    fill(tmp_path, papers_of_fields())
    lunacy.build_map(tmp_path)
    before = places(tmp_path, list(range(N)))
    fill(tmp_path, papers_of_fields(60, seed=1), N)
    lunacy.remove(tmp_path, [paper(3).id])
    refresh_caches(tmp_path)
    after = places(tmp_path, list(range(N + 60)))
    stayed = [row for row in range(N) if row != 3]
    np.testing.assert_array_equal(after[stayed], before[stayed])
    assert np.isnan(after[3]).all()
    assert not np.isnan(after[N:]).any()
    fields = np.concatenate([np.arange(N), np.arange(60)]) % N_FIELDS
    there = np.flatnonzero(~np.isnan(after[:, 0]))
    assert share_of_own_field(after[there], fields[there]) > 0.95
    facts = map_of(tmp_path).facts
    assert (facts.n_papers, facts.n_placed) == (N + 59, 60)


def test_a_revised_paper_keeps_its_place(tmp_path: Path) -> None:
    fill(tmp_path, papers_of_fields())
    lunacy.build_map(tmp_path)
    [before] = places(tmp_path, [5])
    fill(tmp_path, papers_of_fields(1, seed=3), 5, replaced=[paper(5).id])
    refresh_caches(tmp_path)
    with viewed(tmp_path) as view:
        [row] = view.rows([paper(5).id]).values()
    assert row != 5
    np.testing.assert_array_equal(places(tmp_path, [row]), [before])


def test_without_a_graph_papers_are_placed_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        fill(tmp_path / name, papers_of_fields())
        lunacy.build_map(tmp_path / name)
        fill(tmp_path / name, papers_of_fields(60, seed=1), N)
    monkeypatch.setattr("lunacy.pipeline.mapping.make_map.open_graph", lambda _view: None)
    refresh_caches(tmp_path / "one")
    monkeypatch.undo()
    refresh_caches(tmp_path / "two")
    rows = list(range(N + 60))
    np.testing.assert_array_equal(places(tmp_path / "one", rows), places(tmp_path / "two", rows))


def test_a_map_that_is_too_far_behind_is_not_shown_until_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, papers_of_fields())
    lunacy.build_map(tmp_path)
    fill(tmp_path, papers_of_fields(60, seed=1), N)
    monkeypatch.setattr("lunacy.pipeline.mapping.make_map._KEEP_UP", 1)
    monkeypatch.setattr("lunacy.pipeline.mapping.make_map.open_graph", lambda _view: None)
    refresh_caches(tmp_path)
    with viewed(tmp_path) as view:
        assert open_map(view) is None
    with lunacy.open_index(tmp_path) as ix:
        info = ix.info()
        assert info.map is not None
        assert (info.map.n_papers, info.is_map_current) == (N, False)
    monkeypatch.undo()
    monkeypatch.setattr("lunacy.pipeline.mapping.make_map._KEEP_UP", 1)
    report = lunacy.build_map(tmp_path)  # by the graph, which is up to date
    assert (report.is_new, report.facts.n_placed) == (False, 60)


def test_a_layout_that_is_made_anew_is_turned_as_it_was(tmp_path: Path) -> None:
    fill(tmp_path, papers_of_fields())
    lunacy.build_map(tmp_path)
    before = places(tmp_path, list(range(N)))
    fill(tmp_path, papers_of_fields(30, seed=1), N)
    report = lunacy.build_map(tmp_path, anew=True)
    assert (report.is_new, report.facts.n_papers, report.facts.n_placed) == (True, N + 30, 0)
    after = places(tmp_path, list(range(N)))
    middles = [np.array([some[field::N_FIELDS].mean(axis=0) for field in range(N_FIELDS)]) for some in (before, after)]
    assert np.linalg.norm(middles[0] - middles[1], axis=1).max() < 0.15


def test_places_are_turned_and_mirrored_as_they_were_before() -> None:
    now = np.random.default_rng(0).standard_normal((50, 2))
    turn = np.array([[np.cos(2), np.sin(2)], [np.sin(2), -np.cos(2)]])  # and mirrored
    before = now @ turn / 7 + 1 / 2
    before[::3] = np.nan
    np.testing.assert_allclose(turned_to(now, before), now @ turn, atol=1e-12)
    assert turned_to(now, np.full((50, 2), np.nan)) is now


def where_most_are(ten: Sequence[np.ndarray], n_papers: int) -> np.ndarray:
    """As `midst` says, for one paper."""

    def close(one: np.ndarray, other: np.ndarray) -> float:
        return float(1 / (1 + np.linalg.norm(one - other) ** 2 * np.pi * n_papers / 50))

    middle = max(ten, key=lambda one: sum(close(one, other) for other in ten))
    return np.average(ten, axis=0, weights=[close(middle, other) ** 2 for other in ten])


def test_a_new_paper_is_put_where_most_of_its_ten_nearest_are() -> None:
    random = np.random.default_rng(0)
    positions = random.random((300, 2)).astype(np.float32)
    positions[200:] = np.nan
    new = np.arange(200, 300)
    neighbours = np.array([random.choice(200, 15, replace=False) for _ in new])
    neighbours[7, 3:] = -1
    neighbours[8, :5] = np.arange(250, 255)  # which have no place themselves
    assert place(positions, new, neighbours, random.integers(0, 2**63, 100).astype(np.uint64)) == 100
    for position, some in zip(positions[200:], neighbours, strict=True):
        ten = [positions[one].astype(float) for one in some if 0 <= one < 200][:10]
        assert np.linalg.norm(position - where_most_are(ten, 300)) <= 0.25 / np.sqrt(300) + 1e-6


def test_a_paper_whose_neighbours_lie_apart_is_not_put_between_them() -> None:
    positions = np.array([[0.1, 0.1], [0.11, 0.1], [0.1, 0.11], [0.9, 0.9], [0.9, 0.1], [np.nan] * 2], np.float32)
    many = np.concatenate([positions, np.full((5000, 2), 0.5, np.float32)])
    assert place(many, np.array([5]), np.array([[3, 4, 0, 1, 2]]), np.zeros(1, np.uint64)) == 1
    assert np.linalg.norm(many[5] - [0.1, 0.1]) < 0.02


def test_papers_whose_neighbours_are_all_new_are_placed_after_these() -> None:
    positions = np.array([[0.5, 0.5], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2, [np.nan] * 2], np.float32)
    neighbours = np.array([[0, 2], [1, 3], [2, -1], [4, -1]])  # the last has but itself
    assert place(positions, np.arange(1, 5), neighbours, np.arange(4, dtype=np.uint64)) == 3
    assert np.isnan(positions[:, 0]).tolist() == [False, False, False, False, True]


@pytest.mark.parametrize("n", [1, 2, 49, 60])
def test_few_papers_have_a_map_too(tmp_path: Path, n: int) -> None:
    fill(tmp_path, papers_of_fields(n))
    assert lunacy.build_map(tmp_path).facts.n_papers == n
    assert np.isfinite(places(tmp_path, list(range(n)))).all()


def test_papers_that_are_all_the_same_have_a_map_too(tmp_path: Path) -> None:
    fill(tmp_path, np.repeat(papers_of_fields(1), 80, axis=0))
    assert lunacy.build_map(tmp_path).facts.n_papers == 80


def test_lists_that_end_early_are_no_obstacle() -> None:
    rows, cosines = np.full((70, 15), -1, np.int32), np.zeros((70, 15), np.float32)
    rows[:, :2] = (np.arange(70)[:, None] + [1, -1]) % 70
    cosines[:, :2] = 0.9
    rows[5] = -1
    first = np.random.default_rng(0).standard_normal((70, 2))
    assert np.isfinite(laid_out(Lists(rows, cosines), first, 0, no_report)).all()


def test_no_place_is_outside_of_the_unit_square() -> None:
    assert in_unit_square(np.empty((0, 2))).shape == (0, 2)
    assert in_unit_square(np.array([[5.0, 5.0]])).tolist() == [[0.5, 0.5]]
    scaled = in_unit_square(np.array([[-3.0, 0.0], [7.0, 1.0]]))
    np.testing.assert_allclose(scaled, [[0.02, 0.452], [0.98, 0.548]], atol=1e-6)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_cannot_be_is_refused(tmp_path: Path, seed: int) -> None:
    fill(tmp_path, papers_of_fields(5))
    with pytest.raises(UsageError, match="the seed is"):
        lunacy.build_map(tmp_path, seed=seed)


def test_without_the_library_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, papers_of_fields(5))
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(lunacy.MissingExtra, match="openTSNE, which lays out the map, is not installed"):
        lunacy.build_map(tmp_path)


def test_many_papers_need_lists_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, papers_of_fields())
    monkeypatch.setattr(sys.modules["lunacy.pipeline.build_map"], "_MOST_EXACT", N - 1)
    with pytest.raises(UsageError, match="takes hours without IVF lists") as caught:
        lunacy.build_map(tmp_path)
    assert "ivf --index" in caught.value.hint


def test_reading_a_map_imports_no_library_for_layouts(tmp_path: Path) -> None:
    fill(tmp_path, papers_of_fields(60))
    lunacy.build_map(tmp_path)
    fill(tmp_path, papers_of_fields(2, seed=1), 60)
    code = (
        "import sys; from lunacy.pipeline import refresh_caches; refresh_caches(sys.argv[1]);"
        "sys.exit('openTSNE' in sys.modules or 'sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    assert map_of(tmp_path).facts.n_placed == 2
