"""The API: the same answers as in Python, as its own description says, and each refusal with its status."""

from __future__ import annotations

import json
import random
import re
from concurrent.futures import Future
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import Route
from starlette.testclient import TestClient

import lunacy
from lunacy.answer import Answer
from lunacy.query.service import Service
from lunacy.question import Asked
from lunacy.serve import bounds
from lunacy.serve.api.routes import api_routes
from lunacy.serve.app import create_app
from lunacy.serve.parameter_table import PARAMETERS
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.conftest import IDS


@pytest.fixture(scope="module")
def described(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/api/openapi.json").json())


def require_schema(described: dict[str, Any], name: str, record: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    Draft202012Validator.check_schema(described["components"]["schemas"][name])
    Draft202012Validator(schema).validate(record)


def random_question(rng: random.Random) -> dict[str, Any]:
    asked: dict[str, Any] = {"id": rng.sample(IDS, rng.randint(0, 3)), "top": rng.randint(1, 50)}
    asked |= {"text": "some words"} if rng.random() < 0.3 or not asked["id"] else {}
    asked |= rng.choice([{}, {"not": [rng.choice(IDS)]}, {"category": ["cs.CL", "hep-*"]}, {"author": ["Lovelace"]}])
    asked |= rng.choice([{}, {"rank": "hybrid"}, {"rank": "lexical"}, {"since": "2018-02", "until": "2y"}])
    asked |= rng.choice([{}, {"fold": True}, {"diverse": 0.5}, {"min_score": 0.1}, {"include_withdrawn": True}])
    return asked


KEYWORDS = {"id": "papers", "not": "unlike"}


@pytest.mark.parametrize("seed", range(40))
def test_by_get_and_post_the_answer_is_that_of_python(
    client: TestClient, service: Service, described: dict[str, Any], seed: int
) -> None:
    asked = random_question(random.Random(seed))
    keywords: Any = {KEYWORDS.get(name, name): value for name, value in asked.items()}
    together = len(asked["id"]) + ("text" in asked) > 1
    expected = service.ask(lunacy.Question(**keywords, together=together)).result().as_record()
    by_post = client.post("/api/similar", json=asked)
    written = {name: str(value).lower() if isinstance(value, bool) else value for name, value in asked.items()}
    by_get = client.get("/api/similar", params=written)
    assert by_get.json() == by_post.json() == expected
    assert by_get.headers["etag"] == by_post.headers["etag"]
    require_schema(described, "Answer", expected)


def test_several_ids_in_one_value_are_several_papers(client: TestClient) -> None:
    in_one = client.get("/api/similar", params={"id": f"{IDS[0]}, {IDS[1]}"}).json()
    assert in_one == client.get("/api/similar", params={"id": IDS[:2]}).json()
    assert in_one["query"]["ids"] == IDS[:2]


def test_a_title_is_as_good_as_an_id(client: TestClient) -> None:
    by_title = client.get("/api/similar", params={"id": f"On {IDS[3]}"}).json()
    assert by_title["query"]["ids"] == [IDS[3]]
    assert "was taken as the title" in by_title["notes"][0]


@pytest.mark.parametrize("form", ["hep-th/9711200", "hep-th%2F9711200", "https://arxiv.org/abs/hep-th/9711200v2"])
def test_a_paper_is_whole_by_any_form_of_its_id(client: TestClient, described: dict[str, Any], form: str) -> None:
    shown = client.get(f"/api/paper/{form}")
    assert shown.json()["id"] == "hep-th/9711200"
    assert shown.json()["abstract"] == "We study hep-th/9711200."
    require_schema(described, "Paper", shown.json())


def test_info_and_health_are_as_described(client: TestClient, described: dict[str, Any]) -> None:
    info, health = client.get("/api/info").json(), client.get("/api/health").json()
    require_schema(described, "Indexes", info)
    require_schema(described, "Health", health)
    [index] = info["indexes"]
    assert (index["name"], index["papers"], index["ranking"]) == ("papers", len(IDS), "hybrid")
    assert health["status"] == "ok"


REFUSED = {
    "id=2999.00001": (404, "2999.00001 is not in the index"),
    "id=9999.9999999x": (400, "neither an arXiv id"),
    "": (400, "there is nothing to look for; give id or text"),
    "text=+": (400, "there is nothing to look for; give id or text"),
    "id=": (400, "id is empty"),
    "ids=1802.00001": (400, "there is no parameter 'ids'; did you mean 'id'?"),
    "papers=1802.00001": (400, "there is no parameter 'papers'"),
    "id=1802.00001&top=0": (400, "top is 0; give a whole number from 1 to 500"),
    "id=1802.00001&top=501": (400, "top is 501; give a whole number from 1 to 500"),
    "id=1802.00001&top=3.5": (400, 'top is "3.5"; give a whole number from 1 to 500'),
    "id=1802.00001&top=1_0": (400, "give a whole number"),
    "id=1802.00001&top=3&top=4": (400, "top is given 2 times; give it once"),
    "id=1802.00001&fold=maybe": (400, 'fold is "maybe"; give true or false'),
    "id=1802.00001&diverse=nan": (400, "give a number from 0 to 1"),
    "id=1802.00001&explain=1&top=21": (400, "with explain ask for at most 20"),
    "id=1802.00001&min_score=inf": (400, "give a number from -1,000 to 1,000"),
    "id=1802.00001&rank=best": (400, "rank 'best' is unknown; choose one of dense, hybrid, lexical"),
    "id=1802.00001&category=cs.XQ9": (400, "arXiv has no category 'cs.XQ9'"),
    "id=1802.00001&category=": (400, "category is empty; give one, such as cs.*"),
    "id=1802.00001&since=soon": (400, "since 'soon' is not a date"),
    "id=1802.00001&since=2020&until=2019": (400, "since 2020 is after until 2019"),
    "id=1802.00001&author=...": (400, "has no letters"),
    "id=1802.00001&nprobe=3": (400, "it needs ivf"),
    "id=1802.00001&ivf=true": (400, "the index has no IVF lists"),
    "id=1802.00001&text=words&ivf=1": (400, "ivf searches for one id or text"),
    "id=1802.00001&not=1802.00002&not=1802.00003&ivf=1": (400, "not has 2 ids; ivf goes with one"),
    "text=words&include_self=true": (400, "include_self lists the paper that is asked for"),
    "id=1802.00001&index=other": (400, "there is no index 'other'"),
    "id=" + "1802.00001&id=" * 100 + "1802.00002": (400, "id has 101 values; give at most 100"),
    "&".join(["id=1802.00001"] * 50) + "&id=" + "1802.00002&fold=1": (
        400,
        "fold takes too long with 51 papers and 10 hits",
    ),
    "&".join(["id=1802.00001"] * 10) + "&id=" + "1802.00002&fold=1&top=500": (
        400,
        "fold takes too long with 11 papers and 500 hits",
    ),
    "text=" + "a" * 5001: (400, "text has 5,001 characters; give at most 5,000"),
    "id=" + "a" * 501: (400, "id has 501 characters; give at most 500"),
}


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:40])
def test_what_cannot_be_meant_is_refused_in_the_words_of_the_web(
    client: TestClient, described: dict[str, Any], query: str
) -> None:
    status, message = REFUSED[query]
    refused = client.get(f"/api/similar?{query}")
    require_schema(described, "Error", refused.json())
    told = refused.json()["error"]
    assert (refused.status_code, told["status"]) == (status, status)
    assert message in told["message"]
    for word in (
        "--",
        "unlike",
        "papers is",
        "papers has",
        "similar_to",
        "lunacy ",
    ):  # names of Python, and of the command line
        assert word not in f"{told['message']} {told['hint']}"


