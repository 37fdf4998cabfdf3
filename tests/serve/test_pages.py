"""The page, as HTML that the server makes: no browser, no script."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import characters, text
from starlette.testclient import TestClient

import lunacy
from lunacy.answer import Answer
from lunacy.errors import Busy, ModelError
from lunacy.query.service import Service
from lunacy.question import Question
from lunacy.serve.app import create_app
from lunacy.serve.page.address import Address
from lunacy.serve.page.html import beginning, day, render, sentence
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.html import Page

MANY = ", ".join(f"Ada No{n}" for n in range(1, 10))
LONG = "We measure $a^2 + b^2 = c^2$ with care. " * 12
RECORDS = [
    record("1801.00001", title="On $E = mc^2$ and <b>bold</b> claims", abstract=LONG, authors=MANY),
    record("1801.00002", title="Withdrawn Things", comments="withdrawn", categories="hep-th"),
    record("1801.00003", title="G\\\"odel's Theorem", authors='Kurt G\\"odel', categories="math.LO", doi="10.1/a<b"),
    *(record(f"1802.{n:05}") for n in range(1, 41)),
    record("hep-th/9711200", title="The Large N Limit", categories="hep-th"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    base = tmp_path_factory.mktemp("pages")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "first", embedder=FakeEmbedder())
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS[:3]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "second", embedder=FakeEmbedder())
    lunacy.build_lexical(base / "first")
    opened = Service([base / "first", base / "second"], embedder=FakeEmbedder())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), base_url="http://localhost", follow_redirects=False) as one:
        yield one


def page_of(client: TestClient, url: str, status: int = 200) -> Page:
    response = client.get(url)
    assert response.status_code == status, response.text
    return Page(response.text)


def address_of(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query)


def ids_of(page: Page) -> list[str]:
    return [one["data-id"] for one in page.all("li", class_="hit")]


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("1802.00001", [("id", "1802.00001")]),
        ("https://arxiv.org/pdf/1802.00001v3.pdf", [("id", "1802.00001")]),
        ("doi:10.48550/arXiv.1802.00001", [("id", "1802.00001")]),
        (
            "1802.00001, arXiv:1802.00002v1; hep-th/9711200",
            [("id", "1802.00001"), ("id", "1802.00002"), ("id", "hep-th/9711200")],
        ),
        ("1802.00002\n\n1802.00001\r\n", [("id", "1802.00002"), ("id", "1802.00001")]),
        ("the large n LIMIT", [("id", "hep-th/9711200")]),
        ("The Large\nN Limit\n1802.00001", [("id", "hep-th/9711200"), ("id", "1802.00001")]),
        ("The Large N Limit\nof  my own\nwork", [("id", "hep-th/9711200"), ("text", "of my own work")]),
        ("1802.00001 but for fish", [("id", "1802.00001"), ("text", "but for fish")]),
        ("a text of\n1802.00001", [("text", "a text of 1802.00001")]),
        ("1802.0001", [("id", "1802.0001")]),  # mistyped: the answer says how
        ("1802.0001\n1802.00002", [("id", "1802.0001"), ("id", "1802.00002")]),
        ("1802.00001\n1802.00001", [("id", "1802.00001")]),
    ],
)
def test_what_is_typed_becomes_papers_and_text(client: TestClient, typed: str, asked: list[tuple[str, str]]) -> None:
    response = client.get("/", params={"q": typed})
    assert response.status_code == 303
    assert urlsplit(response.headers["location"]).path == "/similar"
    assert address_of(response.headers["location"]) == asked


@given(text(alphabet=characters(codec="utf-8"), max_size=60))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_has_one_address_and_an_answer(client: TestClient, typed: str) -> None:
    response = client.get("/", params={"q": typed})
    if response.status_code == 200:
        assert not typed.strip()
        return
    url = response.headers["location"]
    items = parse_qsl(urlsplit(url).query)
    assert Address.of(items).items == tuple(items)
    if items:
        page = Page(client.get(url, params={**dict(items), "rank": "lexical"}).text)
        assert page.one("h1").text


def test_filters_go_along_with_what_is_typed_and_empty_ones_are_dropped(client: TestClient) -> None:
    url = "/?q=1802.00001&category=cs.CL,+math.*&author=Ada;Alan&since=&until=2020&not=1802.00002&index=second"
    assert address_of(client.get(url).headers["location"]) == [
        ("id", "1802.00001"),
        ("not", "1802.00002"),
        ("category", "cs.CL"),
        ("category", "math.*"),
        ("author", "Ada"),
        ("author", "Alan"),
        ("until", "2020"),
        ("index", "second"),
    ]


def test_every_state_has_one_address(client: TestClient) -> None:
    response = client.get("/similar?rank=dense&since=&id=arXiv:1802.00001v2&category=cs.CL")
    assert response.headers["location"] == "/similar?id=1802.00001&category=cs.CL&rank=dense"
    again = Address.of(parse_qsl("id=1802.00001&category=cs.CL&rank=dense"))
    assert Address.of(again.items) == again
    assert client.get("/similar?category=cs.CL").headers["location"] == "/?category=cs.CL"
    for path in ("/paper/hep-th/9711200v1", "/abs/hep-th/9711200"):
        assert client.get(path).headers["location"] == "/similar?id=hep-th/9711200"


def test_the_page_lists_what_the_index_answers(client: TestClient, service: Service) -> None:
    page = page_of(client, "/similar?id=1802.00001&category=cs.*&rank=dense&top=7")
    question = Question(papers="1802.00001", category="cs.*", top=7)
    answer = service.ask(question).result()
    assert ids_of(page) == [hit.id for hit in answer]
    assert [one.text for one in page.all("span", class_="number")] == [f"{hit.score:.3f}" for hit in answer]
    assert page.one("h1").text == "On paper 1802.00001"
    assert "The best 7 of 41 papers that qualify, exactly." in page.by_id("summary").text


def test_both_parts_of_a_hybrid_score_are_shown(client: TestClient, service: Service) -> None:
    page = page_of(client, "/similar?id=1802.00001")
    answer = service.ask(Question(papers="1802.00001", rank="hybrid")).result()
    shown = [one.text for one in page.all("span", class_="number")]
    assert shown == [text for hit in answer for text in (f"{hit.cosine:.3f}", f"{hit.lexical:.0f}")]
    assert [one.text for one in page.all("a", **{"aria-current": "true"})] == ["meaning and words", "any time"]
    without_words = page_of(client, "/similar?id=1801.00001&index=second")
    assert [one["aria-label"] for one in without_words.all("nav", class_="switch")] == ["Posted"]


def test_what_is_older_or_newer_than_the_paper_is_a_click_away(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1801.00001&top=50")
    every = {str(one["id"]) for one in RECORDS} - {"1801.00001", "1801.00002"}  # that was withdrawn
    assert set(ids_of(page)) == every
    for words, wanted in (("older", {"1801.00003", "hep-th/9711200"}), ("newer", every - {"hep-th/9711200"})):
        [link] = page.links(words)
        there = page_of(client, f"{link}&top=50")
        assert set(ids_of(there)) == wanted
        assert words in [one.text for one in there.all("a", **{"aria-current": "true"})]
        [back] = there.links("any time")
        assert set(ids_of(page_of(client, f"{back}&top=50"))) == every
    assert not page_of(client, "/similar?text=a+topic").links("any time")


def test_a_title_is_text_and_its_formula_is_mathml(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1801.00001")
    title = page.by_id("asked-title")
    assert "<b>bold</b> claims" in title.text
    assert not page.all("b")
    assert [one for one in page.all("math") if title in one.inside]
    assert page.one("title").text == "On E = mc² and <b>bold</b> claims · lunacy"


def test_authors_are_folded_and_all_there(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1801.00001")
    people = page.all("details", class_="people")[0]
    assert (
        re.sub(r"\s+", " ", people.text)
        == "Ada No1, Ada No2, Ada No3 and 6 moreAda No4, Ada No5, Ada No6, Ada No7, Ada No8, Ada No9"
    )
    assert "Kurt Gödel" in client.get("/similar?id=1801.00003").text


def test_an_abstract_is_open_above_and_folded_below(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1801.00001")
    [whole] = page.all("p", class_="abstract")[:1]
    assert whole.text.count("with care") == 12
    folded = page_of(client, "/similar?id=1801.00003&rank=dense&top=50").all("span", class_="first")
    assert any(one.text.endswith("…") and "with care" in one.text for one in folded)


def test_the_beginning_of_an_abstract_cuts_no_formula() -> None:
    assert beginning("short") == "short"
    for n in range(200, 260):
        text = "x" * n + " $a + b$ and more words " + "y" * 200
        assert beginning(text).count("$") in (0, 2)
        assert len(beginning(text)) < 250


def test_what_is_told_is_a_sentence_and_an_id_stays_as_it_is() -> None:
    assert sentence("since 20x is no date") == "Since 20x is no date."
    assert sentence("hep-th/9711200 was withdrawn") == "hep-th/9711200 was withdrawn."


def test_a_question_without_hits_says_why(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1802.00001&author=Nobody")
    assert [one.text for one in page.all("li") if page.one("ul", class_="notes") in one.inside] == [
        "No paper passes author Nobody."
    ]
    assert page.one("p", class_="none").text == "Take one of the conditions above away."
    assert not page.all("nav", class_="exports")


def test_dates_are_written_out() -> None:
    assert [day(one) for one in ("2024-05-03", "2024-05", "1991")] == ["3 May 2024", "May 2024", "1991"]


def test_each_hit_leads_on(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1802.00001&category=cs.CL&top=5")
    first = ids_of(page)[0]
    more, less, similar = (
        address_of(page.links(text)[0]) for text in ("More like this", "Less like this", "Similar to this")
    )
    assert more == [("id", "1802.00001"), ("id", first), ("category", "cs.CL")]
    assert less == [("id", "1802.00001"), ("not", first), ("category", "cs.CL")]
    assert similar == [("id", first), ("category", "cs.CL")]
    assert f"https://arxiv.org/abs/{first}" in page.links(f"arXiv:{first}")
    assert f"https://arxiv.org/pdf/{first}" in [one["href"] for one in page.all("a", class_="pdf")]
    [save, *_] = [one for one in page.all("button", class_="save") if one["data-id"] == first]
    assert "hidden" in save.attributes  # until a script shows it


def test_a_paper_to_be_unlike_that_is_wanted_after_all_is_no_longer_unlike() -> None:
    address = Address.of([("id", "1802.00001"), ("not", "1802.00002")])
    assert address.plus("id", "1802.00002").items == (("id", "1802.00001"), ("id", "1802.00002"))


def test_each_condition_can_be_taken_away(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1802.00001&not=hep-th/9711200&category=cs.CL&since=2017&top=20")
    chips = page.one("ul", class_="chips")
    links = [one for one in page.all("a") if chips in one.inside]
    assert [one["aria-label"] for one in links] == [
        "Remove: less like The Large N Limit",
        "Remove: in cs.CL",
        "Remove: since 2017",
    ]
    assert [address_of(one["href"]) for one in links] == [
        [("id", "1802.00001"), ("category", "cs.CL"), ("since", "2017")],
        [("id", "1802.00001"), ("not", "hep-th/9711200"), ("since", "2017")],
        [("id", "1802.00001"), ("not", "hep-th/9711200"), ("category", "cs.CL")],
    ]


def test_several_papers_and_a_text_are_one_question(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1802.00001&id=1802.00002&text=a+text&rank=dense")
    assert page.one("h1").text == "Similar to both papers and a text"
    assert [address_of(url) for url in page.links("Leave out")] == [
        [("id", "1802.00002"), ("text", "a text"), ("rank", "dense")],
        [("id", "1802.00001"), ("text", "a text"), ("rank", "dense")],
    ]
    assert address_of(page.links("Leave the text out")[0]) == [
        ("id", "1802.00001"),
        ("id", "1802.00002"),
        ("rank", "dense"),
    ]
    assert page.by_id("q").text == "\n1802.00001\n1802.00002\na text"  # a browser drops the first line end


def test_a_hit_of_several_papers_tells_which_of_them_it_is_nearest_to(client: TestClient) -> None:
    question = "id=1802.00001&id=1802.00002&rank=dense&top=3"
    titles = {one: client.get(f"/api/paper/{one}").json()["title"] for one in ("1802.00001", "1802.00002")}
    expected = [
        "Nearest to " + "; ".join(f"{titles[one['id']]} ({one['cosine']:.2f})" for one in hit["near"])
        for hit in client.get(f"/api/similar?{question}").json()["hits"]
    ]
    assert [one.text for one in page_of(client, f"/similar?{question}").all("p", class_="near")] == expected


def test_each_hit_says_why_when_that_is_asked(client: TestClient) -> None:
    plain = page_of(client, "/similar?id=1801.00001&not=hep-th/9711200&top=30")
    assert not plain.all("details", class_="why")
    [*_, last] = whys = plain.links("Why?")
    assert len(whys) == 20
    assert last == "/similar?id=1801.00001&not=hep-th/9711200&explain=true&top=20#why-20"
    page = page_of(client, last)
    assert not page.links("Why?")
    assert ids_of(page) == ids_of(plain)[:20]
    hits = client.get("/api/similar?id=1801.00001&not=hep-th/9711200&explain=true&rank=hybrid&top=20").json()["hits"]
    for hit in hits:
        text = " ".join(page.by_id(f"why-{hit['rank']}").text.split())
        why = hit["why"]
        assert f"{why['by_vectors']} by meaning" in text
        assert " · ".join(term["text"] for term in why["terms"]) in text
        assert f"Closest sentences ({why['sentences']['cosine']:.2f})" in text
        assert f"Less like hep-th/9711200 ({why['unlike']['cosine']:.2f})" in text
    assert page.by_id("why-1").attributes.keys() >= {"open"}
    [more] = page.links("More results")
    assert ("explain", "true") not in address_of(more)
    saved = {one.text: address_of(one["href"]) for one in page.all("a") if "download" in one.attributes}
    assert [name for name, items in saved.items() if ("explain", "true") in items] == ["JSON", "Markdown"]


def test_the_reasons_of_a_hit_are_text_and_their_formulas_mathml(client: TestClient) -> None:
    page = page_of(client, "/similar?text=We+measure+%3Cb%3E+$x%5E2$+with+care.&explain=true&top=20")
    [quoted, *_] = page.all("q")
    assert quoted.text.startswith("We measure <b> ")
    assert any(one.tag == "math" and quoted in one.inside for one in page.elements)


def test_a_short_text_is_the_heading(client: TestClient) -> None:
    page = page_of(client, "/similar?text=dark+%3Cb%3Ematter")
    assert page.one("h1").text == "Similar to “dark <b>matter”"
    assert not page.all("blockquote")
    assert (
        page_of(client, f"/similar?text={'dark+matter+' * 20}x").one("blockquote").text.startswith("dark matter dark")
    )


def test_more_results_keep_those_that_are_there(client: TestClient) -> None:
    few = page_of(client, "/similar?id=1802.00001")
    [url] = few.links("More results")
    assert url == "/similar?id=1802.00001&top=30#hit-11"
    more = page_of(client, url)
    assert ids_of(more)[:10] == ids_of(few)
    assert more.by_id("hit-11")
    assert not page_of(client, "/similar?id=1802.00001&top=100").links("More results")


def test_the_form_keeps_what_is_asked(client: TestClient) -> None:
    page = page_of(
        client, "/similar?id=1802.00001&not=1802.00003&category=cs.CL&author=Ada&author=Alan&rank=dense&fold=true"
    )
    assert page.by_id("category")["value"] == "cs.CL"
    assert page.by_id("author")["value"] == "Ada; Alan"
    assert "open" in page.one("details", class_="filters").attributes
    hidden = {(one["name"], one["value"]) for one in page.all("input", type="hidden")}
    assert hidden == {("not", "1802.00003"), ("rank", "dense"), ("fold", "true")}
    assert ("hep-th", "2 papers") in [(one["value"], one.text) for one in page.all("option")[2:]]
    assert [one.text for one in page.all("option")[:2]] == ["first", "second"]


def test_the_first_page_says_what_there_is(client: TestClient) -> None:
    page = page_of(client, "/")
    assert "all 44 arXiv papers" in page.one("p", class_="lead").text
    assert "44 papers, the newest of 1 February 2018." in page.one("footer").text
    assert page.links("The Large N Limit") == ["/similar?id=hep-th/9711200"]
    assert "autofocus" in page.by_id("q").attributes


@pytest.mark.parametrize("form", ["bib", "ris", "csv", "json", "md"])
def test_the_list_is_saved_as_a_file(client: TestClient, form: str) -> None:
    page = page_of(client, "/similar?id=hep-th/9711200&rank=dense&top=3")
    [url] = [one["href"] for one in page.all("a") if one["href"].startswith(f"/similar.{form}")]
    response = client.get(url)
    assert response.headers["content-disposition"] == f'attachment; filename="similar-to-hep-th-9711200.{form}"'
    assert [re.search(f"{one}(?!.*{one}.*{ids_of(page)[0]})", response.text) for one in ids_of(page)]
    if form == "csv":
        assert [row["id"] for row in csv.DictReader(io.StringIO(response.text))] == ids_of(page)
    if form == "json":
        assert [hit["id"] for hit in json.loads(response.text)[0]["hits"]] == ids_of(page)


def test_a_reading_list_keeps_its_order_and_names_what_the_index_lacks(client: TestClient) -> None:
    page = page_of(client, "/list?id=hep-th/9711200&id=1999.00001&id=1802.00001")
    assert ids_of(page) == ["hep-th/9711200", "1999.00001", "1802.00001"]
    assert "2 papers." in page.by_id("summary").text
    assert page.links("Find papers similar to all of these") == ["/similar?id=hep-th/9711200&id=1802.00001"]
    assert page.links("Remove")[0] == "/list?id=1999.00001&id=1802.00001"
    [url] = page.links("CSV")
    assert [row["id"] for row in csv.DictReader(io.StringIO(client.get(url).text))] == ["hep-th/9711200", "1802.00001"]
    assert page_of(client, "/list").one("p", class_="none")


def test_papers_are_added_to_a_reading_list_by_the_field(client: TestClient) -> None:
    response = client.get("/list?id=1802.00001&q=The+Large+N+Limit")
    assert response.headers["location"] == "/list?id=1802.00001&id=hep-th/9711200"
    url = "/list?" + "&".join(f"id=1802.{n:05}" for n in range(1, 102))
    assert "at most 100" in page_of(client, url, 400).by_id("problem").text


LACKING, WRONG, NOWHERE = "That paper is not in the index", "That cannot be asked", "There is no such page"


@pytest.mark.parametrize(
    ("path", "status", "heading", "told", "way"),
    [
        ("?id=1802.09999", 404, LACKING, "1802.09999 is not in the index", "https://arxiv.org/abs/1802.09999"),
        ("?id=2601.00001&id=1802.00001", 404, LACKING, "newer than the index", "?id=1802.00001"),
        ("?id=no+such+title", 400, "That is no paper of the index", "neither an arXiv id", "?text=no+such+title"),
        ("?id=1802.0001", 400, "That is no paper of the index", "five digits", "/"),
        ("?id=1802.00001&since=20x", 400, WRONG, "Since '20x' is not a date", "?id=1802.00001"),
        ("?id=1802.00001&category=cs.XX", 400, "There is no such category", "cs.XX", "?id=1802.00001"),
        ("?id=1802.00001&colour=red", 400, WRONG, "There is no parameter 'colour'", "?id=1802.00001"),
        ("?id=1802.00001&index=third", 400, WRONG, "first, second", "/"),
        (".exe?id=1802.00001", 404, NOWHERE, "no such page", "/"),
    ],
)
def test_a_problem_is_told_with_a_way_on(
    client: TestClient, path: str, status: int, heading: str, told: str, way: str
) -> None:
    page = page_of(client, f"/similar{path}", status)
    assert page.one("h1").text == heading
    assert told in page.by_id("problem").text
    assert (way if way.startswith(("/", "https:")) else f"/similar{way}") in [one["href"] for one in page.all("a")]
    assert page.by_id("q").text == "".join(f"\n{value}" for name, value in address_of(path) if name == "id")


def test_a_wrong_filter_is_marked(client: TestClient) -> None:
    page = page_of(client, "/similar?id=1802.00001&category=cs.CL&author=%26", 400)
    assert page.by_id("author")["aria-invalid"] == "true"
    assert page.by_id("author")["aria-describedby"] == page.by_id("problem")["id"]
    assert "aria-invalid" not in page.by_id("category").attributes


def test_a_page_that_waits_for_the_model_asks_again(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_question: Question, _index: str = "") -> Future[Answer]:
        failed: Future[Answer] = Future()
        failed.set_exception(Busy("the model is being loaded; ask again in some seconds", retry_after_s=3))
        return failed

    monkeypatch.setattr(service, "ask", busy)
    response = client.get("/similar?text=a+text")
    assert response.status_code == 503
    assert response.headers["refresh"] == response.headers["retry-after"] == "3"
    assert Page(response.text).by_id("problem").text == "The model is being loaded."
    assert "This page asks again by itself." in response.text


def test_without_a_model_a_text_can_be_asked_by_its_words(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def fail(_question: Question, _index: str = "") -> Future[Answer]:
            raise ModelError("the model is not there", where="/secret/folder", hint="lunacy --secret")

        patched.setattr(service, "ask", fail)
        response = client.get("/similar?text=paper+1802.00007")
    assert response.status_code == 503
    assert "secret" not in response.text
    [url] = Page(response.text).links("Ask by words alone")
    assert ids_of(page_of(client, url))[0] == "1802.00007"


def test_a_failure_shows_no_traceback(client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_question: Question, _index: str = "") -> Future[Answer]:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(service, "ask", fail)
    response = client.get("/similar?id=1802.00001")
    assert response.status_code == 500
    assert Page(response.text).one("h1").text == "The server failed"
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_a_long_page_is_made_in_a_thread_of_its_own(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def noted(template: str, **values: object) -> str:
        threads.append(threading.get_ident())
        return render(template, **values)

    monkeypatch.setattr("lunacy.serve.page.page_maker.render", noted)
    monkeypatch.setattr("lunacy.serve.page.page_maker._MANY", 20)
    for top in (5, 6, 40):
        page_of(client, f"/similar?id=1802.00001&top={top}")
    assert threads[0] == threads[1] != threads[2]


def test_no_page_has_a_script_or_a_style_of_its_own(client: TestClient) -> None:
    for url in ("/", "/similar?id=1801.00001", "/similar?text=a+text", "/list?id=1801.00001", "/nowhere"):
        for one in Page(client.get(url).text).elements:
            assert one.tag != "style"
            assert not {name for name in one.attributes if name == "style" or name.startswith("on")}, one
            assert one.tag != "script" or (one["src"] and not one.text)


def test_every_link_of_a_page_leads_somewhere(client: TestClient) -> None:
    for url in ("/", "/similar?id=1801.00001&not=1802.00003&author=Ada", "/list?id=1801.00001"):
        page = Page(client.get(url).text)
        links = [one.attributes.get("href") or one.attributes.get("src", "") for one in page.elements]
        for link in {urlsplit(link)._replace(fragment="").geturl() for link in links if link.startswith("/")}:
            assert client.get(link).status_code in (200, 303), link


def test_below_another_site_every_link_stays_there(service: Service) -> None:
    with TestClient(create_app(service), base_url="http://localhost", root_path="/papers") as client:
        page = page_of(client, "/papers/similar?id=1802.00001")
    own = [one["href"] for one in page.all("a") if not one["href"].startswith(("https:", "#"))]
    assert own
    assert all(link.startswith("/papers/") for link in own)


def test_a_browser_can_add_it_to_its_search_engines(client: TestClient) -> None:
    response = client.get("/opensearch.xml")
    assert response.headers["content-type"].startswith("application/opensearchdescription+xml")
    assert 'template="http://localhost/?q={searchTerms}"' in response.text
