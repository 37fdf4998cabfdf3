"""The page for every reader: by axe, light and dark, on a phone, on paper, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

import lunacy
from lunacy.query.service import Service
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.browser import serving, watched

pytestmark = pytest.mark.browser

WIDE = r"\begin{pmatrix} " + " & ".join("abcdefghijklmnop") + r" \end{pmatrix}"
RECORDS = [
    record("1801.00001", title="A" * 150 + " $x^2$", authors=", ".join(f"Ada No{n}" for n in range(60)), doi="10.1/x"),
    record("1801.00002", title=f"On ${WIDE}$", abstract=f"We study ${WIDE}$ at length. " * 20, comments="withdrawn"),
    record("1801.00003", title="שלום and 汉字", abstract="W" * 3_000, categories="hep-th math-ph astro-ph.CO cs.CL"),
    *(record(f"1802.{n:05}", abstract="We find. " * 60) for n in range(1, 31)),
]
PAGES = {
    "first page": "/",
    "one paper": "/similar?id=1801.00001",
    "several papers": "/similar?id=1801.00001&id=1801.00002&text=a+text&not=1802.00001&category=cs.CL&since=2017",
    "with reasons": "/similar?id=1801.00002&id=1801.00003&not=1802.00001&explain=true",
    "no hits": "/similar?id=1801.00001&author=Nobody",
    "a long title": "/similar?id=1801.00003&rank=dense",
    "a list": "/list?id=1801.00001&id=1801.00003&id=1802.09999",
    "a problem": "/similar?id=1802.09999&since=2018",
    "a wrong filter": "/similar?id=1801.00001&since=x",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = tmp_path_factory.mktemp("for_all")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    for name in ("first", "second"):
        lunacy.build_index(base / "snapshot.jsonl", into=base / name, embedder=FakeEmbedder())
    lunacy.build_lexical(base / "first")
    service = Service([base / "first", base / "second"], embedder=FakeEmbedder())
    with serving(service) as one:
        yield one
    service.close()


def opened(browser: Browser, address: str, **settings: object) -> Page:
    context = browser.new_context(base_url=address, **settings)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    return context.new_page()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, address: str, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    page = opened(browser, address, viewport=size, color_scheme=scheme, bypass_csp=True)
    for name, path in PAGES.items():
        page.goto(path)
        results = Axe().run(page, options={"resultTypes": ["violations"]})
        assert results.response["violations"] == [], f"{name}: {results.generate_report()}"
    page.goto(PAGES["one paper"])
    page.get_by_role("button", name="Keys").click()
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert Axe().run(page).response["violations"] == []
    page.context.close()


@pytest.mark.parametrize("width", [1280, 360, 320])
def test_nothing_is_wider_than_the_screen(browser: Browser, address: str, width: int) -> None:
    page = opened(browser, address, viewport={"width": width, "height": 700}, has_touch=width < 500)
    seen = watched(page, address)
    for name, path in PAGES.items():
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
    assert [one for one in seen if "status of 4" not in one] == []
    page.context.close()


def test_a_dark_screen_is_dark(browser: Browser, address: str) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        page = opened(browser, address, color_scheme=scheme)
        page.goto("/")
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness[scheme] = sum(map(int, color.removeprefix("rgb(").removesuffix(")").split(",")))
        page.context.close()
    assert brightness["dark"] < 100 < 700 < brightness["light"]


def test_on_paper_there_are_papers_with_their_addresses_and_no_controls(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    page.goto(PAGES["a long title"])
    page.emulate_media(media="print")
    for control in ("form.ask", ".top nav", ".switch", ".exports", "#hit-1 .actions", "footer"):
        expect(page.locator(control).first).to_be_hidden()
    link = page.locator("#hit-1 h3 a")
    printed = link.evaluate("link => getComputedStyle(link, '::after').content")
    assert printed == f'" {link.get_attribute("href")}"'
    page.context.close()


def test_nothing_moves_for_who_wants_no_motion(browser: Browser, address: str) -> None:
    times = {}
    for wish in ("reduce", "no-preference"):
        page = opened(browser, address, reduced_motion=wish)
        page.goto("/")
        times[wish] = page.get_by_role("button", name="Find similar").evaluate(
            "one => getComputedStyle(one).transitionDuration"
        )
        page.context.close()
    assert times["reduce"] == "0s" != times["no-preference"]


def test_without_a_script_all_but_the_list_and_the_keys_is_there(browser: Browser, address: str) -> None:
    page = opened(browser, address, java_script_enabled=False)
    page.goto("/")
    page.get_by_label("A paper, several, or a text").fill("1802.00001")
    page.get_by_role("button", name="Find similar").click()
    page.wait_for_url("**/similar?id=1802.00001")
    page.get_by_role("link", name="More results").click()
    page.wait_for_url("**/similar?id=1802.00001&top=30#hit-11")
    expect(page.locator("#hits > li")).to_have_count(30)
    expect(page.locator("#hit-11")).to_be_in_viewport()
    abstract = page.locator("#hits details.abstract").first
    abstract.locator("summary").click()
    expect(abstract.locator("p")).to_be_visible()
    for hidden in ("#list-link", "#help-button", "button.save", "#not-yours"):
        assert not any(one.is_visible() for one in page.locator(hidden).all())
    page.context.close()
