"""What was measured of IVF lists, as it is stored and read again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from lunacy.measured import IvfFacts, Measured, Recall

PAPERS = Measured(8, Recall(0.98, 0.97, 0.99), ((4, Recall(0.9, 0.89, 0.91)), (8, Recall(0.98, 0.97, 0.99))), 1000)
FACTS = IvfFacts(64, 0.98, 10, "2024-05-31", PAPERS, PAPERS.for_texts(64), 1.5)
STORED: dict[str, Any] = {
    "nlist": 64,
    "wanted": 0.98,
    "top": 10,
    "date": "2024-05-31",
    "build_s": 1.5,
    "papers": {
        "nprobe": 8,
        "recall": 0.98,
        "interval": [0.97, 0.99],
        "curve": [[4, 0.9, 0.89, 0.91], [8, 0.98, 0.97, 0.99]],
        "queries": 1000,
        "measured": True,
    },
    "texts": {
        "nprobe": 16,
        "recall": 0.98,
        "interval": [0.97, 0.99],
        "curve": [[8, 0.9, 0.89, 0.91], [16, 0.98, 0.97, 0.99]],
        "queries": 1000,
        "measured": False,
    },
}


def test_facts_are_stored_as_the_format_says_and_read_again() -> None:
    stored = orjson.loads(orjson.dumps(FACTS.record()))
    assert stored == STORED
    assert IvfFacts.read(stored) == FACTS


def test_the_lists_of_a_server_have_no_build_time() -> None:
    published = {name: value for name, value in STORED.items() if name != "build_s"}
    assert IvfFacts.read(published).record() == published


@pytest.mark.parametrize(("nprobe", "recall"), [(1, 0.0), (4, 0.9), (7, 0.9), (8, 0.98), (60, 0.98)])
def test_the_recall_is_that_of_the_most_lists_that_were_tried(nprobe: int, recall: float) -> None:
    assert PAPERS.recall_with(nprobe) == recall


@pytest.mark.parametrize(
    "forged",
    [
        {},
        STORED | {"papers": 5},
        STORED | {"nlist": "many"},
        STORED | {"texts": STORED["texts"] | {"curve": [[4]]}},
        STORED | {"texts": STORED["texts"] | {"interval": [0.9]}},
        STORED | {"build_s": []},
    ],
)
def test_anything_else_is_a_value_error(forged: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no facts of IVF lists|could not convert|invalid literal"):
        IvfFacts.read(forged)
