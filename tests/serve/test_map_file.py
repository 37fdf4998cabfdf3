"""The map as one file: the same pictures as the server's, without a server."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import lunacy
from lunacy.draw.palette import COLOURS
from lunacy.errors import UsageError
from lunacy.query.map_view import MapReader, MapView
from lunacy.query.standing import standings
from lunacy.serve.map.alone import script, write_map_file
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.browser import watched
from tests.test_draw import read_png
from tests.test_map_view import add_some_map

IDS = [f"1802.{n:05}" for n in range(1, 41)] + ["hep-th/9711200"]
_DRAWN = """async ([zoom, x, y, colour]) => {
  const look = { colour, ground: "light", from: null, to: null };
  const bitmap = await window.lunacyMap.provider.tile(zoom, x, y, look);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return btoa(text);
}"""
TITLES = {one: f"On {one}" for one in IDS} | {"1802.00007": "</script><b>Knots</b> & $x^2$", "1802.00009": "Braids"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("file")
    records = [
        record(one, title=title, authors="A. Adams, B. Brown, C. Clark, D. Dean, E. Evans")
        for one, title in TITLES.items()
    ]
    (base / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "papers", embedder=FakeEmbedder())
    add_some_map(base / "papers")
    return base / "papers"


@pytest.fixture(scope="module")
def written(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "map.html"
    with lunacy.open_index(index) as ix:
        report = write_map_file(ix, path)
    assert (report.path, report.n_papers, report.size_bytes) == (path, len(IDS), path.stat().st_size)
    return path


@pytest.fixture
def page(browser: Browser, written: Path) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1000, "height": 800}, reduced_motion="reduce", color_scheme="light"
    )
    context.set_default_timeout(20_000)
    opened = context.new_page()
    seen = watched(opened, written.as_uri())
    yield opened
    assert seen == []
    context.close()


def test_it_is_whole_and_the_same_each_time(index: Path, written: Path, tmp_path: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert "left &lt;b&gt;half&lt;/b&gt;</a> 20 papers" in text
    assert text.count("</script>") == text.count("<script") == 4
    with lunacy.open_index(index) as ix:
        assert write_map_file(ix, tmp_path / "again.html").path.read_text(encoding="utf-8") == text


def test_an_index_without_a_map_is_refused_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "snapshot.jsonl").write_bytes(lines([record("1802.00001")]))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    with lunacy.open_index(tmp_path / "index") as ix, pytest.raises(UsageError, match="no map") as raised:
        write_map_file(ix, tmp_path / "map.html")
    assert raised.value.hint is not None
    assert "lunacy map --index" in raised.value.hint
    assert not (tmp_path / "map.html").exists()


def test_its_script_is_one_without_imports() -> None:
    assert not re.search(r"^(import|export)\b", script(), re.M)


@pytest.mark.browser
def test_its_tiles_are_those_of_the_server(page: Page, written: Path, index: Path) -> None:
    page.goto(written.as_uri())
    expect(page.locator("#canvas[data-whole]")).to_be_visible()
    with lunacy.open_index(index) as ix, ix.view() as view:
        found = MapReader().read(view)
    assert isinstance(found, MapView)
    for colour in COLOURS:
        for zoom, x, y in ((0, 0, 0), (2, 1, 2), (3, 4, 4), (7, 12, 64)):
            pixels, palette = read_png(found.tile(zoom, x, y, colour=colour, ground="light"))
            image = np.frombuffer(b64decode(page.evaluate(_DRAWN, [zoom, x, y, colour])), np.uint8).reshape(512, 512, 4)
            np.testing.assert_array_equal(image[..., 3], palette[pixels, 3])
            full = image[..., 3] == 255  # else a canvas rounds the colours
            np.testing.assert_array_equal(image[full], palette[pixels][full])
            assert (pixels > 0).any() or zoom > 5


@pytest.mark.browser
def test_one_finds_papers_by_words_and_ids(page: Page, written: Path) -> None:
    page.goto(written.as_uri())
    expect(page.locator("#canvas[data-whole]")).to_be_visible()
    page.locator("#find").fill("knots x")
    page.locator("#found button").first.click()
    card = page.locator("#card")
    expect(card.locator("h2")).to_have_text("</script><b>Knots</b> & x²")
    expect(card).to_contain_text("A. Adams, B. Brown, C. Clark, and 2 more")
    expect(card).to_contain_text("February 2018")
    expect(card.get_by_role("link", name="arXiv:1802.00007")).to_have_attribute(
        "href", "https://arxiv.org/abs/1802.00007"
    )
    nearest = [one.inner_text() for one in card.locator("ol button").all()]
    assert sorted(nearest[:2]) == ["On 1802.00006", "On 1802.00008"]
    page.locator("#find").fill("arXiv:1802.00009v2")
    page.keyboard.press("Enter")
    expect(card.locator("h2")).to_have_text("Braids")
    page.go_back()
    expect(card.locator("h2")).to_have_text("</script><b>Knots</b> & x²")


@pytest.mark.browser
def test_a_link_into_it_restores_what_is_seen(page: Page, written: Path) -> None:
    page.goto(f"{written.as_uri()}#x=0.40000&y=0.50000&z=6.00&paper=hep-th/9711200&colour=year")
    expect(page.locator("#card h2")).to_have_text("On hep-th/9711200")
    expect(page.get_by_role("radio", name="Year")).to_be_checked()
    assert page.evaluate("window.lunacyMap.camera.zoom") == 6


@pytest.mark.browser
def test_what_was_asked_is_marked_in_the_file(index: Path, browser: Browser, tmp_path: Path) -> None:
    with lunacy.open_index(index, embedder=FakeEmbedder()) as ix:
        asked = [one for one in standings(ix, ["1802.00009"], "knots") if not isinstance(one, lunacy.LunacyError)]
        write_map_file(ix, tmp_path / "map.html", standings=asked)
    page = browser.new_page()
    page.goto((tmp_path / "map.html").as_uri())
    expect(page.locator("#marked summary")).to_have_text("1 paper marked", timeout=20_000)
    page.locator("#marked summary").click()
    page.locator("#marked details button").click()
    expect(page.locator("#card h2")).to_have_text("Braids", timeout=20_000)
    expect(page.get_by_role("button", name="Where the text stands")).to_be_visible()
    page.context.close()
