"""The map as one looks at it: tiles, boxes and nearest papers, against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lunacy
from lunacy.derived.map import Map, Points, add_map, codes_of, id_keys
from lunacy.draw.palette import GROUPS
from lunacy.measured import MapFacts
from lunacy.query.map_papers import in_box, nearest, placed
from lunacy.query.map_view import Box, MapReader, MapView, Months
from lunacy.region import Region
from lunacy.store import Store, caches
from tests.conftest import FakeEmbedder, lines, record
from tests.test_draw import read_png

N = 3_000
CATEGORIES = ("cs.LG", "hep-th", "math.AG", "")


def some_map(n: int = N, seed: int = 0) -> Map:
    drawn = np.random.default_rng(seed)
    x, y = drawn.random((2, n), np.float32)
    codes, rows = codes_of(x, y), drawn.permutation(n).astype(np.uint32)
    order = np.lexsort((rows, codes))
    months = np.where(drawn.random(n) < 0.05, 0, 12 * 2000 + drawn.integers(0, 240, n))
    category = drawn.integers(0, len(CATEGORIES), n)
    points = Points(
        np.arange(n, dtype=np.uint64),
        codes[order],
        rows[order],
        x[order],
        y[order],
        category[order].astype(np.uint16),
        months[order].astype(np.uint16),
    )
    return Map(MapFacts(n, 0, 0), points, CATEGORIES, (Region(0, 0.5, 0.5, n, "all", ()),))


@pytest.fixture(scope="module")
def view() -> MapView:
    return MapView(some_map())


def test_a_box_has_the_papers_of_brute_force(view: MapView) -> None:
    x, y, month = view.map.points.x, view.map.points.y, view.map.points.month
    for box in (
        Box(0, 0, 1, 1),
        Box(0.31, 0.2, 0.33, 0.6),
        Box(-2, 0.5, 0.1, 3),
        Box(0.9, 0.9, 0.9, 0.9),
        Box(2, 2, 3, 3),
    ):
        for months in (None, Months(12 * 2005, 12 * 2010)):
            inside = (x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom)
            if months:
                inside &= (month >= months.first) & (month <= months.last)
            assert view.in_box(box, months).tolist() == np.flatnonzero(inside).tolist()


def test_the_nearest_paper_is_that_of_brute_force(view: MapView) -> None:
    x, y = view.map.points.x.astype(float), view.map.points.y.astype(float)
    for at in np.random.default_rng(1).random((50, 2)).tolist():
        far = np.hypot(x - at[0], y - at[1])
        assert view.nearest(*at, 0.1) == far.argmin()
        assert view.nearest(*at, far.min() * 0.99) is None


def test_months_choose_the_papers_of_a_tile(view: MapView) -> None:
    points, months = view.map.points, Months(12 * 2005, 12 * 2006)
    pixels, _palette = read_png(view.tile(0, 0, 0, colour="archive", ground="light", months=months))
    wanted = (points.month >= months.first) & (points.month <= months.last)
    expected = {(int(y * 512), int(x * 512)) for x, y in zip(points.x[wanted], points.y[wanted], strict=True)}
    seen = {(y, x) for y, x in zip(*map(np.ndarray.tolist, np.nonzero(pixels)), strict=True)}
    assert {(min(max(y, 2), 509), min(max(x, 2), 509)) for y, x in expected} <= seen
    assert len(seen) < 9 * len(expected) + 1
    unknown, _palette = read_png(view.tile(0, 0, 0, colour="year", ground="light", months=Months(0, 0)))
    assert (unknown > 0).any() == bool((points.month == 0).any())


def test_papers_are_found_by_their_rows(view: MapView) -> None:
    rows = view.map.points.rows
    assert view.places([int(rows[7]), N + 5, int(rows[0])]).tolist() == [7, -1, 0]


def test_the_edition_changes_with_what_is_seen(view: MapView) -> None:
    assert MapView(some_map()).edition == view.edition != MapView(some_map(seed=1)).edition


def test_a_map_without_papers_is_drawn_and_asked() -> None:
    empty = MapView(some_map(0))
    assert len(empty) == 0
    assert not read_png(empty.tile(1, 0, 0, colour="year", ground="dark"))[0].any()
    assert empty.nearest(0.5, 0.5, 0.1) is None
    assert empty.places([3]).tolist() == [-1]


def add_some_map(folder: Path) -> None:
    """A map of an index, with its papers in a row from left to right, and two levels of regions."""
    with Store(folder) as store, store.view() as view:
        rows = view.live_rows()
        papers = view.papers(rows)
        n = len(rows)
        x, y = np.linspace(0.1, 0.9, n, dtype=np.float32), np.full(n, 0.5, np.float32)
        categories = sorted({paper.categories[0] if paper.categories else "" for paper in papers})
        category = [categories.index(paper.categories[0] if paper.categories else "") for paper in papers]
        months = [12 * int(paper.posted[:4]) + int(paper.posted[5:7]) - 1 for paper in papers]
        points = Points(
            id_keys([paper.id for paper in papers]),
            codes_of(x, y),
            rows.astype(np.uint32),
            x,
            y,
            np.array(category, np.uint16),
            np.array(months, np.uint16),
        )
        regions = [Region(0, 0.3, 0.5, n // 2, "left <b>half</b>", ()), Region(1, 0.2, 0.5, 5, "far left", ("begin",))]
        regions.append(Region(0, 0.7, 0.5, n - n // 2, "right half", ()))
        made = add_map(view, MapFacts(n, 0, 0), points, categories, regions)
        caches.commit(folder, "map", [made])


def test_papers_of_an_index_are_read_with_their_places(tmp_path: Path) -> None:
    ids = [f"1802.{n:05}" for n in range(1, 11)]
    (tmp_path / "snapshot.jsonl").write_bytes(lines([record(one, title=f"On {one}") for one in ids]))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    reader = MapReader()
    with lunacy.open_index(tmp_path / "index") as ix:
        with ix.view() as opened:
            assert reader.read(opened) is None
        assert not ix.last_commit.has_map
        add_some_map(tmp_path / "index")
        assert ix.last_commit.has_map
        with ix.view() as opened:
            found = reader.read(opened)
            assert found is not None
            assert reader.read(opened) is found
            boxed = in_box(opened, found, Box(0, 0, 0.3, 1), most=5)
            assert (boxed.n, [one.paper.id for one in boxed.papers]) == (3, ids[:3])
            assert in_box(opened, found, Box(0, 0, 1, 1), most=5).papers == ()
            one = nearest(opened, found, 0.91, 0.5, 0.05)
            assert one is not None
            assert (one.paper.id, round(one.x, 3), one.month) == (ids[-1], 0.9, 12 * 2018 + 1)
            assert GROUPS[one.group].name == "Computer science, statistics"
            back = placed(opened, found, opened.papers(np.array([4, 2], np.int64)))
            assert [one.paper.title for one in back] == [f"On {ids[4]}", f"On {ids[2]}"]
