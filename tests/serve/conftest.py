"""One small index, asked by a client of the whole server, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service
from lunacy.serve.app import create_app
from tests.conftest import FakeEmbedder, lines, record

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IDS = [f"1802.{n:05}" for n in range(1, 41)] + ["hep-th/9711200"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests that are marked `browser`."""
    from tests.serve.browser import chromium  # what it imports takes a while

    with chromium() as one:
        yield one


@pytest.fixture(scope="session")
def small_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some forty papers with made-up vectors, and their words."""
    base = tmp_path_factory.mktemp("serve")
    records = [record(one, title=f"On {one}", abstract=f"We study {one}.") for one in IDS]
    (base / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "papers", embedder=FakeEmbedder())
    lunacy.build_lexical(base / "papers")
    return base / "papers"


@pytest.fixture(scope="session")
def service(small_index: Path) -> Iterator[Service]:
    """Open over `small_index`."""
    opened = Service([small_index], embedder=FakeEmbedder())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[TestClient]:
    """A client of the server, at this machine; redirects are not followed."""
    with TestClient(create_app(service), base_url="http://localhost:8765", follow_redirects=False) as one:
        yield one
