"""The API: the same answers as in Python, and each refusal with its status."""

from __future__ import annotations

from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service


def test_an_answer_is_that_of_the_index(client: TestClient, service: Service) -> None:
    answer = client.get("/api/similar", params={"id": "1802.00001", "top": 3})
    asked = lunacy.Question(papers="1802.00001", top=3)
    assert answer.status_code == 200
    assert answer.json() == service.ask(asked).result().as_record()
