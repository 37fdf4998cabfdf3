"""The bar of what takes long, and the lines where there is no terminal."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from lunacy import build_index
from lunacy.cli import main
from lunacy.cli.progress import ProgressBar
from lunacy.pipeline import remove
from tests.conftest import DIM, lines, record, vector_of
from tests.test_output import on_a_terminal

CLEARED = "\r\x1b[K\x1b[?25h"


class Stderr(io.StringIO):
    """Standard error, as it is or is not a terminal."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time, which goes on as a test says; nothing rings."""
    clock = SimpleNamespace(now=1000.0)
    told = SimpleNamespace(monotonic=lambda: clock.now, time=lambda: clock.now)
    monkeypatch.setattr("lunacy.cli.progress.time", told)
    monkeypatch.setattr("click._termui_impl.time", told)
    monkeypatch.setattr("threading.Timer.start", lambda _timer: None)
    return clock


def stderr(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, term: str = "xterm") -> Stderr:
    stream = Stderr(is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    return stream


def states(shown: str) -> list[str]:
    """What stands on the line, state after state, without the bar's own drawing."""
    return [re.sub(r"\x1b\[\S*?[a-zA-Z]", "", one).strip() for one in shown.split("\r") if one]


@pytest.mark.parametrize(("is_terminal", "term"), [(False, "xterm"), (True, "dumb")])
def test_without_a_terminal_there_is_a_line_a_minute(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, term: str
) -> None:
    stream = stderr(monkeypatch, is_terminal=is_terminal, term=term)
    with ProgressBar("verifying") as progress:
        for second in range(150):
            progress(second * 10, 1500)
            clock.now += 1
    assert stream.getvalue().splitlines() == [
        "lunacy: verifying: 40%, 600 of 1,500 papers",
        "lunacy: verifying: 80%, 1,200 of 1,500 papers",
    ]


@pytest.mark.parametrize(("is_terminal", "shown"), [(False, ""), (True, CLEARED)])
def test_what_is_quick_says_nothing(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, shown: str
) -> None:
    stream = stderr(monkeypatch, is_terminal=is_terminal)
    with ProgressBar("verifying") as progress:
        for done in range(90):
            progress(done, 100)
            clock.now += 0.01
    assert stream.getvalue() == shown


def test_on_a_terminal_a_bar_is_rewritten_and_goes(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressBar("verifying") as progress:
        for done in range(0, 2000, 100):
            progress(done, 2000)
            clock.now += 0.5
    assert stream.getvalue().endswith(CLEARED)
    assert "\n" not in stream.getvalue()
    seen = states(stream.getvalue())
    assert seen[0] == f"verifying  [{'#' * 3}{'-' * 33}]   10%  200 of 2,000 papers"
    # half of it, after 5 seconds: 5 are left
    assert f"verifying  [{'#' * 18}{'-' * 18}]   50%  00:00:05  1,000 of 2,000 papers" in seen


def test_another_phase_begins_the_bar_again(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressBar("publishing") as progress:
        for done in (50, 100, 10, 20):
            clock.now += 2
            progress(done, 100)
    assert [re.findall(r"\d+%", one) for one in states(stream.getvalue())[:-1]] == [["50%"], ["100%"], ["10%"], ["20%"]]


def test_where_the_end_is_unknown_the_words_tell(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = stderr(monkeypatch, is_terminal=True)
    with ProgressBar("indexing") as progress:
        for n in range(1, 5):
            clock.now += 1
            progress.show(n, None, f"{n} lines")
    assert [one.rpartition("]")[2].split() for one in states(terminal.getvalue())[:-1]] == [
        [str(n), "lines"] for n in range(1, 5)
    ]
    piped = stderr(monkeypatch, is_terminal=False)
    with ProgressBar("indexing") as progress:
        clock.now += 61
        progress.show(7, None, "7 lines")
    assert piped.getvalue() == "lunacy: indexing: 7 lines\n"


def test_a_note_has_a_line_of_its_own_and_the_bar_comes_back(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressBar("indexing") as progress:
        clock.now += 2
        progress(1, 4)
        progress.note("keeping to cs.*")
        clock.now += 2
        progress(1, 4)
    before, after = stream.getvalue().split(f"{CLEARED}lunacy: keeping to cs.*\n")
    assert "1 of 4 papers" in before
    assert "1 of 4 papers" in after


def test_a_command_that_reports_nothing_yet_is_seen_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.cli.progress._QUICK_S", 0.02)
    stream = stderr(monkeypatch, is_terminal=True)
    deadline = time.monotonic() + 20
    with ProgressBar("indexing"):
        while "indexing" not in stream.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert stream.getvalue().endswith(CLEARED)


def test_a_build_that_waits_for_its_snapshot_shows_a_bar(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow")

    def write() -> None:
        with (tmp_path / "slow").open("wb") as pipe:
            time.sleep(1.5)
            pipe.write(b"no snapshot")

    writer = threading.Thread(target=write)
    writer.start()
    shown = on_a_terminal(tmp_path, "index", "slow", "--into", "ix", check=False).decode()
    writer.join()
    assert "indexing  [" in shown
    assert f"{CLEARED}lunacy: slow" in shown


N = 30
ALL = f"0%, 0 of {N}"


@pytest.fixture
def index(tmp_path: Path) -> str:
    """An index of N papers."""
    records = [record(f"1802.{number:05}") for number in range(N)]
    (tmp_path / "snapshot.jsonl").write_bytes(lines(records))
    np.save(tmp_path / "v.npy", np.array([vector_of(one["id"], DIM) for one in records]))
    build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "index", vectors=tmp_path / "v.npy", model="fake/model")
    return str(tmp_path / "index")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("index {0}.jsonl --into {1} --vectors {2} --model fake/model", ["indexing: 100%, 30 lines"]),
        ("diff {0}.jsonl --index {1}", ["reading: 100%, 30 lines"]),
        ("verify --index {1}", [f"verifying: {ALL} rows"] * 2),  # papers, and vectors
        ("repair --index {1}", [f"repairing: {ALL} rows"] * 2),
        ("compact --index {1}", [f"compacting: {ALL} rows"]),
        ("lexical --index {1}", [f"building the lexical index: {ALL} papers"]),
        ("ivf --index {1}", ["building the IVF index: 0%"]),
    ],
)
def test_each_long_command_says_how_far_it_is(
    index: str, command: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if command.startswith("compact"):
        remove(index, ["1802.00007"])
    monkeypatch.setattr("lunacy.cli.progress._LINE_S", 0)
    folder = Path(index).parent
    arguments = command.format(folder / "snapshot", index, folder / "v.npy").split()
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    found = [line.removeprefix("lunacy: ") for line in result.stderr.splitlines() if re.search(r": \d+%", line)]
    assert found[: len(said)] == said
