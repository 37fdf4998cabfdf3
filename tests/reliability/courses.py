"""Undisturbed runs, operation by operation."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.faults import Disk, installed
from tests.reliability.scenario import ACTIONS, State, prepare, state


@dataclass(frozen=True)
class Course:
    """An undisturbed run: what it did to the disk, and what was committed after each operation."""

    home: Path  # as it was before
    names: list[str]
    states: list[State]  # states[n]: after n operations

    @property
    def last(self) -> State:
        """What is committed at the end."""
        return self.states[-1]

    @property
    def commits(self) -> list[State]:
        """The states in their order, with the one before; a commit that changed no paper counts too."""
        return [
            self.states[0],
            *(after for name, after in zip(self.names, self.states[1:], strict=True) if is_commit(name)),
        ]

    def begin(self, home: Path) -> Path:
        """A copy of the index as it was before, in `home`."""
        shutil.copytree(self.home, home)
        return home / "index"


def course_of(action: str, home: Path) -> Course:
    """Carry out `action` in `home`, watching."""
    prepare(action, home / "before")
    shutil.copytree(home / "before", home / "run")
    folder = home / "run" / "index"
    states = [state(folder)]
    disk = Disk(folder, after=lambda name: states.append(state(folder) if is_commit(name) else states[-1]))
    with installed(disk):
        ACTIONS[action](folder)
    assert len(states) == len(disk.names) + 1
    return Course(home / "before", disk.names, states)


def is_commit(name: str) -> bool:
    """Whether an operation may change what is committed."""
    return name.startswith(("COMMIT", "replace"))
