"""Papers and questions that mean ill: on the page they are text, in data they are data, in headers they are nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import bibtexparser
import pytest
import rispy
from httpx2 import Response
from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service
from lunacy.serve.app import create_app
from tests.conftest import FakeEmbedder, few_quick, lines, record
from tests.serve.hostile_papers import BOMBS, PAYLOADS, harmless_twin, id_of, ids, papers
from tests.serve.markup import Markup

SOME = PAYLOADS[::2]
ALL = f"id={id_of(0)}&top=500"
MakeClient = Callable[[str, Sequence[dict[str, object]]], TestClient]


@pytest.fixture(scope="module")
def client_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeClient]:
    """A function that serves papers, and gives a client."""
    opened: list[Service] = []

    def make(name: str, records: Sequence[dict[str, object]]) -> TestClient:
        folder = tmp_path_factory.mktemp("hostile")
        (folder / "snapshot.jsonl").write_bytes(lines(records))
        lunacy.build_index(folder / "snapshot.jsonl", into=folder / name, embedder=FakeEmbedder())
        opened.append(Service([folder / name], embedder=FakeEmbedder()))
        return TestClient(create_app(opened[-1]), base_url="http://localhost", follow_redirects=False)

    yield make
    for service in opened:
        service.close()


@pytest.fixture(scope="module")
def client(client_of: MakeClient) -> TestClient:
    return client_of("papers", papers(SOME))


def checked(response: Response) -> Response:
    """`response`, which is no failure and says what it is, and in which no header is forged and no path is told."""
    assert response.status_code < 500, response.text
    assert not {"set-cookie", "x-pwned"} & {*map(str.lower, response.headers)}
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not any(word in response.text for word in ("Traceback", "/hostile0", "site-packages"))
    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind == "text/html":
        Markup(response.text).assert_leads_nowhere_else()
    elif kind == "application/json":
        json.loads(response.text)
    if response.is_redirect:
        assert response.headers["location"].startswith("/")
        assert not response.headers["location"].startswith(("//", "/\\"))
    return response


@pytest.mark.parametrize("step", few_quick([5, 1], 5))
def test_hostile_papers_add_no_element_and_no_attribute_to_a_page(client_of: MakeClient, step: int) -> None:
    """They are compared with papers of the same words in which nothing could run."""
    texts = PAYLOADS[::step]
    ill, well = client_of("papers", papers(texts)), client_of("papers", papers(map(harmless_twin, texts)))
    for path in (f"/similar?{ALL}", "/list?" + "&".join(f"id={id_of(n)}" for n in range(50))):
        found = [Markup(checked(one.get(path)).text).apart_from_formulas() for one in (ill, well)]
        assert found[0] == found[1]
        assert sum(found[0].values()) > 500


@pytest.mark.parametrize("step", few_quick([5, 1], 5))
def test_hostile_ids_add_no_element_and_no_attribute_to_a_page(client_of: MakeClient, step: int) -> None:
    """An id of no archive may be any printable word."""
    texts = ids(PAYLOADS[::step])
    found = []
    for named in (texts, [f"{harmless_twin(one)[:150]}{n:05}" for n, one in enumerate(texts)]):
        client = client_of("ids", [record(one, title="Title") for one in named])
        page = checked(client.get("/similar", params={"text": "anything", "top": 500})).text
        found.append(Markup(page).apart_from_formulas())
    assert found[0] == found[1]


def test_json_gives_every_text_as_it_is(client: TestClient) -> None:
    answer = checked(client.get(f"/api/similar?{ALL}&include_self=true")).json()
    titles = {hit["id"]: hit["title"] for hit in answer["hits"]}
    assert titles == {id_of(n): " ".join(text.split()) for n, text in enumerate(SOME)}


def test_csv_has_a_row_a_paper_and_no_cell_that_a_spreadsheet_runs(client: TestClient) -> None:
    rows = [*csv.DictReader(io.StringIO(checked(client.get(f"/similar.csv?{ALL}")).text, newline=""))]
    assert {row["id"] for row in rows} == {id_of(n) for n in range(1, len(SOME))}
    cells = [cell for row in rows for name, cell in row.items() if name not in ("score", "cosine", "lexical")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_bibtex_has_an_entry_a_paper(client: TestClient) -> None:
    library = bibtexparser.parse_string(checked(client.get(f"/similar.bib?{ALL}")).text)
    assert library.failed_blocks == []
    assert {one["eprint"] for one in library.entries} == {id_of(n) for n in range(1, len(SOME))}
    assert not {one.entry_type for one in library.entries} - {"article", "misc"}


def test_ris_has_a_record_a_paper(client: TestClient) -> None:
    records = rispy.loads(checked(client.get(f"/similar.ris?{ALL}")).text)
    assert len(records) == len(SOME) - 1


@pytest.mark.parametrize("suffix", ["bib", "ris", "csv", "json", "md"])
def test_no_browser_takes_an_export_for_a_page(client: TestClient, suffix: str) -> None:
    headers = checked(client.get(f"/similar.{suffix}?{ALL}")).headers
    assert not headers["content-type"].startswith(("text/html", "application/xhtml", "image/svg", "text/xml"))


ONE = f"id={id_of(0)}"
PLACES = [
    *("/?q=%s", "/similar?id=%s", "/similar?text=%s", "/similar?text=x&not=%s", "/list?id=%s", "/%s", "/static/%s"),
    *(f"/similar?{ONE}&{name}=%s" for name in "category since until updated_since author rank index top".split()),
    *(f"/similar?{ONE}&{name}=%s" for name in "min_score diverse fold include_self nprobe more %s".split()),
    *(f"/similar.{suffix}?text=%s&top=3" for suffix in "bib ris csv json md %s".split()),
    *("/paper/%s", "/abs/%s", "/api/paper/%s", "/api/similar?id=%s", "/api/similar?text=%s", "/api/%s"),
    *(f"/list.{suffix}?id=%s" for suffix in "bib md".split()),
]  # fmt: skip
CASES = [(place, text) for place in PLACES for text in [*PAYLOADS, *BOMBS[:5]]]


def ask(client: TestClient, place: str, text: str) -> None:
    written = quote(text[:6_000], safe="")
    response = checked(client.get(place.replace("%s", written)))
    if response.is_redirect:
        checked(client.get(response.headers["location"]))


def test_a_hostile_question_adds_nothing_to_a_page_and_no_header(client: TestClient) -> None:
    for place, text in CASES[:: len(CASES) // 100]:
        ask(client, place, text)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_every_hostile_question_adds_nothing_to_a_page_and_no_header(client: TestClient, place: str) -> None:
    for text in [*PAYLOADS, *BOMBS[:5]]:
        ask(client, place, text)


@pytest.mark.parametrize("path", ["/api/similar", "/api/batch"])
def test_a_hostile_body_is_refused_or_answered_as_json(client: TestClient, path: str) -> None:
    for text in PAYLOADS[::40]:
        for body in ({"id": [text]}, {"text": text}, {text: text}, [text], {"id": [id_of(0)], "author": [text]}):
            checked(client.post(path, json=body))
        checked(client.post(path, content=text.encode(), headers={"Content-Type": text.encode("ascii", "ignore")[:9]}))
