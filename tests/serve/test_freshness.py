"""Entity tags: who has the answer of the last commit is not sent it again, and nothing is sought."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service
from lunacy.serve.app import create_app
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.conftest import IDS

ADDRESSES = [f"/api/similar?id={IDS[0]}&top=3", "/api/similar?text=words", f"/api/paper/{IDS[0]}"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_who_has_the_answer_is_not_sent_it_again(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    first = client.get(address)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    monkeypatch.setattr(service, "ask", None)  # nothing is asked
    monkeypatch.setattr(service, "paper", None)
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        again = client.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_another_question_has_another_tag(client: TestClient) -> None:
    asked = ["", "&top=5", "&rank=hybrid", "&since=2018", "&not=1802.00007", "&text=words", "&fold=1", "&author=Ada"]
    tags = {client.get(f"/api/similar?id={IDS[0]}{more}").headers["etag"] for more in asked}
    assert len(tags) == len(asked)
    same = [f"id={IDS[0]}&top=10&rank=dense", f"fold=false&id={IDS[0]}", f"id={IDS[0]}&index=papers"]
    assert len({client.get(f"/api/similar?{one}").headers["etag"] for one in same}) == 1


def test_only_what_is_explained_has_another_tag_when_the_model_is_there(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, explained = f"/api/similar?id={IDS[0]}", f"/api/similar?id={IDS[0]}&explain=true"
    tags = [client.get(address).headers["etag"] for address in (plain, explained)]
    monkeypatch.setattr(service, "model_state", lambda _index="": "loading")
    now = [client.get(address).headers["etag"] for address in (plain, explained)]
    assert now[0] == tags[0]
    assert now[1] != tags[1]


def test_a_commit_changes_the_tag_and_the_answer(small_index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    shutil.copytree(small_index, folder)
    service = Service([folder], embedder=FakeEmbedder())
    with TestClient(create_app(service), base_url="http://localhost") as client:
        before = client.get(f"/api/similar?id={IDS[0]}&top=100")
        (tmp_path / "more.jsonl").write_bytes(lines([record("1803.00001")]))
        lunacy.build_index(tmp_path / "more.jsonl", into=folder, embedder=FakeEmbedder())
        known = {"If-None-Match": before.headers["etag"]}
        after = client.get(f"/api/similar?id={IDS[0]}&top=100", headers=known)
        lunacy.build_lexical(folder)  # derived data alone
        newer = client.get(f"/api/similar?id={IDS[0]}&top=100", headers={"If-None-Match": after.headers["etag"]})
    service.close()
    assert newer.status_code == after.status_code == 200
    assert len(after.json()["hits"]) == len(before.json()["hits"]) + 1
