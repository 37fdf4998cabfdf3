"""Hostile papers in Chromium: nothing runs, nothing is loaded from elsewhere, and no formula stops the page."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

import lunacy
from lunacy.query.service import Service
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.browser import serving, watched
from tests.serve.hostile_papers import BOMBS, PAYLOADS, harmless_twin, id_of, ids, papers
from tests.serve.markup import MATHML

pytestmark = pytest.mark.browser
_SEEN_BY_THE_BROWSER = """() => [...document.querySelectorAll("*")].map(one => [
    one.localName,
    one.getAttributeNames().filter(name => name !== "open").sort().join(" "),
    one.namespaceURI.endsWith("MathML"),
])"""
_EVERYTHING_OPEN = "() => { for (const one of document.querySelectorAll('details')) one.open = true }"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Servers of hostile papers, of the same made harmless, of papers with bombs for formulas, and with hostile ids."""
    corpora = {
        "ill": papers(PAYLOADS),
        "well": papers(map(harmless_twin, PAYLOADS)),
        "bombs": papers(BOMBS),
        "ids": [record(one) for one in ids(PAYLOADS)[::4]],
    }
    with ExitStack() as stack:
        found = {}
        for name, records in corpora.items():
            folder = tmp_path_factory.mktemp(name)
            (folder / "snapshot.jsonl").write_bytes(lines(records))
            lunacy.build_index(folder / "snapshot.jsonl", into=folder / name, embedder=FakeEmbedder())
            service = Service([folder / name], embedder=FakeEmbedder())
            stack.callback(service.close)
            found[name] = stack.enter_context(serving(service))
        yield found


def opened(browser: Browser, *, has_policy: bool = True) -> Page:
    """A page in which `pwn()` tells that something ran."""
    page = browser.new_context(bypass_csp=not has_policy).new_page()
    page.add_init_script("window.pwn = () => { window.pwned = true }")
    return page


def elements(page: Page) -> Counter[tuple[str, str]]:
    """Elements with the names of their attributes, apart from formulas."""
    found: list[tuple[str, str, bool]] = page.evaluate(_SEEN_BY_THE_BROWSER)
    assert {name for name, _attributes, is_mathml in found if is_mathml} <= MATHML
    return Counter((name, names) for name, names, is_mathml in found if not is_mathml and name != "code")


@pytest.mark.parametrize("has_policy", [True, False], ids=["with the policy", "by escaping alone"])
def test_nothing_in_a_paper_runs_or_loads(addresses: dict[str, str], browser: Browser, has_policy: bool) -> None:
    found = {}
    for name in ("ill", "well"):
        page = opened(browser, has_policy=has_policy)
        seen = watched(page, addresses[name])
        page.goto(f"{addresses[name]}/similar?id={id_of(0)}&top=500", wait_until="networkidle")
        page.evaluate(_EVERYTHING_OPEN)
        page.keyboard.press("Tab")
        page.mouse.move(300, 300)
        page.wait_for_timeout(300)
        assert seen == []
        assert page.evaluate("window.pwned") is None
        found[name] = elements(page)
        if name == "ill":
            text = " ".join(page.evaluate("document.body.textContent").split())
            plain = [" ".join(one.split()) for one in PAYLOADS if one.isprintable() and not {*"\\$"} & {*one}]
            assert [one for one in plain if one not in text] == []
        page.context.close()
    assert found["ill"] == found["well"]


def test_nothing_in_a_question_runs_or_loads(addresses: dict[str, str], browser: Browser) -> None:
    page = opened(browser, has_policy=False)
    seen = watched(page, addresses["ill"])
    for n, text in enumerate(PAYLOADS[::6]):
        place = ("/similar?text=%s", "/?q=%s", "/similar?id=%s", "/similar?category=%s&text=x", "/paper/%s")[n % 5]
        page.goto(addresses["ill"] + place.replace("%s", quote(text[:2_000], safe="")))
        assert page.evaluate("window.pwned") is None
    assert [one for one in seen if "Failed to load resource" not in one] == []  # of questions that are refused


@pytest.mark.parametrize("name", ["ill", "ids"])
def test_nothing_runs_when_results_and_a_list_are_added_to(
    addresses: dict[str, str], browser: Browser, name: str
) -> None:
    """What the page's own script adds, and what it keeps."""
    page = opened(browser, has_policy=False)
    seen = watched(page, addresses[name])
    page.goto(f"{addresses[name]}/similar?text=anything&top=20")
    page.get_by_role("link", name="More results").click()
    page.wait_for_function("document.querySelectorAll('#hits > li').length > 20")
    page.evaluate("() => { for (const one of document.querySelectorAll('#hits button.save')) one.click() }")
    kept = page.evaluate("[...document.querySelectorAll('#hits > li')].map(one => one.dataset.id)")
    page.locator("#list-link").click()
    page.wait_for_url("**/list?**")
    assert page.evaluate("[...document.querySelectorAll('#hits > li')].map(one => one.dataset.id)") == kept
    assert page.evaluate("window.pwned") is None
    assert seen == []


@pytest.mark.parametrize("name", ["ill", "bombs"])
def test_no_text_makes_the_page_wider_than_a_phone(addresses: dict[str, str], browser: Browser, name: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 640})
    page.goto(f"{addresses[name]}/similar?id={id_of(0)}&top=500&include_self=true")
    page.evaluate(_EVERYTHING_OPEN)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_no_formula_stops_the_browser(addresses: dict[str, str], browser: Browser) -> None:
    page = opened(browser)
    seen = watched(page, addresses["bombs"])
    started = time.monotonic()
    page.goto(f"{addresses['bombs']}/similar?id={id_of(0)}&include_self=true", timeout=60_000)
    page.evaluate(_EVERYTHING_OPEN)
    assert page.evaluate("document.body.offsetHeight") > 0
    assert time.monotonic() - started < 40  # a second, on a machine with time
    assert seen == []
