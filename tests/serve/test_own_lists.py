"""The person's own reading lists on the page: the file that `lunacy list` has, and nobody else's business."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lunacy import Question, library
from lunacy.query.service import Service
from lunacy.serve import listen
from lunacy.serve.app import create_app
from tests.serve.conftest import IDS
from tests.serve.html import Page
from tests.test_cli import run

SIMILAR = f"/similar?id={IDS[0]}"
FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own") / "lists.jsonl"


@pytest.fixture(scope="module")
def own(service: Service, shared: Path) -> Iterator[TestClient]:
    """A client of a server that shows the lists in the file `shared`."""
    app = create_app(service, lists=shared)
    with TestClient(app, base_url="http://localhost:8765", follow_redirects=False) as one:
        yield one


@pytest.fixture(autouse=True)
def file(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, without a list."""
    monkeypatch.setenv("LUNACY_LISTS", str(shared))
    shared.unlink(missing_ok=True)
    return shared


def page_of(client: TestClient, url: str, status: int = 200) -> Page:
    response = client.get(url)
    assert response.status_code == status, response.text
    return Page(response.text)


def problem_of(client: TestClient, url: str, **fields: str | list[str]) -> str:
    """What a form is told of its mistake, in a line on a page."""
    response = client.post(url, data=fields)
    assert 400 <= response.status_code < 500, response.text
    told = Page(response.text).by_id("problem").text
    assert "\n" not in told
    return told


def hits_of(page: Page) -> list[str]:
    return [one["data-id"] for one in page.all("li", class_="hit")]


def lists_beside(page: Page, paper: str) -> str:
    """The lists that the page says a paper is on."""
    [beside] = [one for one in page.all("p", class_="on") if one.inside[-1].attributes.get("data-id") == paper]
    return beside.text


def test_a_hit_is_put_on_a_list_which_the_command_line_has_at_once(
    own: TestClient, file: Path, small_index: Path
) -> None:
    page = page_of(own, SIMILAR)
    [first, second, *_] = hits_of(page)
    assert page.one("button", name="add", value=first)["form"] == page.by_id("keep")["id"]
    assert "action" not in page.by_id("keep").attributes  # so the form goes to the address of the page
    response = own.post(SIMILAR, data={"list": " my  thesis ", "add": first})
    assert (response.status_code, response.headers["location"]) == (303, SIMILAR)
    assert file.read_text() == f'{{"list": "my thesis", "id": "{first}", "title": "On {first}"}}\n'
    assert run("list", "show", "my thesis", "--format", "ids", "--index", str(small_index)).stdout == f"{first}\n"
    run("list", "add", "talk", first, second, "--index", str(small_index))
    page = page_of(own, SIMILAR)
    assert (lists_beside(page, first), lists_beside(page, second)) == ("my thesis, talk", "talk")
    assert page.by_id("keep-list")["value"] == "my thesis"  # that was chosen last
    assert [one["value"] for one in page.all("option") if one.inside[-1]["id"] == "keep-lists"] == ["my thesis", "talk"]


def test_a_list_has_its_page_with_papers_notes_and_files(own: TestClient, file: Path) -> None:
    file.write_text(
        f'{{"list": "thesis", "id": "{IDS[3]}", "note": "a <b>", "tags": ["x"]}}\n'
        '{"list": "thesis", "id": "2401.00001", "title": "Not here"}\n'
        f'{{"list": "thesis", "id": "{IDS[2]}", "dismissed": true}}\n{{"list": "thesis", "id": "{IDS[1]}"}}\n'
    )
    assert own.get("/list/thesis").headers["location"] == "/list?name=thesis"
    page = page_of(own, "/list?name=thesis")
    assert hits_of(page) == [IDS[3], "2401.00001", IDS[1]]
    assert page.one("p", class_="summary").text == "3 papers, and 1 dismissed one."
    assert page.one("p", class_="note").text == "a <b> #x"
    assert page.by_id("title-2").text == "Not here"
    assert "does not have this paper" in page.by_id("hit-2").text + page.one("p", class_="near").text
    bib = own.get(page.links("BibTeX")[0])
    assert bib.headers["content-disposition"] == 'attachment; filename="thesis.bib"'
    assert all(f"eprint = {{{one}}}" in bib.text for one in hits_of(page))
    assert [one["id"] for one in own.get(page.links("JSON")[0]).json()] == hits_of(page)
    assert page_of(own, "/list").links("thesis") == ["/list?name=thesis"]


