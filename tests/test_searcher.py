"""An index folder answers what every `Searcher` must (tests/searcher.py)."""

from __future__ import annotations

import pytest

from tests.searcher import *  # noqa: F403
from tests.searcher import fill


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The papers in an index folder."""
    return str(fill(tmp_path_factory.mktemp("searcher") / "index"))
