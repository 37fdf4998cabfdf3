"""The same one level down: each write, flush, new name and removal fails as the kernel would fail it, SQLite's too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.reliability.children import Children
from tests.reliability.counts import DONE
from tests.reliability.courses import Course
from tests.reliability.scenario import ACTIONS, state
from tests.reliability.test_faults import check, finish

HOW = ["EIO", "ENOSPC", "EINTR", "short", "full", "kill", "kill late"]
N_QUICK = {"build": 1, "remove": 1}  # points each, spread over the run


@pytest.mark.parametrize("action", N_QUICK)
def test_a_system_call_fails_and_a_commit_is_left(
    action: str, course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    n_calls = count(action, course(action), home, watched)
    for kind, how in enumerate(HOW):
        step = n_calls / N_QUICK[action]
        for place in range(N_QUICK[action]):
            disturb(action, how, 1 + int(step * (place + kind / len(HOW))), course(action), home, watched)


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("how", HOW)
def test_every_system_call_fails_and_a_commit_is_left(
    action: str, how: str, course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    for at in range(1, 1 + count(action, course(action), home, watched)):
        disturb(action, how, at, course(action), home, watched)


def count(action: str, course: Course, home: Path, watched: Children) -> int:
    """How many system calls an undisturbed run makes."""
    ended = watched.run(action, course.begin(home), root=str(home / "index"), syscall=0)
    shutil.rmtree(home)
    assert ended.said.startswith("n ")
    return int(ended.said[2:])


def disturb(action: str, how: str, at: int, course: Course, home: Path, watched: Children) -> None:
    """One fault, all that must hold after it, and the rerun."""
    folder = course.begin(home)
    try:
        ended = watched.run(action, folder, root=str(folder), syscall=at, how=how)
        assert ended.signal == (SIGKILL if how.startswith("kill") else 0)
        left = state(folder)
        if ended.said.startswith("n "):  # nothing was said to be wrong
            assert left == course.last
        assert left in course.states
        check(action, folder, left, course)
        finish(action, folder, course)
    except BaseException as error:
        error.add_note(f"{action}: {how} at system call {at}")
        raise
    finally:
        shutil.rmtree(home)
    DONE["faults injected into system calls"] += 1
