"""The page in a browser, cut off from all but the server: what a person does with it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

import lunacy
from lunacy.answer import Answer
from lunacy.errors import Busy
from lunacy.query.service import Service
from lunacy.question import Question
from tests.serve.browser import serving, watched

pytestmark = pytest.mark.browser

TWEETS = "1802.05130"
TITLE = "Multi-Task Learning for Extraction of Adverse Drug Reaction Mentions from Tweets"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The sample, with its words; the model loads behind, as when a person starts the server."""
    folder = tmp_path_factory.mktemp("chromium") / "sample"
    lunacy.build_index(into=folder)
    lunacy.build_lexical(folder)
    opened = Service([folder])
    opened.warm()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(service: Service) -> Iterator[str]:
    with serving(service) as one:
        yield one


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser of one's own, without a network beyond the server."""

    def only_server(route: Route) -> None:
        if route.request.url.startswith(address):
            route.continue_()
        else:
            route.abort()

    opened = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(20_000)
    opened.route("**/*", only_server)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A tab; nothing may go wrong in it, and nothing be asked elsewhere."""
    opened = context.new_page()
    seen = watched(opened, address)
    yield opened
    assert [one for one in seen if not one.startswith(("download: ", "window: "))] == []


def ids(page: Page) -> list[str]:
    return [one.get_attribute("data-id") or "" for one in page.locator("#hits > li").all()]


def current(page: Page) -> str:
    """The paper that has the focus."""
    return str(page.evaluate("document.activeElement.closest('#hits > li')?.dataset.id ?? ''"))


def begin(page: Page) -> None:
    """The first page, once one can type: a browser moves the focus with the first picture, after the load."""
    page.goto("/")
    expect(page.locator("#q")).to_be_focused()


def ask(page: Page, typed: str) -> None:
    begin(page)
    page.keyboard.insert_text(typed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/similar?**")


def hits_of(service: Service, **question: object) -> list[str]:
    found = service.ask(lunacy.Question(**{"rank": "hybrid", **question})).result()  # type: ignore[typeddict-item]
    return [hit.id for hit in found]


def test_one_asks_by_id_title_and_link(page: Page, service: Service) -> None:
    wanted = hits_of(service, papers=TWEETS)
    for typed in (TWEETS, TITLE.upper(), f"https://arxiv.org/abs/{TWEETS}v1"):
        ask(page, typed)
        assert page.url.endswith(f"/similar?id={TWEETS}")
        assert ids(page) == wanted
        expect(page.locator("h1")).to_have_text(TITLE)


def test_one_asks_by_an_abstract_and_waits_for_the_model(
    context: BrowserContext, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, ask_really, n_asked = context.new_page(), service.ask, 0

    def ask_later(question: Question, index: str = "") -> Future[Answer]:
        nonlocal n_asked
        n_asked += 1
        if n_asked > 2:
            return ask_really(question, index)
        busy: Future[Answer] = Future()
        busy.set_exception(Busy("the model is being loaded", retry_after_s=1))
        return busy

    monkeypatch.setattr(service, "ask", ask_later)
    abstract = service.paper(TWEETS).result().abstract
    page.goto("/")
    page.locator("#q").fill(abstract.replace(". ", ".\n"))  # as a PDF has it
    page.get_by_role("button", name="Find similar").click()
    expect(page.locator("#problem")).to_have_text("The model is being loaded.")
    expect(page.locator("#hits > li").first).to_be_visible(timeout=60_000)  # the page asks again by itself
    assert n_asked >= 3
    assert ids(page)[0] == TWEETS
    expect(page.locator("blockquote")).to_have_text(abstract)


def test_shift_and_enter_begin_a_line(page: Page) -> None:
    begin(page)
    page.keyboard.insert_text(TWEETS)
    page.keyboard.press("Shift+Enter")
    page.keyboard.insert_text("1802.05121")
    assert page.locator("#q").input_value() == f"{TWEETS}\n1802.05121"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/similar?id={TWEETS}&id=1802.05121")
    expect(page.locator("h1")).to_have_text("Similar to both papers")


def test_filters_and_rankings_are_addresses_and_one_can_go_back(page: Page, service: Service) -> None:
    page.goto(f"/similar?id={TWEETS}")
    unfiltered = ids(page)
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Category").fill("cs.LG, stat.*")
    page.get_by_label("Posted since").fill("2018")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/similar?id={TWEETS}&category=cs.LG&category=stat.*&since=2018")
    filtered = ids(page)
    assert filtered == hits_of(service, papers=TWEETS, category=["cs.LG", "stat.*"], since="2018") != unfiltered
    page.get_by_role("link", name="words", exact=True).click()
    page.wait_for_url("**&rank=lexical")
    assert ids(page) == hits_of(service, papers=TWEETS, category=["cs.LG", "stat.*"], since="2018", rank="lexical")
    page.get_by_role("link", name="Remove: in stat.*").click()
    page.wait_for_url(f"**/similar?id={TWEETS}&category=cs.LG&since=2018&rank=lexical")
    page.go_back()
    page.go_back()
    assert ids(page) == filtered
    page.go_back()
    assert ids(page) == unfiltered
    page.go_forward()
    assert ids(page) == filtered


def test_more_and_less_like_a_hit(page: Page, service: Service) -> None:
    page.goto(f"/similar?id={TWEETS}")
    first, second, *_ = ids(page)
    page.locator("#hit-1").get_by_role("link", name="More like this").click()
    page.wait_for_url(f"**/similar?id={TWEETS}&id={first}")
    assert ids(page) == hits_of(service, papers=[TWEETS, first], together=True)
    page.locator(f"[data-id='{second}']").get_by_role("link", name="Less like this").click()
    page.wait_for_url(f"**&not={second}")
    assert ids(page) == hits_of(service, papers=[TWEETS, first], together=True, unlike=second)
    page.locator("#hit-1").get_by_role("link", name="Similar to this").click()
    page.wait_for_url(re.compile(r"/similar\?id=[\d.]+$"))


def test_an_abstract_and_all_authors_open_on_demand(page: Page) -> None:
    page.goto(f"/similar?id={TWEETS}&top=20")
    hit = page.locator("#hits > li:has(details.people)").first
    hit.locator("details.people > summary").click()
    expect(hit.locator("details.people > p")).to_be_visible()
    abstract = hit.locator("details.abstract")
    expect(abstract.locator("p")).to_be_hidden()
    abstract.locator("summary").click()
    expect(abstract.locator("p")).to_be_visible()
    expect(abstract.locator(".first")).to_be_hidden()


def test_more_results_come_in_place_and_have_an_address(page: Page, service: Service) -> None:
    page.goto(f"/similar?id={TWEETS}")
    page.get_by_role("link", name="More results").click()
    expect(page.locator("#hits > li")).to_have_count(30)
    assert page.url.endswith(f"/similar?id={TWEETS}&top=30")
    assert ids(page) == hits_of(service, papers=TWEETS, top=30)
    assert current(page) == ids(page)[10]
    expect(page.locator("#status")).to_have_text("20 papers more.")
    expect(page.locator("#summary")).to_contain_text("The best 30 of 2,000 papers")
    expect(page.locator("#hit-30 button.save")).to_be_visible()
    page.get_by_role("link", name="More results").click()
    expect(page.locator("#hits > li")).to_have_count(50)
    page.locator("#hit-40 a.similar").click()
    page.wait_for_load_state()
    page.go_back()
    expect(page.locator("#hits > li")).to_have_count(50)


def test_the_reading_list_is_kept_exported_and_asked_for(page: Page, context: BrowserContext) -> None:
    page.goto(f"/similar?id={TWEETS}")
    first, second, third, *_ = ids(page)
    for one in (second, first, third):
        page.locator(f"li[data-id='{one}'] button.save").click()
    expect(page.locator("#list-count")).to_have_text("3")
    expect(page.locator("#status")).to_have_text("Added to the reading list, which has 3 papers.")
    page.locator(f"li[data-id='{third}'] button.save").click()  # out again
    page.reload()
    expect(page.locator(f"li[data-id='{first}'] button.save")).to_have_text("In your list")
    other = context.new_page()
    other.goto("/")
    other.get_by_role("link", name="Reading list 2").click()
    assert other.url.endswith(f"/list?id={second}&id={first}")
    assert ids(other) == [second, first]
    expect(other.locator("#not-yours")).to_be_hidden()
    with other.expect_download() as download:
        other.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "reading-list.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert [row["id"] for row in csv.DictReader(io.StringIO(text))] == [second, first]
    other.get_by_label("Add papers").fill(f"{TWEETS}\n1709.01687")
    other.get_by_role("button", name="Add", exact=True).click()
    expect(other.locator("#list-count")).to_have_text(str(len({second, first, TWEETS, "1709.01687"})))
    other.locator(f"li[data-id='{second}'] a.remove").click()
    other.wait_for_url(f"**/list?id={first}&**")
    assert second not in ids(other)
    expect(other.locator("#not-yours")).to_be_hidden()
    other.get_by_role("link", name="Find papers similar to all of these").click()
    expect(other.locator("h1")).to_contain_text("Similar to")
    expect(page.locator(f"li[data-id='{second}'] button.save")).to_have_text("Add to list")  # the first tab knows


@pytest.mark.parametrize("form", ["BibTeX", "RIS", "CSV", "JSON", "Markdown"])
def test_results_are_saved_as_files(page: Page, form: str) -> None:
    page.goto(f"/similar?id={TWEETS}")
    with page.expect_download() as download:
        page.get_by_role("link", name=form, exact=True).click()
    assert download.value.suggested_filename.startswith(f"similar-to-{TWEETS}.")
    assert ids(page)[3] in Path(download.value.path()).read_text(encoding="utf-8")


def test_a_list_that_somebody_sends_is_not_ones_own_until_one_says_so(page: Page) -> None:
    page.goto(f"/list?id={TWEETS}&id=1709.01687")
    expect(page.locator("#list-count")).to_have_text("0")
    page.get_by_role("button", name="Add these papers to mine").click()
    expect(page.locator("#list-count")).to_have_text("2")
    expect(page.locator("#not-yours")).to_be_hidden()


def test_a_full_list_says_so(page: Page) -> None:
    page.goto(f"/similar?id={TWEETS}")
    page.evaluate("localStorage.setItem('lunacy.list', JSON.stringify(Array.from({length: 100}, (_, n) => `x${n}`)))")
    page.reload()
    page.locator("#hit-1 button.save").click()
    expect(page.locator("#status")).to_contain_text("The list is full: it holds 100 papers.")
    expect(page.locator("#list-count")).to_have_text("100")


def test_all_is_done_by_keys(page: Page, context: BrowserContext) -> None:
    begin(page)
    page.keyboard.type("j k ? / s")  # while one types, letters are letters
    assert page.locator("#q").input_value() == "j k ? / s"
    ask(page, TWEETS)
    found = ids(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    assert current(page) == found[1]
    page.keyboard.press("s")
    expect(page.locator("#list-count")).to_have_text("1")
    page.keyboard.press("a")
    expect(page.locator("#hit-2 details.abstract > p")).to_be_visible()
    page.locator("#hit-2").focus()
    with context.expect_page() as opened:
        page.keyboard.press("o")
    opened.value.close()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.locator("#hit-2").focus()
    page.keyboard.press("Control+m")
    page.keyboard.press("m")
    page.wait_for_url(f"**/similar?id={TWEETS}&id={found[1]}")
    page.go_back()
    page.locator("#hit-3").focus()
    page.keyboard.press("l")
    page.wait_for_url(f"**/similar?id={TWEETS}&not={found[2]}")
    page.go_back()
    page.locator("#hit-3").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/similar?id={found[2]}")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#q")).not_to_be_focused()


def test_the_skip_link_and_tab_reach_what_there_is(page: Page) -> None:
    page.goto(f"/similar?id={TWEETS}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    names = []
    for _ in range(25):
        page.keyboard.press("Tab")
        names.append(str(page.evaluate("document.activeElement.textContent.trim()")))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", names[-1]
    assert {"PDF", "meaning", "BibTeX", "Similar to this", "More like this", "Add to list"} <= set(names)
