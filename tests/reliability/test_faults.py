"""Every operation of the store fails once: the index is the last commit or the one before, and a rerun ends well."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL

import pytest

from lunacy.errors import LunacyError, UnknownPaper
from lunacy.store import verify
from tests.reliability.children import Children
from tests.reliability.counts import DONE
from tests.reliability.courses import Course
from tests.reliability.faults import KILLS, KINDS, Disk, installed
from tests.reliability.scenario import ACTIONS, NOTHING, State, assert_healthy, state

COURSES = list(ACTIONS)
N_QUICK = {"build": 2, "update": 2, "remove": 1, "compact": 1, "repair": 2}  # points a kind, spread over the run


@pytest.mark.parametrize("action", COURSES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_leaves_a_commit_and_a_rerun_finishes(
    action: str, kind: str, course: Callable[[str], Course], home: Path, children: Children
) -> None:
    n_operations = len(course(action).names)
    step = n_operations // N_QUICK[action]
    first = 1 + KINDS.index(kind) * step // len(KINDS)  # another place for each kind
    for at in range(first, n_operations + 1, step):
        disturb(action, kind, at, course(action), home, children)


@pytest.mark.slow
@pytest.mark.parametrize("action", COURSES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_every_operation_leaves_a_commit_and_a_rerun_finishes(
    action: str, kind: str, course: Callable[[str], Course], home: Path, children: Children
) -> None:
    for at in range(1, len(course(action).names) + 1):
        disturb(action, kind, at, course(action), home, children)


def disturb(action: str, kind: str, at: int, course: Course, home: Path, children: Children) -> None:
    """One fault, all that must hold after it, and the rerun."""
    where = f"{action}: {kind} at {at}, {course.names[at - 1]}"
    folder = course.begin(home)
    try:
        if kind in KILLS:
            ended = children.run(action, folder, at=at, kind=kind)
            assert ended.signal == SIGKILL, ended
            allowed = course.states[at - 1 : at + 1]
        else:
            allowed = course.states[at - 1 : at + 1] if fails(action, folder, at, kind) else [course.last]
        left = state(folder)
        assert left in allowed
        check(action, folder, left, course)
        finish(action, folder, course)
    except BaseException as error:
        error.add_note(where)
        raise
    finally:
        shutil.rmtree(home)
    DONE["faults injected into calls of the store"] += 1


def fails(action: str, folder: Path, at: int, kind: str) -> bool:
    """Whether the fault came out, as an error that a person is told in one line."""
    with installed(Disk(folder, at=at, kind=kind)):
        try:
            ACTIONS[action](folder)
        except (LunacyError, OSError):
            return True
    return False


def check(action: str, folder: Path, left: State, course: Course) -> None:
    """The index is whole; before a repair has done its work, it has the one fault that it had."""
    if action == "repair" and left == course.states[0]:
        [fault] = verify(folder)
        assert "'2401.00017', is not as it was written" in fault
    else:
        DONE["answers checked against brute force"] += assert_healthy(folder, left)


def finish(action: str, folder: Path, course: Course) -> None:
    """The same command again: the same papers, vectors and answers as undisturbed, and no rubbish."""
    try:
        ACTIONS[action](folder)
    except UnknownPaper:
        assert action == "remove"  # they are gone already
    assert state(folder) == course.last
    assert course.last != NOTHING
    assert_healthy(folder, course.last)
