"""The file of reading lists survives kills at any moment and two writers: what was acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lunacy.library import read_lists
from tests.reliability.counts import DONE

ADD = """
import sys
from pathlib import Path
from lunacy.library import add
path, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for number in range(first, last):
    add("thesis" if number % 2 else "talk", [f"2101.{number:05}"], path=path)
    print(f"2101.{number:05}", flush=True)
"""


def start(path: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ADD, str(path), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def on_lists(path: Path) -> set[str]:
    return {identifier for one in read_lists(path).values() for identifier in one.ids}


@pytest.mark.slow
def test_two_writers_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lists.jsonl"
    writers = [start(path, 1, 201), start(path, 201, 401)]
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    assert on_lists(path) == {f"2101.{number:05}" for number in range(1, 401)}
    assert len(path.read_text().splitlines()) == 400


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path, moments = tmp_path / "lists.jsonl", random.Random(0)
    path.write_text("# Mine.\n")
    acknowledged: set[str] = set()
    n_kills, first = 0, 1
    while n_kills < 30:
        one, other = start(path, first, first + 500), start(path, first + 500, first + 1000)
        first += 1000
        assert one.stdout is not None
        line = one.stdout.readline()  # it is at work
        time.sleep(moments.random() / 10)
        for writer in (one, other):
            writer.kill()
            acknowledged |= {*writer.communicate()[0].split()}
        acknowledged.add(line.strip())
        n_kills += 2
        found = on_lists(path)
        assert acknowledged <= found
        assert len(found - acknowledged) <= n_kills  # each may have been killed between the change and its word
        assert path.read_text().startswith("# Mine.\n")
    assert len(acknowledged) > 100
    from lunacy.library import add

    add("thesis", ["2201.00001"], path=path)
    assert {one.name for one in tmp_path.iterdir()} == {"lists.jsonl", "lists.jsonl.lock"}  # and nothing half made
    DONE["kills of writers of reading lists"] += n_kills
