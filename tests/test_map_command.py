"""`lunacy map`: where papers and texts stand, pictures, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lunacy
from lunacy.answer import Hit
from lunacy.derived.map import open_map
from lunacy.draw.picture import SUFFIXES, write_picture
from lunacy.errors import UnknownPaper
from lunacy.query.standing import standings
from lunacy.region import Region
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run
from tests.test_layout import where_most_are
from tests.test_modes import viewed

N = 90
RECORDS = [record(f"1802.{n:05}", title=f"On graphs {n % 9} and {n}") for n in range(1, N + 1)]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with a map."""
    folder = tmp_path_factory.mktemp("map") / "index"
    snapshot = folder.parent / "snapshot.jsonl"
    snapshot.write_bytes(lines(RECORDS))
    lunacy.build_index(snapshot, into=folder, embedder=FakeEmbedder())
    lunacy.build_map(folder)
    return folder


def places_by_id(folder: Path) -> dict[str, np.ndarray]:
    with viewed(folder) as view:
        found = open_map(view)
        assert found is not None
        ids = dict(view.stream("id"))
        xy = np.column_stack([found.points.x, found.points.y]).astype(float)
        return {ids[row]: place for row, place in zip(found.points.rows.tolist(), xy, strict=True)}


def test_a_paper_stands_where_the_map_has_it_among_the_nearest_there(mapped: Path) -> None:
    places = places_by_id(mapped)
    with lunacy.open_index(mapped, embedder=FakeEmbedder()) as ix:
        [one, lacking] = standings(ix, ["1802.00007", "1802.99999"], top=5)
    assert isinstance(lacking, UnknownPaper)
    assert not isinstance(one, lunacy.LunacyError)
    assert (one.asked, one.paper and one.paper.title, one.notes) == ("1802.00007", "On graphs 7 and 7", ())
    np.testing.assert_allclose([one.x, one.y], places["1802.00007"])
    distances = {other: np.hypot(*(place - places["1802.00007"])) for other, place in places.items()}
    del distances["1802.00007"]
    assert [paper.id for paper in one.around] == sorted(distances, key=lambda other: distances[other])[:5]


def test_a_text_stands_where_most_of_the_papers_are_that_it_resembles(mapped: Path) -> None:
    places = places_by_id(mapped)
    with lunacy.open_index(mapped, embedder=FakeEmbedder()) as ix:
        [one] = standings(ix, [], "graphs and proofs")
        hits: list[Hit] = list(ix.similar_to_text("graphs and proofs", top=10))
    assert not isinstance(one, lunacy.LunacyError)
    near = [places[hit.id] for hit in hits]
    np.testing.assert_allclose([one.x, one.y], where_most_are(near, len(places)), atol=1e-6)
    assert len(one.notes) == 1


