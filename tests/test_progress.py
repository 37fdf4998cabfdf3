"""The bar of what takes long, and the lines where there is no terminal."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from lunacy import build_index
from lunacy.cli import main
from lunacy.cli.progress import ProgressLine
from lunacy.pipeline import build_lexical, remove
from lunacy.progress import Progress
from tests.conftest import DIM, lines, record, vector_of
from tests.test_output import on_a_terminal

CLEARED = "\r\x1b[K"


@pytest.fixture(autouse=True)
def no_progress_in_lines() -> None:
    """Here there is some."""


class Stderr(io.StringIO):
    """Standard error, as it is or is not a terminal."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time, which goes on as a test says; nothing ticks by itself."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("lunacy.cli.progress.time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr("lunacy.cli.progress.ProgressLine._tick_on", lambda _line: None)
    return clock


def stderr(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, term: str = "xterm", columns: int = 80) -> Stderr:
    stream = Stderr(is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("lunacy.cli.progress._columns", lambda: columns)
    return stream


def states(shown: str) -> list[str]:
    """What stands on the line, state after state."""
    return [one.removesuffix("\x1b[K") for one in shown.split("\r") if one.removesuffix("\x1b[K")]


@pytest.mark.parametrize(("is_terminal", "term"), [(False, "xterm"), (True, "dumb")])
def test_without_a_terminal_a_phase_that_lasts_gets_a_line_and_one_every_half_minute(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, term: str
) -> None:
    monkeypatch.setattr("lunacy.cli.progress._QUIET_S", 1.0)
    stream = stderr(monkeypatch, is_terminal=is_terminal, term=term)
    with ProgressLine("reading") as line:
        for _tenth in range(5):
            line(Progress("reading"))
            clock.now += 0.1
        for second in range(70):
            line(Progress("verifying papers", second * 10, 1400, "papers"))
            clock.now += 1
        line(Progress("verifying vectors", 0, 2, "rows"))
        clock.now += 1
        line(Progress("verifying vectors", 1, 2, "rows"))
    assert stream.getvalue().splitlines() == [
        "lunacy: verifying papers: 1%, 10 of 1,400 papers",
        "lunacy: verifying papers: 22%, 310 of 1,400 papers, 10/s, 1:49 left",
        "lunacy: verifying papers: 44%, 610 of 1,400 papers, 10/s, 1:19 left",
        "lunacy: verifying vectors: 50%, 1 of 2 rows",
    ]


@pytest.mark.parametrize(("is_terminal", "seconds"), [(False, 0.9), (True, 0.39)])
def test_what_is_quick_says_nothing(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, seconds: float
) -> None:
    monkeypatch.setattr("lunacy.cli.progress._QUIET_S", 1.0)
    stream = stderr(monkeypatch, is_terminal=is_terminal)
    with ProgressLine("verifying") as line:
        for done in range(100):
            line(Progress("verifying", done, 100, "papers"))
            clock.now += seconds / 100
    assert stream.getvalue() == ""


def test_on_a_terminal_a_line_is_rewritten_and_goes(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressLine("verifying") as line:
        for done in range(0, 2000, 100):
            line(Progress("verifying", done, 2000, "papers"))
            clock.now += 1
    assert stream.getvalue().endswith(CLEARED)
    assert "\n" not in stream.getvalue()
    seen = states(stream.getvalue())
    assert seen[:3] == [
        "verifying  5%  100 of 2,000 papers  0:01",
        "verifying  10%  200 of 2,000 papers  0:02",
        "verifying  15%  300 of 2,000 papers  100/s  0:17 left",
    ]
    assert seen[-1] == "verifying  95%  1,900 of 2,000 papers  100/s  0:01 left"


def test_the_time_that_is_left_follows_the_last_minute_and_counts_down(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressLine("embedding") as line:
        for second in range(101):  # 10 a second, then 1 a second
            done = 10 * min(second, 40) + max(0, second - 40)
            line(Progress("embedding", done, unit="papers", share=done / 1000))
            clock.now += 1
        assert states(stream.getvalue())[-1] == "embedding  46%  460 papers  1.0/s  9:00 left"
        clock.now += 9
        line._tick()
    assert states(stream.getvalue())[-1] == "embedding  46%  460 papers  1.0/s  8:50 left"


def test_another_phase_begins_the_reckoning_again(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressLine("publishing") as line:
        for phase, done in (("sending", 50), ("sending", 100), ("checking", 100), ("checking", 10)):
            clock.now += 4
            line(Progress(phase, done, 100, "papers"))
    assert states(stream.getvalue()) == [
        "sending  50%  50 of 100 papers  0:00",
        "sending  100%  100 of 100 papers  12/s  0:04",
        "checking  100%  100 of 100 papers  0:00",
        "checking  10%  10 of 100 papers  0:00",
    ]


def test_where_the_end_is_unknown_the_time_that_has_passed_is_told(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressLine("reading") as line:
        for _second in range(2):
            clock.now += 1
            line(Progress("loading the model"))
    assert states(stream.getvalue()) == ["loading the model  0:00", "loading the model  0:01"]


@pytest.mark.parametrize(
    ("columns", "last"),
    [
        (120, "embedding  30%  900,000 of 3,000,000 papers  100,000/s  0:21 left"),
        (60, "embedding  30%  900,000 of 3,000,000 papers  0:21 left"),
        (40, "embedding  30%  0:21 left"),
        (20, "embedding  0:21 lef"),
        (5, "embe"),
    ],
)
def test_the_line_is_never_wider_than_the_terminal(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, columns: int, last: str
) -> None:
    stream = stderr(monkeypatch, is_terminal=True, columns=columns)
    with ProgressLine("embedding") as line:
        for second in range(10):
            line(Progress("embedding", 100_000 * second, 3_000_000, "papers"))
            clock.now += 1
    seen = states(stream.getvalue())
    assert max(map(len, seen)) < columns
    assert seen[-1] == last


def test_a_note_has_a_line_of_its_own_and_the_line_comes_back(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with ProgressLine("indexing") as line:
        clock.now += 2
        line(Progress("indexing", 1, 4, "papers"))
        line.note("keeping to cs.*")
        clock.now += 2
        line(Progress("indexing", 1, 4, "papers"))
    before, after = stream.getvalue().split(f"{CLEARED}lunacy: keeping to cs.*\n")
    assert "1 of 4 papers" in before
    assert "1 of 4 papers" in after


def test_the_line_of_a_query_goes_with_the_first_answer(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stderr(monkeypatch, is_terminal=True)

    def answers() -> Iterator[int]:
        for n in range(3):
            clock.now += 2
            line(Progress("loading the model"))
            yield n

    with ProgressLine("searching") as line:
        shown = [(n, stream.getvalue()) for n in line.until_first(answers())]
    assert shown == [(n, f"\rloading the model  0:00{CLEARED[1:]}{CLEARED}") for n in range(3)]


def test_after_ctrl_c_the_last_state_stays_on_a_line_of_its_own(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stderr(monkeypatch, is_terminal=True)
    with pytest.raises(KeyboardInterrupt), ProgressLine("indexing") as line:  # noqa: PT012 (it is about the end)
        clock.now += 2
        line(Progress("indexing", 1, 4, "papers"))
        raise KeyboardInterrupt
    assert stream.getvalue() == "\rindexing  25%  1 of 4 papers  0:02\x1b[K\n"


def test_a_command_that_reports_nothing_yet_is_seen_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.cli.progress._SHOWN_S", 0.02)
    monkeypatch.setattr("lunacy.cli.progress._TICK_S", 0.02)
    stream = stderr(monkeypatch, is_terminal=True)
    deadline = time.monotonic() + 60
    with ProgressLine("indexing"):
        while "indexing" not in stream.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert stream.getvalue().endswith(CLEARED)


def test_a_build_that_waits_for_its_snapshot_says_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow")

    def write() -> None:
        with (tmp_path / "slow").open("wb") as pipe:
            time.sleep(1.5)
            pipe.write(b"no snapshot")

    writer = threading.Thread(target=write)
    writer.start()
    shown = on_a_terminal(tmp_path, "index", "slow", "--into", "ix", check=False).decode()
    writer.join()
    assert "\rreading the snapshot  0:0" in shown
    assert f"{CLEARED}lunacy: slow" in shown


N = 30
ALL = f"0%, 0 of {N} papers"


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
        ("index {0}.jsonl --into {1} --vectors {2} --model fake/model", ["reading the snapshot: 100%, 30 lines"]),
        ("diff {0}.jsonl --index {1}", ["comparing: 100%, 30 lines"]),
        ("verify --index {1}", ["checking papers.db", f"checking papers: {ALL}", f"checking vectors: {ALL}"]),
        ("repair --index {1}", ["checking papers.db", f"checking papers: {ALL}", f"checking vectors: {ALL}"]),
        ("compact --index {1}", ["rewriting segments: 0%, 0 of 30 rows"]),
        ("remove 1802.00009 --index {1}", ["writing the lexical index"]),
        ("lexical --index {1}", [f"indexing words: {ALL}", "writing the lexical index"]),
        (
            "ivf --index {1}",
            [
                "loading the model",
                "finding centroids",
                f"filling the lists: {ALL}",
                "measuring recall on papers: 0 queries",
            ],
        ),
    ],
)
def test_each_long_command_says_how_far_it_is(
    index: str, command: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if command.startswith("compact"):
        remove(index, ["1802.00007"])
    if command.startswith("remove"):
        build_lexical(index)
    monkeypatch.setattr("lunacy.cli.progress.LINE_S", 0)
    monkeypatch.setattr("lunacy.cli.progress._QUIET_S", 0)
    folder = Path(index).parent
    arguments = command.format(folder / "snapshot", index, folder / "v.npy").split()
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    found = [line.removeprefix("lunacy: ") for line in result.stderr.splitlines()]
    assert [line for line, _again in groupby(found) if line in said] == said, found
