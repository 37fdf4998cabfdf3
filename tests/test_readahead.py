"""What is mapped by FAISS is read ahead where it is read in order, and page by page where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lunacy.derived.codes import open_codes
from lunacy.store import Store
from tests.test_modes import fill, make_caches
from tests.test_search import random_units

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what it was told of a mapped file")
N_ROWS = 4096


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """One segment, with codes."""
    fill(tmp_path, [random_units(N_ROWS, dim=64)])
    make_caches(tmp_path)
    return tmp_path


def is_read_at_random(name: str) -> bool:
    """Whether the system believes so of the mapped file whose name has `name` in it."""
    found = []
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:  # a mapping begins
            is_meant = name in line
        elif line.startswith("VmFlags:") and is_meant:
            found.append("rr" in line.split())
    assert found, f"{name} is not mapped"
    return any(found)


def test_codes_are_read_ahead_and_vectors_of_hits_are_not(index: Path) -> None:
    with Store(index) as store, store.view() as view:
        view.vectors(np.array([3, 2000]))
        assert is_read_at_random("segment-00000001")
        assert open_codes(view)
        assert not is_read_at_random("codes-00000001")


def test_vectors_are_read_ahead_as_soon_as_all_are_read_or_many(index: Path) -> None:
    for n in (N_ROWS // 16, N_ROWS // 16 + 1):
        with Store(index) as store, store.view() as view:
            view.vectors(np.arange(n))
            assert is_read_at_random("segment-00000001") == (n <= N_ROWS // 16)
    with Store(index) as store, store.view() as view:
        assert sum(len(block) for one in view.segments for _first, block in one.blocks()) == N_ROWS
        assert not is_read_at_random("segment-00000001")