def test_what_is_similar_to_all_of_a_list_is_what_is_similar_to_its_papers(own: TestClient, service: Service) -> None:
    library.add("my thesis", [*IDS[:3], "2401.00001"])
    [url] = page_of(own, "/list?name=my+thesis").links("Find papers similar to all of these")
    assert url == "/similar?id=list:my+thesis"
    page = page_of(own, url)
    assert page.one("h1").text == "Similar to the papers of my thesis"
    answer = service.ask(Question(papers=IDS[:3], together=True, rank="hybrid")).result()
    assert hits_of(page) == [hit.id for hit in answer]
    assert "The index lacks 1 of the 4 papers on the list 'my thesis'." in page.one("ul", class_="notes").text
    assert [one["id"] for one in own.get("/similar.json?id=list:my+thesis").json()[0]["hits"]] == hits_of(page)
    more = page.all("a", class_="more")[0]["href"]
    assert more == f"/similar?id=list:my+thesis&id={hits_of(page)[0]}"
    assert page_of(own, more).one("h1").text == "Similar to the papers of my thesis and a paper"
    typed = own.get("/", params={"q": f" list:my  thesis\n{IDS[5]}\nand a text", "category": "cs.CL"})
    assert typed.headers["location"] == f"/similar?id=list:my++thesis&id={IDS[5]}&text=and+a+text&category=cs.CL"
    library.remove("my thesis", IDS[1:3])
    assert hits_of(page_of(own, url)) == [
        hit.id for hit in service.ask(Question(papers=IDS[0], rank="hybrid")).result()
    ]
    library.add("other", ["2401.00001"])
    told = page_of(own, "/similar?id=list:talk", 400).by_id("problem").text
    assert told == "There is no list 'talk'; there are: my thesis, other."
    told = page_of(own, "/similar?id=list:other", 400).by_id("problem").text
    assert told == "The index has none of the papers on the list 'other'."


def test_papers_are_typed_and_all_are_added_or_none(own: TestClient, file: Path) -> None:
    typed = f"https://arxiv.org/abs/{IDS[0]}v2, {IDS[1]}\non {IDS[2]}\n2401.00001"
    response = own.post("/list", data={"list": "thesis", "q": typed})
    assert response.headers["location"] == "/list?name=thesis"
    assert library.read_lists()["thesis"].ids == (*IDS[:3], "2401.00001")
    before = file.read_bytes()
    assert "'for something else' is neither" in problem_of(own, "/list", list="talk", q=f"{IDS[0]}\nfor something else")
    assert "1802.0001" in problem_of(own, "/list", list="talk", q=f"{IDS[0]}\n1802.0001")
    assert "no paper to put on the list" in problem_of(own, "/list", list="talk", q=" ")
    assert "at most 1,000" in problem_of(own, "/list", list="talk", add=[f"1802.{n:05}" for n in range(1, 1_002)])
    assert "cannot be read" in problem_of(own, "/list", list="talk", add=[f"1802.{n:05}" for n in range(1, 1_100)])
    assert own.post("/list", content=b"list=talk&add=%ff").status_code == 400
    assert file.read_bytes() == before


