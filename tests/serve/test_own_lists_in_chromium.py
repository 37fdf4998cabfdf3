"""The person's own reading lists in a browser: by mouse, by keys, without a script, in two browsers, by axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from lunacy import library
from lunacy.query.service import Service
from tests.serve.browser import serving, watched
from tests.serve.conftest import IDS

pytestmark = pytest.mark.browser

ASKED = f"/similar?id={IDS[0]}"
HOSTILE = ["<img src=x onerror=alert(1)>", "../..", "=1+1", "שלום", "W" * 100]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own") / "lists.jsonl"


@pytest.fixture(autouse=True)
def no_list(file: Path) -> None:
    file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def address(service: Service, file: Path) -> Iterator[str]:
    with serving(service, file) as one:
        yield one


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A tab, in which nothing may go wrong."""
    opened = browser.new_context(base_url=address, viewport={"width": 1280, "height": 700}).new_page()
    opened.set_default_timeout(20_000)
    seen = watched(opened, address)
    yield opened
    opened.context.close()
    assert [one for one in seen if not one.startswith("download: ") and "status of 400" not in one] == []


def ids_in(file: Path, name: str) -> tuple[str, ...]:
    return library.read_lists(file)[name].ids


def hit(page: Page, n: int) -> str:
    return page.locator(f"#hit-{n}").get_attribute("data-id") or ""


def test_papers_are_put_on_lists_without_leaving_the_page(page: Page, file: Path) -> None:
    page.goto(ASKED)
    page.get_by_label("Add papers to the list").fill("thesis")
    page.locator("#hit-7 button.keep").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    page.locator("#hit-7 button.keep").click()
    expect(page.locator("#hit-7 .on")).to_have_text("thesis")
    expect(page.locator("#kept")).to_have_text("Added to thesis.")
    assert page.evaluate("scrollY") == before > 0
    page.locator("article button.keep").click()
    expect(page.locator("article .on")).to_have_text("thesis")
    assert ids_in(file, "thesis") == (hit(page, 7), IDS[0])
    page.get_by_role("link", name="More results").click()
    page.locator("#hit-20 button.keep").click()
    expect(page.locator("#hit-20 .on")).to_have_text("thesis")
    page.get_by_label("Add papers to the list").fill("-x")
    page.locator("#hit-1 button.keep").click()
    expect(page.locator("#kept")).to_contain_text("Nothing was added: The name of a list does not begin with a hyphen.")
    page.get_by_label("Add papers to the list").fill("")
    page.get_by_label("Add papers to the list").press("Enter")
    page.locator("#hit-1 button.keep").click()
    expect(page.locator("#hit-1 .on")).to_be_hidden()
    assert len(ids_in(file, "thesis")) == 3
    page.reload()
    page.locator("#hit-20 .on a").click()
    expect(page.locator("h1")).to_have_text("thesis")


def test_a_list_is_read_changed_and_asked_for(page: Page, file: Path) -> None:
    library.add("thesis", IDS[:2], path=file)
    page.goto("/")
    page.get_by_role("link", name="Reading lists").click()
    page.get_by_label("The name of a list").fill("talk")
    page.get_by_label("Papers, by id").fill(f"https://arxiv.org/abs/{IDS[4]}\non {IDS[5]}")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("h1")).to_have_text("talk")
    page.get_by_label("Add papers").fill("of nothing at all")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("nothing was added")
    page.get_by_role("link", name="Back", exact=True).click()
    page.locator("#hit-2").get_by_role("button", name="Remove from the list").click()
    expect(page.locator("#hits > li")).to_have_count(1)
    assert ids_in(file, "talk") == (IDS[4],)
    page.get_by_role("link", name="thesis").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="BibTeX").click()
    assert download.value.suggested_filename == "thesis.bib"
    page.get_by_role("link", name="Find papers similar to all of these").click()
    expect(page.locator("h1")).to_have_text("Similar to the papers of thesis")