def test_a_withdrawn_paper_stands_among_those_that_it_resembles(tmp_path: Path) -> None:
    records = [*RECORDS[:20], record("1802.00099", abstract="This paper has been withdrawn.", comments="withdrawn")]
    (tmp_path / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    assert lunacy.build_map(tmp_path / "index").facts.n_papers == 20
    with lunacy.open_index(tmp_path / "index", embedder=FakeEmbedder()) as ix:
        [one] = standings(ix, ["1802.00099"])
    assert not isinstance(one, lunacy.LunacyError)
    assert one.paper is not None
    assert any("is not on the map" in note for note in one.notes)


def test_an_index_of_withdrawn_papers_alone_has_a_map_without_any(tmp_path: Path) -> None:
    records = [record("1802.00099", abstract="This paper has been withdrawn.", comments="withdrawn")]
    (tmp_path / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    assert run("map", "--index", str(tmp_path / "index"), "-o", str(tmp_path / "map.html")).exit_code == 0
    assert run("map", "--index", str(tmp_path / "index"), "-o", str(tmp_path / "map.svg")).exit_code == 0
    told = run("map", "1802.00099", "--index", str(tmp_path / "index"))
    assert (told.exit_code, "the map of the index has no paper" in told.stderr) == (2, True)


def test_the_command_tells_where_each_stands(mapped: Path) -> None:
    told = run("map", "1802.00007", "1802.99999", "--index", str(mapped), "-n", "3")
    assert told.exit_code == 1
    first, second, *around = told.stdout.splitlines()
    assert first == "1802.00007  On graphs 7 and 7"
    assert second.startswith("at 0.")
    assert len(around) == 3
    assert all(line.startswith("  1802.0") for line in around)
    assert "1802.99999" in told.stderr
    [found] = json.loads(run("map", "1802.00007", "--index", str(mapped), "--format", "json").stdout)
    assert found["asked"] == "1802.00007"
    assert len(found["around"]) == 10


def test_it_makes_the_map_once(mapped: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(mapped, folder)
    for cache in (folder / "cache").glob("map-*"):
        cache.unlink()
    assert f"the map of {N} papers, " in run("map", "--index", str(folder)).stdout
    again = run("map", "--index", str(folder)).stdout
    assert "up to date already\nlook at it with: " in again
    assert "made in" in run("map", "--anew", "--index", str(folder)).stdout
    assert "0 came after it was laid out" in run("info", "--index", str(folder)).stdout.replace("of which ", "")


@pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_picture_is_the_same_for_the_same_map(mapped: Path, tmp_path: Path, suffix: str, head: bytes) -> None:
    written = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}{suffix}"
        assert run("map", "--index", str(mapped), "-o", str(path)).exit_code == 0
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(head)


def test_labels_of_a_picture_never_overlap_and_are_no_formulas(tmp_path: Path) -> None:
    places = [
        (0, 0.5, 0.5, "one with $x and an end"),
        (1, 0.51, 0.5, "overlaps"),
        (1, 0.1, 0.9, "far"),
        (9, 0.9, 0.1, "deep"),
    ]
    regions = [Region(level, x, y, 9 - level, name, ()) for level, x, y, name in places]
    pixels = np.zeros((8, 8, 4), np.uint8)
    write_picture(tmp_path / "map.svg", ".svg", pixels, regions, [("Mathematics", "#45ad9e")])
    text = (tmp_path / "map.svg").read_text()
    assert text.count('<g id="text_') == 2 + len(["Mathematics"])


def test_no_label_is_cut_at_the_edge_of_a_picture(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    n_dark = []
    for x in (0.0, 0.5, 1.0):
        write_picture(tmp_path / "map.png", ".png", pixels, [Region(0, x, 0.3, 9, "A name of some length", ())], [])
        with Image.open(tmp_path / "map.png") as picture:
            is_dark = np.asarray(picture.convert("L")) < 128
        assert not is_dark[:, [0, -1]].any()
        n_dark.append(int(is_dark.sum()))
    assert max(n_dark) < 1.02 * min(n_dark)  # the same letters


def test_what_was_asked_has_a_ring_in_the_picture(mapped: Path, tmp_path: Path) -> None:
    rings = []
    for name, asked in (("none", []), ("two", ["1802.00007", "1802.00009"])):
        told = run("map", *asked, "--index", str(mapped), "-o", str(tmp_path / f"{name}.svg"))
        assert told.exit_code == 0
        rings.append((tmp_path / f"{name}.svg").read_text().count('<g id="line2d_'))
    assert rings[1] == rings[0] + 2


def test_of_a_large_page_it_says_what_is_better(mapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["map", "--index", str(mapped), "-o", str(tmp_path / "map.html")]
    assert "better: " not in run(*asked).stderr
    monkeypatch.setattr("lunacy.cli.map._LARGE_PAGE", 100)
    told = run(*asked)
    assert (told.exit_code, "much for a browser; better: lunacy serve --open" in told.stderr) == (0, True)


def test_a_file_of_no_known_kind_is_refused_before_any_work(tmp_path: Path) -> None:
    told = run("map", "--index", str(tmp_path / "none"), "-o", "map.gif")
    assert told.exit_code == 2
    assert "the name of the file ends in .html, .png, .svg, .pdf, not '.gif'" in told.stderr
    assert "let FILE end in .html" in run("map", "-o", "map.png", "--open").stderr
    assert set(SUFFIXES) == {".png", ".svg", ".pdf"}
