"""An update that is killed at any file operation: the next loses nothing, doubles nothing, and asks nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lunacy.pipeline import build_index
from lunacy.store import verify
from tests.conftest import FakeEmbedder, few_quick, lines
from tests.harvest.archive import kaggle
from tests.harvest.server import Server
from tests.harvest.test_update import NOW, OLD, bring_whole, papers_of
from tests.reliability.children import ENVIRONMENT, ROOT
from tests.reliability.counts import DONE
from tests.test_scope import recorded_source

Run = Callable[[Path, str, int], dict[str, int]]
N_POINTS = 50  # of the file operations of an update, evenly


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A function that updates an index in a process that is killed before its file operation `at`; 0: never."""
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.harvest.driver"],
        cwd=ROOT,
        env=ENVIRONMENT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert driver.stdin is not None
    assert driver.stdout is not None

    def call(folder: Path, url: str, at: int) -> Any:
        print(json.dumps({"folder": str(folder), "url": url, "at": at}), file=driver.stdin, flush=True)
        return json.loads(driver.stdout.readline())  # type: ignore[union-attr]

    yield call
    driver.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(NOW, day="2026-11-26").running() as running:
        yield running


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of OLD, and beside it one of NOW."""
    home = tmp_path_factory.mktemp("kills")
    (home / "old.jsonl").write_bytes(lines(map(kaggle, OLD)))
    build_index(home / "old.jsonl", into=home / "index", embedder=FakeEmbedder())
    bring_whole(home, NOW)
    return home / "index"


@pytest.fixture(scope="module")
def n_operations(run: Run, server: Server, before: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many file operations a whole update has."""
    folder = tmp_path_factory.mktemp("count") / "index"
    shutil.copytree(before, folder)
    done = run(folder, server.url, 0)
    assert done["status"] == 0
    assert done["n"] > N_POINTS
    return done["n"]


@pytest.mark.parametrize("point", few_quick(range(N_POINTS), 8, 20, 35, 48))
def test_an_update_that_was_killed_is_finished_by_the_next(
    run: Run, server: Server, before: Path, n_operations: int, tmp_path: Path, point: int
) -> None:
    folder = tmp_path / "index"
    shutil.copytree(before, folder)
    server.log.clear()
    at = 1 + point * (n_operations - 1) // N_POINTS
    assert run(folder, server.url, at)["signal"] == signal.SIGKILL
    DONE["updates killed"] += 1
    assert verify(folder) == []
    assert run(folder, server.url, 0)["status"] == 0
    assert papers_of(folder) == papers_of(before.parent / "whole")
    assert recorded_source(folder) == ("harvest", "2026-11-26")
    assert verify(folder) == []
    kept = sorted((folder / "harvest").glob("*.gz"))
    build_index([before.parent / "old.jsonl", *kept], into=tmp_path / "again", embedder=FakeEmbedder())
    assert papers_of(tmp_path / "again") == papers_of(folder)  # as a lost index is built again
    asked = Counter(query.get("resumptionToken", query.get("from", "")) for _at_s, query in server.log)
    assert sum(asked.values()) <= len(asked) + 1  # at most the page on whose way to the disk it was killed
