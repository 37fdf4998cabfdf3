"""What Python callers pass: the right types are taken, others are refused by the name of the keyword."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.errors import UsageError
from lunacy.question import Question
from tests.conftest import FakeEmbedder, lines, record

IDS = [f"1802.{n:05}" for n in range(1, 31)]
DATES = ["2017-12-31", "2018-01-01", "2018-05-31", "2019-01-01", None]


@pytest.fixture(scope="module")
def ix(tmp_path_factory: pytest.TempPathFactory) -> Any:
    base = tmp_path_factory.mktemp("keywords")
    records = [record(one, update_date=DATES[place % 5]) for place, one in enumerate(IDS)]
    (base / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    with lunacy.open_index(base / "index", embedder=FakeEmbedder()) as index:
        yield index


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"top": "5"}, "top is '5', of type str; give a whole number"),
    ({"top": 2.5}, "top is '2.5', of type float; give a whole number"),
    ({"top": None}, "top is 'None', of type NoneType; give a whole number"),
    ({"top": True}, "top is 'True', of type bool; give a whole number"),
    ({"tops": 3}, "there is no option 'tops'; did you mean 'top'?"),
    ({"categories": "cs.CL"}, "there is no option 'categories'; did you mean 'category'?"),
    ({"xyz": 1}, "there is no option 'xyz'; there are top, include_self"),
    ({"filter": None}, "there is no option 'filter'"),
    ({"include_self": "no"}, "include_self is 'no', of type str; give True or False"),
    ({"include_withdrawn": 1}, "include_withdrawn is '1', of type int; give True or False"),
    ({"ivf": "yes"}, "ivf is 'yes'"),
    ({"nprobe": "8", "ivf": True}, "nprobe is '8', of type str; give a whole number"),
    ({"rank": 1}, "rank is '1', of type int; give text"),
    ({"min_score": "0.5"}, "min_score is '0.5', of type str; give a number"),
    ({"min_score": 1j}, "min_score is '1j', of type complex; give a number"),
    ({"unlike": 1802.05130}, "unlike is '1802.0513', of type float; give text, or a list of texts"),
    ({"unlike": [1802.05130]}, "one of unlike is '1802.0513', of type float; give text"),
    ({"fold": []}, "fold is '[]'"),
    ({"category": 7}, "category is '7', of type int; give text, or a list of texts"),
    ({"category": b"cs.CL"}, "category is"),
    ({"category": ["cs.CL", None]}, "one of category is 'None'"),
    ({"since": 2018.5}, "since is '2018.5', of type float; give a date, such as"),
    ({"since": [2018]}, "since is"),
    ({"until": True}, "until is 'True'"),
    ({"since": 18}, "since '18' is not a date; write it like"),
    ({"author": 5}, "author is '5'"),
    ({"only_ids": 1802.05130}, "only_ids is '1802.0513'"),
    ({"only_ids": [1802.05130]}, "one of only_ids is '1802.0513'"),
    ({"not_ids": [None]}, "one of not_ids is 'None'"),
]
ASKED: list[Callable[..., Any]] = [
    lambda ix, options: ix.similar(IDS[0], **options),
    lambda ix, options: ix.similar_many(IDS[:2], **options),
    lambda ix, options: ix.similar_to_text("graphs", **options),
    lambda ix, options: ix.similar_to_all(IDS[:2], **options),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[str(options) for options, _message in WRONG])
def test_a_wrong_keyword_is_named(ix: lunacy.Index, options: dict[str, Any], message: str) -> None:
    for ask in ASKED:
        with pytest.raises(UsageError) as caught:
            ask(ix, options)
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "ask",
    [
        lambda ix: ix.similar(1802.00001),
        lambda ix: ix.similar([IDS[0]]),
        lambda ix: ix.similar(None),
        lambda ix: ix.similar(b"1802.00001"),
        lambda ix: ix.similar(Path(IDS[0])),
        lambda ix: ix.similar_many(IDS[0]),
        lambda ix: ix.similar_many(None),
        lambda ix: ix.similar_many(5),
        lambda ix: ix.similar_many([1802.00001]),
        lambda ix: ix.similar_to_text(None),
        lambda ix: ix.similar_to_text(["graphs"]),
        lambda ix: ix.similar_to_all([5]),
        lambda ix: ix.similar_to_all(IDS[:1], text=5),
        lambda ix: 5 in ix,
        lambda ix: list(ix.ask_many([Question(papers=[None])])),  # type: ignore[list-item]
    ],
)
def test_what_is_no_text_is_refused_where_a_text_belongs(ix: lunacy.Index, ask: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=r"text|list of ids"):
        ask(ix)


def found(ix: lunacy.Index, **options: Any) -> set[str]:
    return {hit.id for hit in ix.similar(IDS[0], top=100, include_self=True, **options)}


@pytest.mark.parametrize(
    "since", ["2018", 2018, np.int64(2018), datetime.date(2018, 1, 1), datetime.datetime(2018, 1, 1)]
)
def test_a_date_may_be_text_a_year_or_a_date(ix: lunacy.Index, since: Any) -> None:
    later = {one for place, one in enumerate(IDS) if (DATES[place % 5] or "") >= "2018"}
    assert found(ix, updated_since=since) == later
    assert found(ix, since=since) == set(IDS)


def test_none_asks_for_nothing(ix: lunacy.Index) -> None:
    names = (
        "category",
        "since",
        "until",
        "updated_since",
        "author",
        "only_ids",
        "not_ids",
        "min_score",
        "nprobe",
        "unlike",
    )
    assert found(ix, **dict.fromkeys(names)) == set(IDS)


def test_numbers_of_numpy_are_numbers(ix: lunacy.Index) -> None:
    hits = ix.similar(IDS[0], top=np.int32(4), min_score=np.float32(-1), fold=np.bool_(False))
    assert len(hits) == 4


@pytest.mark.parametrize("many", [list, tuple, set, frozenset, iter, np.array, dict.fromkeys])
def test_several_ids_come_in_any_container(ix: lunacy.Index, many: Callable[[Any], Any]) -> None:
    assert found(ix, only_ids=many(IDS[3:6])) == set(IDS[3:6])