TYPES = {
    '{"id": "1802.00001", "top": "3"}': 'top is "3"; give a whole number',
    '{"id": "1802.00001", "top": true}': "top is true; give a whole number",
    '{"id": "1802.00001", "top": 3.0}': "top is 3.0; give a whole number",
    '{"id": "1802.00001", "fold": 1}': "fold is 1; give true or false",
    '{"id": 1802.00001}': "id is 1802.00001; give text, or a list of texts",
    '{"id": ["1802.00001", 5]}': "id is a list; give text, or a list of texts",
    '{"id": {}}': "id is an object",
    '{"text": ["a"]}': "text is a list; give text",
    '["1802.00001"]': "the body is not a JSON object",
    "id=1802.00001": "the body is not JSON",
    "": "the body is not JSON",
    '{"id": "1802.00001", "Top": 3}': "there is no parameter 'Top'; did you mean 'top'?",
}


@pytest.mark.parametrize("body", TYPES)
def test_json_has_strict_types(client: TestClient, body: str) -> None:
    refused = client.post("/api/similar", content=body)
    assert refused.status_code == 400
    assert TYPES[body] in refused.json()["error"]["message"]


def test_null_in_json_is_as_if_it_were_not_there(client: TestClient) -> None:
    bare = client.post("/api/similar", json={"id": IDS[0]})
    assert client.post("/api/similar", json={"id": IDS[0], "text": None, "top": None}).json() == bare.json()