def test_a_paper_is_taken_off_and_a_list_goes_with_its_last(own: TestClient) -> None:
    library.add("thesis", IDS[:2])
    page = page_of(own, "/list?name=thesis")
    assert [one["value"] for one in page.all("button", name="remove")] == IDS[:2]
    response = own.post("/list?name=thesis", data={"list": "thesis", "remove": IDS[0]})
    assert response.headers["location"] == "/list?name=thesis"
    assert library.read_lists()["thesis"].ids == (IDS[1],)
    response = own.post("/list?name=thesis", data={"list": "thesis", "remove": IDS[1]})
    assert response.headers["location"] == "/list"
    assert "There are none yet" in page_of(own, "/list").one("p", class_="none").text
    assert "there is no list 'thesis'" in problem_of(own, "/list", list="thesis", remove=IDS[1]).replace("T", "t")
    page_of(own, "/list?name=thesis", 400)


def test_a_long_list_is_shown_in_parts(own: TestClient) -> None:
    ids = [f"2401.{n:05}" for n in range(1, 121)]
    library.add("long", ids)
    page = page_of(own, "/list?name=long")
    assert hits_of(page) == ids[:100]
    [more] = page.links("More papers")
    assert urlsplit(more).fragment == "hit-101"
    page = page_of(own, more)
    assert (hits_of(page), page.links("More papers")) == (ids, [])
    assert hits_of(page_of(own, "/list?name=long&top=" + "9" * 5_000)) == ids


NAMES = [
    "<img src=x onerror=alert(1)>",
    "</title><script>alert(1)</script>",
    "..",
    ".",
    "../../etc/passwd",
    "a/b?c=d#e&f;g",
    "=1+1",
    "\"'{{ 7 * 7 }}%0d%0a",
    "שלום and 汉字",
    "x" * 100,
]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_list_is_called_it_is_a_name(own: TestClient, name: str) -> None:
    url = own.post("/list", data={"list": name, "add": IDS[0]}).headers["location"]
    page = page_of(own, url)
    assert page.one("h1").text == name
    assert page.one("title").text == f"{name} · lunacy"
    assert len(page.all("script")) == 1
    assert page_of(own, SIMILAR).by_id("keep-list")["value"] == name
    assert (
        page_of(own, page.links("Find papers similar to all of these")[0]).by_id("asked-title").text == f"On {IDS[0]}"
    )
    disposition = own.get(page.links("CSV")[0]).headers["content-disposition"]
    assert disposition.isascii()
    assert "/" not in disposition
    if name.strip(".") and "%" not in name:  # the client of the tests resolves the one, and decodes the other twice
        assert own.get(f"/list/{quote(name, safe='')}").headers["location"] == url
    own.post(url, data={"list": name, "remove": IDS[0]})
    assert library.read_lists() == {}


@pytest.mark.parametrize("name", ["", "  ", "-n", "a\nb", "x" * 101, "ab\u202ecd", "\x00"])
def test_a_name_that_no_list_can_have_is_refused_in_a_line(own: TestClient, file: Path, name: str) -> None:
    if name != "a\nb":  # which is "a b" to a form too
        assert "name of a list" in problem_of(own, SIMILAR, list=name, add=IDS[0])
        assert not file.exists()


def test_a_line_that_cannot_be_read_is_named_and_nothing_is_lost(own: TestClient, file: Path) -> None:
    library.add("thesis", [IDS[0]])
    file.write_text(damaged := f"{file.read_text()}<b>\n")
    page = page_of(own, SIMILAR)
    assert "cannot be read: line 2: not JSON" in page.all("p", class_="notes")[0].text
    assert len(hits_of(page)) == 10
    assert not page.all("button", name="add")
    for url in ("/list", "/list?id=1802.00001", "/similar?id=list:thesis", "/list?name=thesis"):
        assert "line 2: not JSON" in own.get(url).text.replace("Line", "line")
    assert str(file) not in own.get("/list?name=thesis").text
    for fields in ({"add": IDS[1]}, {"remove": IDS[0]}):
        assert "Line 2: not JSON" in problem_of(own, SIMILAR, list="thesis", **fields)
    assert file.read_text() == damaged
    file.write_text(damaged.removesuffix("<b>\n"))
    assert page_of(own, "/list").links("thesis")


