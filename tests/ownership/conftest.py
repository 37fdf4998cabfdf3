"""What these tests share: a healthy index, made once, and a copy of it for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lunacy.pipeline import refresh_caches
from lunacy.progress import no_report
from tests.conftest import FakeEmbedder
from tests.ownership.folder import make_index


def small(patch: pytest.MonkeyPatch) -> None:
    """Caches also for a few papers, and no model."""
    patch.setattr(refresh_caches, "__kwdefaults__", {"least_rows": 1, "progress": no_report, "note": None})
    patch.setattr("lunacy.derived.codes.LEAST_SEGMENT", 1)
    patch.setattr("lunacy.embedding.load", lambda model, **_options: FakeEmbedder(model))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without indexes, no index from the environment, and caches also for a few papers."""
    monkeypatch.delenv("LUNACY_INDEX", raising=False)
    monkeypatch.chdir(tmp_path)
    small(monkeypatch)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the index, and what an update takes; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        return make_index(tmp_path_factory.mktemp("own") / "home").parent


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(whole, tmp_path / "home"))
