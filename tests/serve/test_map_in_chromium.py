"""The map in a browser: one moves, finds papers and comes back; nothing is asked elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

import lunacy
from lunacy.query.service import Service
from tests.conftest import FakeEmbedder, lines
from tests.serve.browser import serving, watched
from tests.serve.hostile_papers import PAYLOADS, id_of, papers
from tests.test_map_view import add_some_map

pytestmark = pytest.mark.browser

TWEETS = "1802.05130"
TITLE = "Multi-Task Learning for Extraction of Adverse Drug Reaction Mentions from Tweets"


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, with its words and a map: its papers in a row, from left to right."""
    folder = tmp_path_factory.mktemp("chromium") / "sample"
    lunacy.build_index(into=folder)
    lunacy.build_lexical(folder)
    add_some_map(folder)
    return folder


@pytest.fixture(scope="module")
def address(mapped: Path) -> Iterator[str]:
    with Service([mapped]) as service, serving(service) as one:
        yield one


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A tab, in which nothing may go wrong, and where nothing moves slowly."""
    context = browser.new_context(
        base_url=address, viewport={"width": 1280, "height": 900}, reduced_motion="reduce", color_scheme="light"
    )
    context.set_default_timeout(20_000)
    opened = context.new_page()
    seen = watched(opened, address)
    yield opened
    assert seen == []
    context.close()


def open_map(page: Page, where: str = "") -> None:
    page.goto(f"/map{where}")
    expect(page.locator("#canvas[data-whole]")).to_be_visible()


def place(page: Page) -> tuple[float, float, float]:
    """The middle and the zoom, as the address has them once nothing moves."""
    expect(page).to_have_url(re.compile("z="))
    page.wait_for_timeout(400)
    return page.evaluate("(() => { const { x, y, zoom } = window.lunacyMap.camera; return [x, y, zoom]; })()")  # type: ignore[no-any-return]


def test_one_moves_by_mouse_wheel_and_keys(page: Page) -> None:
    open_map(page)
    x, y, zoom = place(page)
    assert (x, y) == (0.5, 0.5)
    page.mouse.move(800, 500)
    page.mouse.down()
    page.mouse.move(700, 480, steps=4)
    page.mouse.up()
    moved = place(page)
    assert moved[0] == pytest.approx(x + 100 / (512 * 2**zoom))
    assert moved[1] == pytest.approx(y + 20 / (512 * 2**zoom))
    page.mouse.wheel(0, -200)
    assert place(page)[2] > zoom
    page.locator("#canvas").focus()
    for key, axis, sign in (("ArrowLeft", 0, -1), ("ArrowDown", 1, 1), ("+", 2, 1), ("-", 2, -1)):
        before = place(page)
        page.keyboard.press(key)
        assert (place(page)[axis] - before[axis]) * sign > 0, key
    page.keyboard.press("0")
    assert place(page) == pytest.approx([0.5, 0.5, zoom], abs=1e-6)
    page.get_by_role("button", name="Nearer").click()
    assert place(page)[2] > zoom


def test_the_search_flies_to_a_paper_and_opens_its_card(page: Page) -> None:
    open_map(page)
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.insert_text("Multi-Task Learning for Extraction of Adverse Drug")
    page.locator("#found button", has_text=TITLE).click()
    card = page.locator("#card")
    expect(card.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(card).to_contain_text("Shashank Gupta")
    expect(card.get_by_role("link", name="Similar papers")).to_have_attribute("href", f"/similar?id={TWEETS}")
    expect(card.get_by_role("link", name="arXiv:")).to_have_attribute("href", f"https://arxiv.org/abs/{TWEETS}")
    expect(page).to_have_url(re.compile(f"paper={TWEETS}"))
    assert place(page)[2] > 3
    other = card.locator("ol button").first
    title = other.inner_text()
    other.click()
    expect(card.locator("h2")).to_have_text(title)
    page.go_back()
    expect(card.locator("h2")).to_have_text(TITLE)
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    page.go_back()
    expect(card.locator("h2")).to_have_text(TITLE)


def test_an_id_is_gone_to_by_enter(page: Page) -> None:
    open_map(page)
    page.locator("#find").fill(f"https://arxiv.org/abs/{TWEETS}")
    page.keyboard.press("Enter")
    expect(page.locator("#card h2")).to_have_text(TITLE)


def test_a_click_on_a_dot_opens_the_card_of_the_paper_under_it(page: Page) -> None:
    open_map(page, f"?at={TWEETS}")
    expect(page.locator("#card h2")).to_have_text(TITLE)
    page.keyboard.press("Escape")
    canvas = page.locator("#canvas").bounding_box()
    assert canvas is not None
    middle = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.move(*middle)
    expect(page.locator("#tip")).to_have_text(TITLE)
    page.mouse.click(*middle)
    expect(page.locator("#card h2")).to_have_text(TITLE)


def test_a_link_restores_what_is_seen(page: Page) -> None:
    look = f"#x=0.40000&y=0.51000&z=5.00&paper={TWEETS}&colour=year&from=2017-06&to=2018-02"
    open_map(page, look)
    expect(page.locator("#card h2")).to_have_text(TITLE)
    assert place(page) == pytest.approx([0.4, 0.51, 5])
    expect(page.get_by_role("radio", name="Year")).to_be_checked()
    expect(page.locator(".months output")).to_have_text("2017-06 to 2018-02")
    assert page.url.endswith(look)


def test_colours_and_months_are_chosen(page: Page) -> None:
    open_map(page)
    expect(page.locator("#legend li").first).to_contain_text("Computer science, statistics")
    with page.expect_response(lambda response: "colour=year" in response.url and response.ok):
        page.get_by_role("radio", name="Year").check()
    expect(page).to_have_url(re.compile("colour=year"))
    first = page.get_by_role("slider", name="Posted since")
    with page.expect_response(lambda response: "from=" in response.url and response.ok):
        first.focus()
        page.keyboard.press("PageUp")
    expect(page).to_have_url(re.compile("from="))


def test_hits_are_marked(page: Page) -> None:
    page.goto(f"/similar?id={TWEETS}")
    page.get_by_role("link", name="On the map").click()
    expect(page.locator("#marked summary")).to_have_text("101 papers marked")
    page.locator("#marked summary").click()
    page.locator("#marked button", has_text=TITLE).click()
    expect(page.locator("#card h2")).to_have_text(TITLE)


def test_marks_are_asked_for_again_while_the_server_says_when(browser: Browser, address: str) -> None:
    """As it does while it loads the model."""
    context = browser.new_context(base_url=address)
    page = context.new_page()
    asked = []

    def busy_at_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")
        else:
            route.continue_()

    page.route("**/map/marks?**", busy_at_first)
    page.goto(f"/map?id={TWEETS}&top=5")
    expect(page.locator("#marked summary")).to_contain_text("6 papers marked", timeout=20_000)
    assert len(asked) == 2
    context.close()


def test_two_fingers_zoom(browser: Browser, address: str) -> None:
    context = browser.new_context(
        base_url=address, viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    seen = watched(page, address)
    open_map(page)
    before = place(page)
    session = context.new_cdp_session(page)
    for kind, half in (("touchStart", 30), ("touchMove", 40), ("touchMove", 60), ("touchEnd", 0)):
        points = [{"x": 200 - half, "y": 400}, {"x": 200 + half, "y": 400}] if half else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert place(page)[2] == pytest.approx(before[2] + 1, abs=0.05)
    assert seen == []
    context.close()


def test_without_a_script_there_is_a_list_of_regions(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address, java_script_enabled=False)
    page.goto("/map")
    expect(page.locator("#map")).to_be_hidden()
    link = page.get_by_role("link", name="right half")
    expect(link).to_have_attribute("href", "/similar?text=right%20half")
    expect(page.locator("#regions")).to_contain_text("1,000 papers")
    page.close()


def test_a_region_of_the_list_is_flown_to(page: Page) -> None:
    open_map(page)
    page.locator("#regions").get_by_role("link", name="far left").click()
    assert place(page)[0] == pytest.approx(0.2, abs=1e-4)
    expect(page.locator("#canvas")).to_be_focused()


def test_hostile_papers_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "snapshot.jsonl").write_bytes(lines(papers(PAYLOADS)))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "ill", embedder=FakeEmbedder())
    add_some_map(tmp_path / "ill")
    with Service([tmp_path / "ill"], embedder=FakeEmbedder()) as service, serving(service) as where:
        context = browser.new_context(base_url=where, bypass_csp=True, reduced_motion="reduce")
        page = context.new_page()
        page.add_init_script("window.pwn = () => { window.pwned = true }")
        seen = watched(page, where)
        open_map(page, f"?id={id_of(0)}")
        page.locator("#marked summary").click()
        for button in page.locator("#marked button").all()[:15]:
            button.click()
            expect(page.locator("#card h2")).to_have_text(button.inner_text())
        page.locator("#find").fill("<img src=x onerror=pwn()>")
        expect(page.locator("#found")).to_be_visible()
        assert page.evaluate("window.pwned") is None
        assert page.locator("#map img, #map script, #map iframe").count() == 0
        assert seen == []
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_fault(browser: Browser, address: str, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        bypass_csp=True,  # type: ignore[arg-type]
    )
    page = context.new_page()
    open_map(page, f"?id={TWEETS}#x=0.4&y=0.5&z=3&paper={TWEETS}")
    expect(page.locator("#card h2")).to_have_text(TITLE)
    if width > 1000:
        page.locator("#marked summary").click()
    assert Axe().run(page).response["violations"] == []
    context.close()
