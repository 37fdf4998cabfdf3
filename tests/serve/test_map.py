"""The map: its page and what its script asks, without a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import lunacy
from lunacy import library
from lunacy.query.service import Service
from lunacy.serve.app import create_app
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.conftest import IDS
from tests.test_draw import read_png
from tests.test_layout import where_most_are
from tests.test_map_view import add_some_map

QUESTION = "id=1802.00003&top=5"


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lists") / "lists.jsonl"
    library.add("thesis", ["1802.00007", "1802.00009", "1802.09999"], path=path)
    return path


@pytest.fixture(scope="module")
def mapped(small_index: Path, lists: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server whose index has a map: 41 papers in a row."""
    folder = tmp_path_factory.mktemp("mapped") / "papers"
    shutil.copytree(small_index, folder)
    add_some_map(folder)
    with Service([folder], embedder=FakeEmbedder()) as service:
        app = create_app(service, lists=lists)
        with TestClient(app, base_url="http://localhost:8765", follow_redirects=False) as one:
            yield one


def edition_of(client: TestClient) -> str:
    return str(client.get("/map/facts").json()["edition"])


def test_the_page_lists_the_regions_for_those_without_a_script(mapped: TestClient) -> None:
    found = mapped.get("/map")
    assert found.status_code == 200
    assert 'left &lt;b&gt;half&lt;/b&gt;</a> <span class="number">20 papers</span>' in found.text
    assert 'far left</a> <span class="number">5</span>' in found.text
    assert 'href="/similar?text=right%20half"' in found.text
    assert "Map of 41 papers" in found.text
    assert 'data-marks="" data-at=""' in found.text


def test_what_is_asked_beside_is_marked(mapped: TestClient) -> None:
    assert f'data-marks="/map/marks?{QUESTION.replace("&", "&amp;")}"' in mapped.get(f"/map?{QUESTION}").text
    assert 'data-marks="" data-at="1802.00003"' in mapped.get("/map?at=1802.00003").text


def test_pages_lead_to_the_map_where_there_is_one(mapped: TestClient, client: TestClient) -> None:
    assert '<a href="/map?id=1802.00003&amp;top=5">On the map</a>' in mapped.get(f"/similar?{QUESTION}").text
    assert '<a href="/map?name=thesis">On the map</a>' in mapped.get("/list?name=thesis").text
    assert '<a href="/map">Map</a>' in mapped.get("/").text
    for path in ("/", f"/similar?{QUESTION}"):
        assert "/map" not in client.get(path).text


def test_an_index_without_a_map_says_so_with_the_command(client: TestClient) -> None:
    page = client.get("/map")
    assert page.status_code == 404
    assert "There is no map yet" in page.text
    assert "lunacy map --index DIR" in page.text
    for path in ("/map/facts", "/map/near?x=0&y=0&radius=1", "/map/tile/x/0/0/0.png", "/map/card?id=1802.00001"):
        found = client.get(path)
        assert (found.status_code, found.json()["error"]["type"]) == (404, "NoMap"), path


def test_facts_tell_what_the_script_needs(mapped: TestClient) -> None:
    found = mapped.get("/map/facts")
    record = found.json()
    assert record["papers"] == len(IDS) == sum(group["papers"] for group in record["groups"])
    assert record["regions"][0] == [0, 0.3, 0.5, 20, "left <b>half</b>", ""]
    assert record["months"] == [12 * 1997 + 10, 12 * 2018 + 1]
    again = mapped.get("/map/facts", headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_tile_is_a_picture_that_stays(mapped: TestClient) -> None:
    path = f"/map/tile/{edition_of(mapped)}/0/0/0.png"
    found = mapped.get(path)
    assert (found.status_code, found.headers["Content-Type"]) == (200, "image/png")
    assert found.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    pixels, _palette = read_png(found.content)
    assert pixels.shape == (512, 512)
    assert pixels[256, 51:462].any()
    assert not pixels[300:].any()
    again = mapped.get(path, headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    looks = ["", "?colour=year", "?on=dark", "?colour=year&on=dark", "?from=2018-02", "?to=2017-12"]
    answers = [mapped.get(path + look) for look in looks]
    assert len({one.headers["ETag"] for one in answers}) == len({one.content for one in answers}) == len(looks)
    assert mapped.get(path).content == found.content


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("tile/EDITION/0/0/1.png", 404, "the map has no tile 0/0/1"),
        ("tile/EDITION/9/0/0.png", 404, "the map has no tile 9/0/0"),
        ("tile/another/0/0/0.png", 404, "the map has changed since"),
        ("tile/EDITION/0/0/0.png?colour=red", 400, "colour 'red' is unknown; choose one of archive, year"),
        ("tile/EDITION/0/0/0.png?from=2018-13", 400, "from is '2018-13'; give a month, such as 2017-06"),
        ("tile/EDITION/0/0/0.png?to=2018-01&to=2018-02", 400, "to is given 2 times; give it once"),
        ("near?x=0&y=nan&radius=0.1", 400, "y is 'nan'; give a number, such as 0.25, where the map is 1 wide"),
        ("near?x=0&radius=0.1", 400, "y is ''; give a number, such as 0.25, where the map is 1 wide"),
        ("papers?left=1&top=0&right=0&bottom=1", 400, "the box ends before it begins; give left up to right, and top"),
        ("card?id=1802.09999", 404, "1802.09999 is not in the index"),
        ("find?q=", 400, "q has 0 characters; give from 1 to 500"),
        ("marks?id=1802.00003&topp=3", 400, "there is no parameter 'topp'"),
        ("facts?index=other", 400, "there is no index 'other'"),
    ],
)
def test_what_cannot_be_asked_is_told_as_a_problem(mapped: TestClient, path: str, status: int, message: str) -> None:
    found = mapped.get(f"/map/{path.replace('EDITION', edition_of(mapped))}")
    assert (found.status_code, found.json()["error"]["status"]) == (status, status)
    assert found.json()["error"]["message"].startswith(message)


