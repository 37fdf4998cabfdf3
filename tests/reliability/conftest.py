"""What the tests of reliability share: a quick folder, a driver, and the undisturbed runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import faiss
import pytest

from tests.reliability.children import Children
from tests.reliability.courses import Course, course_of
from tests.reliability.power import compiled


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of runs flush often, and a killed process loses no memory."""
    shm = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="lunacy-tests-", dir=shm if shm.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """FAISS' threads cost more than they bring on a few dozen rows, above all on a busy machine."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture
def home(memory: Path) -> Iterator[Path]:
    """A name for a new folder in `memory`, for one test."""
    folder = Path(mkdtemp(dir=memory)) / "home"
    yield folder
    shutil.rmtree(folder.parent)


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    """A driver whose children can be killed."""
    driver = Children()
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def watched(memory: Path) -> Iterator[Children]:
    """A driver under the shim: the system calls of its children can be logged, and can fail."""
    driver = Children(preload=compiled(memory))
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def course(memory: Path) -> Callable[[str], Course]:
    """A function that gives the undisturbed run of an action."""
    return cache(lambda action: course_of(action, memory / action))