def test_parameters_in_the_address_of_a_post_are_not_passed_over(client: TestClient) -> None:
    refused = client.post("/api/similar?top=3", json={"id": IDS[0]})
    assert "no parameter 'top'; it takes none in the address" in refused.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/api/nothing", "/api/similar/", "/api", "/api/"])
def test_an_unknown_address_is_told_in_json_under_api(client: TestClient, path: str) -> None:
    missing = client.get(path)
    assert missing.status_code == 404
    assert missing.json()["error"]["type"] == "NotFound"


def test_methods_are_named(client: TestClient) -> None:
    refused = client.delete("/api/similar")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    asked = client.options("/api/batch")
    assert (asked.status_code, asked.headers["allow"]) == (204, "OPTIONS, POST")
    head = client.head("/api/similar", params={"id": IDS[0]})
    assert (head.status_code, head.headers["content-type"]) == (200, "application/json")


def test_who_waits_too_long_is_told_so_and_the_question_is_taken_back(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: Future[Answer] = Future()
    monkeypatch.setattr(bounds, "WAIT_S", 0.01)
    monkeypatch.setattr(service, "ask", lambda *_given: waiting)
    refused = client.get("/api/similar", params={"id": IDS[0]})
    assert (refused.status_code, refused.json()["error"]["type"]) == (503, "Busy")
    assert waiting.cancelled()


def test_several_indexes_are_asked_by_name(small_index: Path, tmp_path: Path) -> None:
    other = tmp_path / "others"
    (tmp_path / "snapshot.jsonl").write_bytes(lines([record("2001.00001"), record("2001.00002")]))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=other, embedder=FakeEmbedder())
    with Service([small_index, other], embedder=FakeEmbedder()) as both, TestClient(create_app(both)) as client:
        client.headers["host"] = "localhost"
        assert [one["name"] for one in client.get("/api/info").json()["indexes"]] == ["papers", "others"]
        assert client.get("/api/similar?id=2001.00001").status_code == 404
        [hit] = client.get("/api/similar?id=2001.00001&index=others").json()["hits"]
        assert hit["id"] == "2001.00002"
        assert client.get("/api/paper/2001.00002?index=others").json()["id"] == "2001.00002"
        assert client.get(f"/api/paper/{IDS[0]}?index=papers").json()["id"] == IDS[0]
        described = client.get("/api/openapi.json").json()["components"]["schemas"]
        assert described["Question"]["properties"]["index"]["enum"] == ["papers", "others"]


def test_each_parameter_is_described_and_each_description_is_a_parameter(described: dict[str, Any]) -> None:
    named = {one["name"] for one in described["paths"]["/api/similar"]["get"]["parameters"]}
    assert named == set(described["components"]["schemas"]["Question"]["properties"])
    assert {"id", "not", "text", "index", "min_score"} <= named
    question = Draft202012Validator(described["components"]["schemas"]["Question"])
    assert question.is_valid({"id": "1802.00001", "top": 3, "category": ["cs.*"], "fold": True})
    for wrong in ({"top": 0}, {"top": "3"}, {"ids": []}, {"rank": "best"}, {"diverse": 2}, {"text": "a" * 5001}):
        assert not question.is_valid(wrong)


def test_all_that_python_can_ask_can_be_asked_here_but_for_lists_of_ids() -> None:
    keywords = {one.keyword for one in PARAMETERS if one.keyword}
    assert get_type_hints(Asked).keys() - keywords == {"only_ids", "not_ids", "together"}
    assert keywords <= get_type_hints(Asked).keys()


def test_what_is_described_is_what_is_there(described: dict[str, Any], service: Service) -> None:
    there: dict[str, set[str]] = {}
    for route in api_routes(service):
        assert isinstance(route, Route)
        there[route.path.replace(":path", "")] = {one.lower() for one in route.methods or ()} - {"head"}
    assert {path: set(operations) for path, operations in described["paths"].items()} == there
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)):
        assert reference in described["components"]["schemas"]
    operations = [one for path in described["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in operations:
        for parameter in one["parameters"]:
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])