def test_papers_are_told_by_place(mapped: TestClient) -> None:
    near = mapped.get("/map/near?x=0.101&y=0.501&radius=0.01").json()["paper"]
    assert (near["id"], near["title"], round(near["x"], 3)) == ("1802.00001", "On 1802.00001", 0.1)
    assert mapped.get("/map/near?x=0.1&y=0.8&radius=0.01").json() == {"paper": None}
    assert mapped.get("/map/near?x=0.1&y=0.5&radius=0.01&to=2017-01").json() == {"paper": None}
    found = mapped.get("/map/papers?left=0&top=0&right=0.13&bottom=1").json()
    assert (found["n"], [one["id"] for one in found["papers"]]) == (2, ["1802.00001", "1802.00002"])


def test_a_card_has_the_paper_and_those_most_similar(mapped: TestClient) -> None:
    card = mapped.get("/map/card?id=arXiv:1802.00003v2").json()
    assert (card["id"], card["title"], card["posted"]) == ("1802.00003", "On 1802.00003", "2018-02-01")
    assert (card["url"], card["similar"]) == ("https://arxiv.org/abs/1802.00003", "/similar?id=1802.00003")
    assert card["marks"] == "/map?id=1802.00003"
    hits = mapped.get("/api/similar?id=1802.00003&top=8&rank=hybrid").json()["hits"]
    assert [one["id"] for one in card["near"]] == [hit["id"] for hit in hits]
    assert all(0 <= one["x"] <= 1 for one in card["near"])


@pytest.mark.parametrize("typed", ["1802.00005", "https://arxiv.org/abs/1802.00005", "on 1802.00005"])
def test_a_paper_is_found_by_id_link_or_title(mapped: TestClient, typed: str) -> None:
    assert [one["id"] for one in mapped.get("/map/find", params={"q": typed}).json()["papers"]] == ["1802.00005"]


def test_papers_are_found_by_words(mapped: TestClient) -> None:
    found = mapped.get("/map/find", params={"q": "study"}).json()["papers"]
    assert len(found) == 8
    assert {one["id"] for one in found} <= set(IDS)


def test_hits_and_lists_are_marked(mapped: TestClient) -> None:
    found = mapped.get(f"/map/marks?{QUESTION}").json()
    hits = mapped.get(f"/api/similar?{QUESTION}&rank=hybrid").json()["hits"]
    assert [one["id"] for one in found["asked"]] == ["1802.00003"]
    assert [one["id"] for one in found["hits"]] == [hit["id"] for hit in hits]
    listed = mapped.get("/map/marks?name=thesis").json()
    assert ([one["id"] for one in listed["asked"]], listed["hits"]) == (["1802.00007", "1802.00009"], [])
    asked_by_text = mapped.get("/map/marks?text=a+study&top=4").json()
    near = [hit["id"] for hit in mapped.get("/api/similar?text=a+study&top=10&rank=dense").json()["hits"]]
    everywhere = mapped.get("/map/papers?left=0&top=0&right=1&bottom=1").json()["papers"]
    place_of = {one["id"]: np.array([one["x"], one["y"]]) for one in everywhere}
    x, _y = where_most_are([place_of[identifier] for identifier in near], len(everywhere))
    assert (asked_by_text["asked"], asked_by_text["stands"]["text"]) == ([], "a study")
    assert asked_by_text["stands"]["x"] == pytest.approx(x, abs=1e-6)
    assert found["stands"] is listed["stands"] is None
    beside = mapped.get("/map/marks?id=list:thesis&top=3").json()
    assert [one["id"] for one in beside["asked"]] == ["1802.00007", "1802.00009"]
    assert len(beside["hits"]) == 3


def test_a_new_map_has_another_edition_and_old_tiles_are_refused(small_index: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        shutil.copytree(small_index, folder)
    add_some_map(folders[1])
    with (
        Service(folders, embedder=FakeEmbedder()) as service,
        TestClient(create_app(service), base_url="http://localhost:8765") as client,
    ):
        assert client.get("/map").status_code == client.get("/map/facts?index=one").status_code == 404
        first = client.get("/map/facts?index=other").json()["edition"]
        assert client.get(f"/map/tile/{first}/0/0/0.png?index=other").status_code == 200
        lunacy.build_index(
            lines_file(tmp_path, [record("1803.00001", title="On 1803.00001")]),
            into=folders[1],
            embedder=FakeEmbedder(),
        )
        assert client.get("/map/facts?index=other").json()["papers"] == len(IDS) + 1
        old = client.get(f"/map/tile/{first}/0/0/0.png?index=other")
        assert (old.status_code, old.json()["error"]["type"]) == (404, "OtherMap")
        assert '<a href="/map?index=other">Map</a>' in client.get("/?index=other").text


def lines_file(folder: Path, records: list[dict[str, object]]) -> Path:
    path = folder / "snapshot.jsonl"
    path.write_bytes(lines(records))
    return path