def test_all_is_done_by_keys(page: Page, file: Path) -> None:
    page.goto(ASKED)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.locator("#hit-2 .on")).to_have_text("to read")
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.locator("#hit-3 .on")).to_have_text("to read")
    assert ids_in(file, "to read") == (hit(page, 2), hit(page, 3))
    page.goto("/list/to%20read")
    page.keyboard.press("j")
    page.keyboard.press("s")  # takes nothing off: its note would be lost
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "remove":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#hits > li")).to_have_count(1)
    assert len(ids_in(file, "to read")) == 1


def test_the_list_of_the_browser_is_saved_under_a_name(page: Page, file: Path) -> None:
    library.add("thesis", IDS[:1], path=file)
    page.goto("/")
    expect(page.locator("#list-count")).to_be_hidden()
    page.evaluate(f"localStorage.setItem('lunacy.list', JSON.stringify({IDS[3:6]}))")
    page.reload()
    page.get_by_role("link", name="Reading lists 3").click()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/list?name=thesis")
    assert ids_in(file, "thesis") == (IDS[0], *IDS[3:6])
    expect(page.locator("#list-count")).to_be_hidden()  # it has a name now


def test_without_a_script_lists_are_read_and_changed(browser: Browser, address: str, file: Path) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False, viewport={"width": 1280, "height": 700})
    page = context.new_page()
    page.goto(ASKED)
    page.get_by_label("Add papers to the list").fill("thesis")
    page.locator("#hit-6 button.keep").click()
    page.wait_for_url(f"**{ASKED}#hit-6")
    expect(page.locator("#hit-6 .on")).to_be_in_viewport()
    page.get_by_label("Add papers to the list").press("Enter")  # adds nothing
    assert ids_in(file, "thesis") == (hit(page, 6),)
    page.get_by_role("link", name="Reading lists").click()
    page.get_by_role("link", name="thesis").click()
    page.get_by_label("Add papers").fill(IDS[9])
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#hits > li")).to_have_count(2)
    page.locator("#hit-1").get_by_role("button", name="Remove").click()
    expect(page.locator("#hits > li")).to_have_count(1)
    assert ids_in(file, "thesis") == (IDS[9],)
    context.close()


def test_two_browsers_and_the_command_line_see_each_other(browser: Browser, address: str, file: Path) -> None:
    first, second = (browser.new_context(base_url=address).new_page() for _ in range(2))
    for page in (first, second):
        page.goto(ASKED)
    for n in range(1, 6):
        first.locator(f"#hit-{n} button.keep").click(no_wait_after=True)
        second.locator(f"#hit-{n + 5} button.keep").click(no_wait_after=True)
        library.add("to read", [f"2401.{n:05}"], path=file)
    for page, n in ((first, 5), (second, 10)):
        expect(page.locator(f"#hit-{n} .on")).to_have_text("to read", timeout=20_000)
    first.goto("/list/to%20read")
    expect(first.locator("#hits > li")).to_have_count(15)
    library.remove("to read", [f"2401.{n:05}" for n in range(1, 6)], path=file)
    first.reload()
    expect(first.locator("#hits > li")).to_have_count(10)
    for page in (first, second):
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: Browser, address: str, file: Path, scheme: str, width: int
) -> None:
    for name in HOSTILE:
        library.add(name, [IDS[0], IDS[1], "2401.00001"], titles={"2401.00001": "<b>W</b>" * 40}, path=file)
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": 700},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    page = context.new_page()
    seen = watched(page, address)
    paths = [ASKED, "/list", f"/list?id={IDS[0]}&id={IDS[1]}", "/similar?id=list:=1%2B1", "/list?name=none"]
    for path in [*paths, "/list?name=" + "W" * 100, f"/list?name={HOSTILE[0].replace(' ', '+')}"]:
        page.goto(path)
        assert Axe().run(page).response["violations"] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.locator("main img").count() == 0
    assert [one for one in seen if "status of 400" not in one] == []
    context.close()


def test_a_line_that_cannot_be_read_is_told_on_the_page(page: Page, file: Path) -> None:
    file.write_text('{"list": "thesis"}\n')
    page.goto(ASKED)
    expect(page.locator("p.notes")).to_contain_text('Your reading lists cannot be read: line 1: has no "id"')
    assert page.locator("button.keep").count() == 0
    page.keyboard.press("j")
    page.keyboard.press("s")
    assert file.read_text() == '{"list": "thesis"}\n'
