"""What the tests of the harvest share."""

from __future__ import annotations

import ssl
from functools import partial

import httpx2
import pytest

_CONTEXT = ssl.create_default_context()


@pytest.fixture(autouse=True)
def _quick_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificates of the system are loaded once: no test needs them, and they take 50 ms."""
    monkeypatch.setattr(httpx2, "Client", partial(httpx2.Client, verify=_CONTEXT))
