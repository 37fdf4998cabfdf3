"""Loss of power: whatever reached the disk of what was not flushed, every commit that returned is there, and whole."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from lunacy.errors import LunacyError
from tests.reliability.children import Children
from tests.reliability.counts import DONE
from tests.reliability.courses import Course
from tests.reliability.power import Event, Machine, disks, read_log
from tests.reliability.scenario import ACTIONS, State, state
from tests.reliability.test_faults import check, finish

COURSES = list(ACTIONS)
N_QUICK = {"build": 4, "update": 4}  # points


@pytest.mark.parametrize("action", N_QUICK)
def test_power_fails_and_every_commit_that_returned_is_there(
    action: str, course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    replay(action, course(action), home, watched, n_points=N_QUICK[action], n_mixtures=2)


@pytest.mark.slow
@pytest.mark.parametrize("action", COURSES)
def test_power_fails_after_any_write_and_every_commit_that_returned_is_there(
    action: str, course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    replay(action, course(action), home, watched, n_points=None, n_mixtures=12)


def test_the_name_of_a_new_index_folder_is_flushed_before_its_first_commit_returns(
    course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    course("build").begin(home)
    events = recorded("build", home, watched)
    events = events[: [event.kind for event in events].index("m")]
    assert [event.path for event in events if event.kind == "d"] == [str(home / "index")]
    assert str(home) in [event.path for event in events if event.kind == "s"]


@pytest.mark.slow
@pytest.mark.parametrize("flush", ["segment", "folder", "database"])
def test_a_flush_that_were_missing_would_be_noticed(
    flush: str, course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    with pytest.raises((AssertionError, OSError, ValueError, sqlite3.Error, LunacyError)):
        replay("build", course("build"), home, watched, n_points=60, n_mixtures=2, without=flush)


def recorded(action: str, home: Path, watched: Children) -> list[Event]:
    """What an undisturbed run in `home` does, call by call."""
    log = home.parent / "log"
    ended = watched.run(action, home / "index", root=str(home), log=str(log))
    assert ended.said.startswith("n "), ended
    return read_log(log)


def replay(
    action: str,
    course: Course,
    home: Path,
    watched: Children,
    *,
    n_points: int | None,
    n_mixtures: int,
    without: str = "",
) -> None:
    """Power fails at some points of the run, or at all."""
    rng = random.Random(f"power {action}")
    course.begin(home).mkdir(exist_ok=True)  # whether its own name is flushed is a question of its own
    machine = Machine(home)
    events = [event for event in recorded(action, home, watched) if not (without and is_flush_of(event, without))]
    points = range(len(events) + 1)
    chosen = set(points if n_points is None else [*rng.sample(points, n_points), len(events)])
    n_commits = 0
    for n, event in enumerate([*events, None]):
        if n in chosen:
            for make in disks(machine, rng, n_mixtures):
                is_over = n == len(events)
                allowed = [course.last] if is_over else course.commits[n_commits : n_commits + 2]
                if action == "repair" and not is_over:
                    allowed = [course.states[0], course.last]
                assert_survives(action, course, make, home.parent / "after", allowed, f"after {n} calls of {action}")
        if event is not None and event.kind == "m":
            n_commits += 1
        elif event is not None:
            machine.do(event)


def is_flush_of(event: Event, what: str) -> bool:
    """Whether the event flushes a "segment", the index "folder" or the "database" with its log."""
    parts = {"segment": "segment", "folder": "index", "database": "papers.db"}
    return event.kind == "s" and Path(event.path).name.startswith(parts[what])


def assert_survives(
    action: str, course: Course, make: Callable[[Path], None], home: Path, allowed: list[State], where: str
) -> None:
    """One disk: it holds one of the states that are allowed, all is right with it, and a rerun finishes."""
    home.mkdir()
    make(home)
    try:
        left = state(home / "index")
        assert left in allowed
        check(action, home / "index", left, course)
        finish(action, home / "index", course)
    except BaseException as error:
        error.add_note(where)
        raise
    shutil.rmtree(home)
    DONE["disks after loss of power checked"] += 1