def test_a_full_disk_is_told_on_the_page(own: TestClient, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add("thesis", [IDS[0]])
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as no_room:
        no_room.setattr("lunacy.atomic.os.fsync", full)
        response = own.post(SIMILAR, data={"list": "thesis", "add": IDS[1]})
    page = Page(response.text)
    assert (response.status_code, page.one("h1").text) == (500, "Nothing was changed")
    told = "The reading lists cannot be changed: No space left on device; make room and run again."
    assert page.by_id("problem").text == told
    assert page.links("Back") == [SIMILAR]
    assert file.read_bytes() == before


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_elsewhere_can_change_no_list(own: TestClient, file: Path, headers: dict[str, str]) -> None:
    for url in (SIMILAR, "/list", "/list?name=thesis"):
        assert own.post(url, data={"list": "thesis", "add": IDS[0]}, headers=headers).status_code == 403
    assert not file.exists()


def test_what_a_proxy_passes_on_is_refused(own: TestClient, client: TestClient) -> None:
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        refused = own.get("/list", headers={name: "10.0.0.1"})
        assert refused.status_code == 403
        assert "--allow-host" in refused.text
        assert client.get("/list", headers={name: "10.0.0.1"}).status_code == 200


def test_a_server_for_others_shows_and_changes_nothing(client: TestClient, file: Path) -> None:
    library.add("thesis", [IDS[0]])
    before = file.read_bytes()
    for url in ("/", SIMILAR, "/list", "/list?name=thesis", f"/list?id={IDS[0]}"):
        page = page_of(client, url)
        assert "thesis" not in client.get(url).text.replace("name=thesis", "")
        assert not [one for one in page.all("form") if one.attributes.get("method") == "post"]
        assert client.post(url, data={"list": "thesis", "add": IDS[1]}).status_code == 405
    assert client.get("/list/thesis").status_code == 404
    assert client.get("/similar?id=list:thesis").status_code == 400
    assert client.get("/list.bib?name=thesis").text == ""
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "are_shown"),
    [
        ((), True),
        (("--host", "localhost"), True),
        (("--host", "::1"), True),
        (("--token", "x" * 16), False),
        (("--allow-host", "papers.example.org"), False),
        (("--host", "0.0.0.0", "--allow-host", "a.example", "--token", "x" * 16), False),
    ],
)
def test_the_lists_are_shown_only_where_nobody_else_is_let_in(
    small_index: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], are_shown: bool
) -> None:
    library.add("thesis", [IDS[0]])
    pages = []

    def served(app: Starlette, _socket: object) -> None:
        host = "a.example" if "a.example" in arguments else "localhost"
        with TestClient(app, base_url=f"http://{host}", headers={"Authorization": f"Bearer {'x' * 16}"}) as one:
            pages.append(one.get("/list").text)

    monkeypatch.setattr(listen, "serve", served)
    done = run("serve", "--index", str(small_index), "--port", "0", *arguments)
    assert done.exit_code == 0
    assert ("and your reading lists at http" in done.stdout) is are_shown
    [page] = pages
    assert ("thesis" in page) is are_shown


def test_the_page_and_other_programs_lose_nothing_of_each_other(own: TestClient, file: Path) -> None:
    def by_page(n: int) -> None:
        own.post("/list", data={"list": "both", "add": f"2401.{n:05}"})

    def by_hand(n: int) -> None:
        library.add("both", [f"2402.{n:05}"])

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(work, n) for n in range(1, 16) for work in (by_page, by_hand)]
    assert [one.exception() for one in done] == [None] * 30
    assert len({json.loads(line)["id"] for line in file.read_text().splitlines()}) == 30
