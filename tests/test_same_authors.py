"""Hits by authors of the paper that is asked for: raised, or left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy import Question
from lunacy.errors import UsageError
from lunacy.paper import Paper
from lunacy.same_authors import SameAuthors
from lunacy.search.fused import RAISED
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.test_pipeline import text_of

PEOPLE = ["Ada Lovelace", "Emmy Noether", 'Hans M\\"uller', "Li Yi", "Sofia Kovalevskaya", "Henri Lindberg", "Wu Lin"]
RECORDS = [
    record(
        f"1802.{n:05}", authors=f"{PEOPLE[n % 7]} and {PEOPLE[n * n % 5]}", categories=("cs.CL", "math.AG")[n % 3 == 0]
    )
    for n in range(1, 61)
]
IDS = [str(one["id"]) for one in RECORDS]


def people(place: int) -> set[str]:
    return set(str(RECORDS[place]["authors"]).split(" and "))


def cosines(place: int) -> dict[str, float]:
    vectors = {str(one["id"]): vector_of(text_of(one)) for one in RECORDS}
    mine = vectors[IDS[place]].astype(np.float64)
    return {identifier: float(vector @ mine) for identifier, vector in vectors.items() if identifier != IDS[place]}


@pytest.fixture(scope="module")
def ix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lunacy.Index]:
    base = tmp_path_factory.mktemp("authors")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    lunacy.build_lexical(base / "index")
    with lunacy.open_index(base / "index", embedder=FakeEmbedder()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Ada Lovelace", "A. Lovelace", True),
        ("A. Lovelace", "Ada Lovelace", True),
        ("Ada Lovelace", "Alan Turing and Ada Lovelace", True),
        ('Hans M\\"uller', "H. Mueller", True),
        ("Ada Lovelace", "Betty Lovelace", False),
        ("Ada Lovelace", "Ada King", False),
        ("Y. Li", "Yi Lin", False),
        ("Yi Li", "Y. Li", True),
        ("ATLAS Collaboration", "ALICE Collaboration", False),
        ("ATLAS Collaboration", "The ATLAS Collaboration", True),
        ("Jean-Pierre Serre", "J.-P. Serre", True),
        ("", "Ada Lovelace", False),
    ],
)
def test_names_are_compared_as_the_author_filter_does_but_family_names_as_wholes(
    one: str, other: str, is_same: bool
) -> None:
    assert SameAuthors([Paper("1", "", "", authors=one)]).wrote(Paper("2", "", "", authors=other)) == is_same


@pytest.mark.parametrize(
    "wanted", [{}, {"category": "math.AG"}, {"rank": "hybrid"}, {"rank": "lexical"}, {"fold": True}]
)
def test_dropped_are_those_with_an_author_in_common(ix: lunacy.Index, wanted: dict[str, Any]) -> None:
    before = ix.similar_many(IDS[:12], top=60, **wanted)
    after = ix.similar_many(IDS[:12], top=60, same_authors="drop", **wanted)
    for place, (every, some) in enumerate(zip(before, after, strict=True)):
        able = {one for other, one in enumerate(IDS) if not people(other) & people(place)}
        if wanted.get("rank") == "hybrid":  # where candidates say what the others should be like
            assert {hit.id for hit in some} == {hit.id for hit in every} & able
        elif not wanted.get("fold"):
            assert [hit.id for hit in some] == [hit.id for hit in every if hit.id in able]
        fits = [one for one in able if not wanted.get("category") or RECORDS[IDS.index(one)]["categories"] == "math.AG"]
        assert some.n_qualified == len(fits)


def test_raised_by_some_deviations_are_those_with_an_author_in_common(ix: lunacy.Index) -> None:
    for place in (0, 7, 20):
        plain = cosines(place)
        gain = RAISED * np.std(list(plain.values()))
        scores = {one: plain[one] + gain * bool(people(IDS.index(one)) & people(place)) for one in plain}
        best = sorted(scores, key=lambda one: -scores[one])
        for top in (5, 59):
            answer = ix.similar(IDS[place], top=top, same_authors="raise")
            assert [hit.id for hit in answer] == best[:top]
            assert [hit.score for hit in answer] == pytest.approx([scores[one] for one in best[:top]], abs=1e-5)
            assert [hit.cosine for hit in answer] == pytest.approx([plain[one] for one in best[:top]], abs=1e-5)


@pytest.mark.parametrize("rank", ["hybrid", "lexical"])
def test_in_every_ranking_they_stand_higher_or_as_high(ix: lunacy.Index, rank: str) -> None:
    for place in (0, 7, 20):
        before, after = (ix.similar(IDS[place], top=59, rank=rank, same_authors=one) for one in (None, "raise"))  # type: ignore[arg-type]
        at = {hit.id: hit.rank for hit in before}
        mine = [hit for hit in after if people(IDS.index(hit.id)) & people(place)]
        assert all(hit.rank <= at[hit.id] for hit in mine)


def test_for_several_papers_the_authors_of_each_count(ix: lunacy.Index) -> None:
    answer = ix.similar_to_all(IDS[:2], top=60, same_authors="drop")
    able = {one for place, one in enumerate(IDS[2:], 2) if not people(place) & (people(0) | people(1))}
    assert {hit.id for hit in answer} == able


def test_what_cannot_be_meant_is_one_line(ix: lunacy.Index) -> None:
    with pytest.raises(UsageError, match="same_authors 'up' is unknown; choose one of raise, drop"):
        Question(papers=IDS[0], same_authors="up")  # type: ignore[typeddict-item]
    with pytest.raises(UsageError, match="is about those of the paper that is asked for, and a text has none"):
        Question(text="a topic", same_authors="drop")
    answer = ix.similar(IDS[0], same_authors="drop", author="Emmy Noether")
    assert answer.notes == ("no paper passes author Emmy Noether and other authors (than 1) together",)
