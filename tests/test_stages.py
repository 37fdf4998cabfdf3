"""How a build spends its time: little is lost when it is killed, and what is embedded when it is stopped is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lunacy import build_index
from lunacy.embedding import Embedded, Prepared
from lunacy.pipeline import stages
from lunacy.store import verify
from tests.conftest import FakeEmbedder, record


def papers(n: int) -> list[dict[str, Any]]:
    return [record(f"1802.{number:05}") for number in range(n)]


def n_committed(folder: Path) -> int:
    """How many papers another program sees."""
    if not (folder / "papers.db").exists():
        return 0
    with closing(sqlite3.connect(f"file:{folder}/papers.db?mode=ro", uri=True)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        return int(database.execute("SELECT count(*) FROM papers").fetchone()[0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


class Timed(FakeEmbedder):
    """It takes as many seconds for a text as `pace` says, on a clock of its own."""

    def __init__(self, folder: Path, pace: Callable[[int], float]) -> None:
        super().__init__()
        self.now = 0.0
        self.calls: list[tuple[int, float]] = []  # texts, seconds
        self.most_lost_s = 0.0
        self._folder = folder
        self._pace = pace
        self._ends_s: list[float] = []  # when each text was embedded

    def run(self, prepared: Prepared) -> Embedded:
        """Before and after each call, what a kill would lose: the time since the first text that is not committed."""
        began_s = self.now
        self._look()
        for _text in prepared.texts:
            self.now += self._pace(len(self._ends_s))
            self._ends_s.append(self.now)
        self._look()
        self.calls.append((len(prepared.texts), self.now - began_s))
        return super().run(prepared)

    def _look(self) -> None:
        n = n_committed(self._folder)
        if n < len(self._ends_s):
            self.most_lost_s = max(self.most_lost_s, self.now - (self._ends_s[n - 1] if n else 0))


@pytest.fixture
def timed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Timed]:
    """Build an index with an embedder of some pace; each part is stored before the next one is embedded."""
    monkeypatch.setattr(stages, "_DEPTH", 0)

    def make(pace: Callable[[int], float]) -> Timed:
        embedder = Timed(folder, pace)
        monkeypatch.setattr(stages, "time", SimpleNamespace(monotonic=lambda: embedder.now))
        return embedder

    return make


@pytest.mark.parametrize(
    "pace",
    [
        lambda _n: 1,  # a slow machine
        lambda _n: 4,  # a very slow one
        lambda n: 0.2 if n < 120 else 1,  # another program begins
        lambda n: 0.5 + n % 7,
    ],
)
def test_a_kill_loses_at_most_a_minute_of_embedding(
    timed: Callable[..., Timed], folder: Path, write_snapshot: Callable[..., Path], pace: Callable[[int], float]
) -> None:
    embedder = timed(pace)
    build_index(write_snapshot(papers(250)), into=folder, embedder=embedder)
    assert embedder.most_lost_s <= 60
    assert embedder.now > 100
    assert n_committed(folder) == 250
    assert verify(folder) == []


def test_a_call_takes_some_seconds_and_never_more_texts_than_the_model_wants(
    timed: Callable[..., Timed], folder: Path, write_snapshot: Callable[..., Path]
) -> None:
    embedder = timed(lambda n: 0.1 if n < 200 else 0.001)
    build_index(write_snapshot(papers(3000)), into=folder, embedder=embedder)
    sizes = [n for n, _seconds in embedder.calls]
    assert sizes[:4] == [8, 32, 48, 48]  # of the 512 that are read at once, parts of about 5 s
    assert sizes[-4:] == [512, 512, 512, 440]
    assert sum(sizes) == 3000


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_stopped_keeps_what_is_embedded(
    folder: Path, write_snapshot: Callable[..., Path], stop: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_FIRST_TEXTS", 10)
    monkeypatch.setattr(stages, "_GROWTH", 1)

    class Stopped(FakeEmbedder):
        def run(self, prepared: Prepared) -> Embedded:
            if len(self.texts) >= 30:
                raise stop
            return super().run(prepared)

    snapshot = write_snapshot(papers(100))
    with pytest.raises(stop):
        build_index(snapshot, into=folder, embedder=Stopped())
    assert n_committed(folder) == 30
    assert verify(folder) == []
    rest = FakeEmbedder()
    assert build_index(snapshot, into=folder, embedder=rest).counts.unchanged == 30
    assert len(rest.texts) == 70
    assert n_committed(folder) == 100


def test_a_run_that_is_stopped_before_its_first_vector_leaves_nothing(
    folder: Path, write_snapshot: Callable[..., Path]
) -> None:
    class Stopped(FakeEmbedder):
        def run(self, _prepared: Prepared) -> Embedded:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(write_snapshot(papers(100)), into=folder, embedder=Stopped())
    assert not folder.exists()
