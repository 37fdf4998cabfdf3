"""The page, as HTML that the server makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service
from lunacy.serve.pages import page_routes


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = Path(tmp_path_factory.mktemp("page")) / "sample"
    lunacy.build_index(into=folder)
    service = Service([folder])
    with TestClient(Starlette(routes=page_routes(service)), follow_redirects=False) as client:
        yield client
    service.close()


def test_several_ids_in_a_line_are_several_papers(page: TestClient) -> None:
    response = page.get("/", params={"q": "1802.05130, arXiv:1802.05121v2"})
    assert response.status_code == 303
    assert response.headers["location"] == "/similar?id=1802.05130&id=1802.05121"


def test_the_hits_of_a_paper_are_listed(page: TestClient) -> None:
    assert "https://arxiv.org/abs/1802.05121" in page.get("/similar?id=1802.05130").text
