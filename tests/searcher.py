"""What every `Searcher` must answer, against brute force in NumPy: `test_searcher.py` asks an index folder,
`distributed/test_milvus.py` a Milvus server and milvus-lite.

The module that imports these tests has a fixture `where`: what to ask about the papers below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.answer import Hit
from lunacy.entry import Entry
from lunacy.errors import FingerprintMismatch, NotAnId, UnknownPaper, UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.query import Index
from lunacy.question import Question
from lunacy.store import Writer
from tests.conftest import DIM, FakeEmbedder, vector_of
from tests.direction import direction_of

CATEGORIES = [("cs.CL",), ("cs.CL", "math.AG"), ("hep-th",), ()]
DATES = ["2023-12-31", "2024-01-01", "2024-05-31", "2024-06-01", ""]
SUBMITTED = ["2024-01-20", "2023-12-31", "2024-01-31", "2024-02-03", "", "", "2024-01-02"]
STRANGE = ["hep-th/9108006", 'a"b', "c'd", "e\\f", "é漢", "g%h", "%22", "tab\\", "😀", "id in [1]", "{x}"]
N = 400
QUESTION = "graph neural networks"


_WITHDRAWN = f"This paper has been withdrawn. {'It keeps its abstract. ' * 20}"


def paper(place: int, title: str = "") -> Paper:
    """The paper in a place: its fields follow from it."""
    return Paper(
        STRANGE[place].replace(" ", "_") if place < len(STRANGE) else f"2401.{place:05}",
        title or ("On copies" if 40 <= place < 60 else f"On “{place}”"),
        _WITHDRAWN if place % 11 == 5 else f"We study {place}.",
        authors="Ada Lovelace and " + "É. Galois, " * (9_000 if place == 7 else 2),  # 100 kB: more than a text field
        categories=CATEGORIES[place % 4],
        submitted=SUBMITTED[place % 7],
        updated=DATES[place % 5],
        doi="10.1/x" if place % 2 else "",
        comments=f"{place} pages" if place % 3 else "",
    )


PAPERS = [paper(place) for place in range(N)]
IDS = [one.id for one in PAPERS]


def vectors() -> np.ndarray:
    """(N, DIM): clusters, among them copies and twins."""
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((20, DIM))
    rows = centres[rng.integers(20, size=N)] + 0.4 * rng.standard_normal((N, DIM))
    rows[30:34] = rows[30]  # twins
    rows[40:60] = rows[40] + 0.01 * rng.standard_normal((20, DIM))  # near-copies
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


VECTORS = vectors()


def fill(folder: Path) -> Path:
    """An index folder with the papers."""
    with Writer(folder, Fingerprint("fake/model", "title+abstract", DIM, weights="0" * 64), "fake") as writer:
        writer.append([Entry.of(one, "title+abstract") for one in PAPERS], VECTORS)
        writer.commit()
    return folder


def posted_between(one: Paper) -> tuple[str, str]:
    """The first day and the last on which it may have been posted."""
    if one.id.startswith("2401."):
        day = min(max(one.submitted, "2024-01-01"), "2024-01-31")
        return (day, day) if one.submitted else ("2024-01-01", "2024-01-31")
    return ("1991-08-31", "1991-08-31") if one.id == "hep-th/9108006" else (one.submitted, one.submitted)


def admits(one: Paper, wanted: dict[str, Any]) -> bool:
    """The filters again, written out by hand for the values above."""
    patterns = {"cs.*": {"cs.CL"}, "math.AG": {"math.AG"}, "hep-th": {"hep-th"}}
    categories = wanted.get("category", ())
    if categories and not any(set(one.categories) & patterns[pattern] for pattern in categories):
        return False
    first, last = posted_between(one)
    if last < wanted.get("since", "") or (
        "until" in wanted and not "" < first[: len(wanted["until"])] <= wanted["until"]
    ):
        return False
    if one.updated < wanted.get("updated_since", ""):
        return False
    if one.id not in wanted.get("only_ids", IDS) or one.id in wanted.get("not_ids", ()):
        return False
    return wanted.get("include_withdrawn", False) or not one.abstract.startswith("This paper has been withdrawn")


def scores_of(*queries: np.ndarray) -> dict[str, float]:
    """The least cosine with any query, in float64."""
    products = np.min([VECTORS.astype(np.float64) @ query.astype(np.float64) for query in queries], axis=0)
    return dict(zip(IDS, products.tolist(), strict=True))


def assert_best(hits: Sequence[Hit], scores: dict[str, float], k: int, able: set[str]) -> None:
    """The k best of those that are able, but for swaps among ties; each with its own score and metadata."""
    best = sorted((scores[one] for one in able), reverse=True)[:k]
    assert [hit.rank for hit in hits] == list(range(1, len(best) + 1))
    assert [hit.score for hit in hits] == pytest.approx(best, abs=1e-5)
    assert len({hit.id for hit in hits}) == len(hits)
    for hit in hits:
        assert hit.id in able
        assert hit.score == pytest.approx(scores[hit.id], abs=1e-5)
        one = PAPERS[IDS.index(hit.id)]
        assert (hit.title, hit.authors, hit.categories, hit.updated) == (
            one.title,
            one.authors,
            one.categories,
            one.updated,
        )


@pytest.fixture
def ix(where: str) -> Iterator[Index]:
    """The papers, open for questions."""
    with lunacy.open_index(where, embedder=FakeEmbedder()) as opened:
        yield opened


FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "category": {"category": ["cs.*"]},
    "categories": {"category": ["math.AG", "hep-th"]},
    "since": {"since": "2024-01-20"},
    "until a year": {"until": "2023"},
    "a month": {"since": "2024-01", "until": "2024-01"},
    "a day": {"since": "2024-01-20", "until": "2024-01-20"},
    "updated": {"updated_since": "2024-05-31"},
    "only": {"only_ids": [*STRANGE[:3], "2401.00100", "2401.00101"]},
    "not": {"not_ids": ['a"b', "é漢", *IDS[30:50]]},
    "withdrawn too": {"include_withdrawn": True},
    "all": {"category": ["cs.*"], "since": "2024", "until": "2024-01-20", "not_ids": IDS[60:90]},
    "none qualifies": {"only_ids": ["2401.00100"], "category": ["math.AG"]},
}


@pytest.mark.parametrize("k", [1, 10, 1000])
@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
def test_a_paper_is_answered_as_brute_force_answers(ix: Index, wanted: dict[str, Any], k: int) -> None:
    for place in (0, 31, 45, 100, 105):
        able = {one.id for one in PAPERS if admits(one, wanted)}
        answer = ix.similar(IDS[place], top=k, **wanted)
        assert answer.n_qualified == (len(able) if wanted.keys() - {"include_withdrawn"} else None)
        assert_best(answer.hits, scores_of(VECTORS[place]), k, able - {IDS[place]})


def on_side(one: Paper, side: str, than: list[Paper]) -> bool:
    """Whether `one` may have been posted no later ("older"), or no earlier, than all of some papers."""
    first, last = posted_between(one)
    if not last:
        return False  # nobody knows when
    if side == "older":
        return all(first <= posted_between(other)[1] for other in than)
    return all(last >= posted_between(other)[0] for other in than)


@pytest.mark.parametrize("side", ["older", "newer"])
def test_hits_are_older_or_newer_than_the_paper_as_brute_force_says(ix: Index, side: str) -> None:
    places = [place for place in (0, 31, 45, 100, 105, 119) if posted_between(PAPERS[place])[1]]
    for wanted in ({}, {"category": ["cs.*"]}, {"since": "2024-01-10"}, {"until": "2024-01-20"}):
        answers = ix.similar_many([IDS[place] for place in places], **{side: True}, top=1000, **wanted)
        for place, answer in zip(places, answers, strict=True):
            able = {one.id for one in PAPERS if admits(one, wanted) and on_side(one, side, [PAPERS[place]])}
            assert answer.n_qualified == len(able)
            assert_best(answer.hits, scores_of(VECTORS[place]), 1000, able - {IDS[place]})
    together = [PAPERS[place] for place in places[:3]]
    answer = ix.similar_to_all([one.id for one in together], **{side: True}, top=1000)
    able = {one.id for one in PAPERS if admits(one, {}) and on_side(one, side, together)}
    assert {hit.id for hit in answer} == able - {one.id for one in together}


def test_a_paper_of_which_no_date_is_known_has_nothing_older(ix: Index) -> None:
    unknown = next(one.id for one in PAPERS if not one.posted)
    first, second = ix.ask_many([lunacy.Question(papers=[unknown, "2401.00100"], older=True)])
    assert str(first) == f"it is not known when {unknown} was posted; leave older out, or give since or until"
    assert isinstance(second, lunacy.Answer)


@pytest.mark.parametrize(
    ("wanted", "note"),
    [
        ({"until": "1990"}, "no paper passes until 1990"),
        ({"since": "2024-03", "category": "cs"}, "no paper passes since 2024-03"),
        (
            {"category": "math.*", "until": "1991", "not_ids": "2401.00020"},
            "no paper passes category math.* and until 1991 together",
        ),
        (
            {"category": "hep-th", "since": "2023", "until": "2023", "updated_since": "2024-06"},
            "no paper passes category hep-th and until 2023 together",
        ),
        (
            {"only_ids": ["2401.00100"], "category": "math.AG"},
            "no paper passes category math.AG and the list of ids to choose from (1) together",
        ),
        (
            {"only_ids": ["2401.00100"], "since": "2024"},
            "no other paper passes since 2024 and the list of ids to choose from (1) together",
        ),
        (
            {"only_ids": ["2401.00104", "2401.00115"]},
            "all 2 papers that pass the list of ids to choose from (2) are withdrawn",
        ),
        ({"only_ids": []}, "no paper passes the list of ids to choose from (0)"),
        ({"min_score": 0.999, "since": "2024"}, "no other paper that passes since 2024 has a score of 0.999 or more"),
        ({"min_score": 0.999}, "no other paper has a score of 0.999 or more"),
    ],
)
def test_an_empty_list_says_what_emptied_it(ix: Index, wanted: dict[str, Any], note: str) -> None:
    answer = ix.similar("2401.00100", **wanted)
    assert (answer.hits, answer.notes) == ([], (note,))
    assert (answer.n_qualified == 0) == note.startswith(("no paper passes", "all "))


def test_ids_of_any_form_are_found(ix: Index) -> None:
    able = {one.id for one in PAPERS if admits(one, {})}
    for place in range(len(STRANGE)):
        hits = ix.similar(IDS[place], top=5, include_self=True, include_withdrawn=True)
        assert hits[0].id == IDS[place]
        assert hits[0].score == pytest.approx(1, abs=1e-5)
        only = ix.similar("2401.00100", only_ids=[IDS[place]], include_withdrawn=True)
        assert [hit.id for hit in only] == [IDS[place]]
    assert ix.similar("https://arxiv.org/abs/hep-th/9108006v2") == ix.similar("hep-th/9108006")
    assert {hit.id for hit in ix.similar("2401.00100", top=N)} == able - {"2401.00100"}


def test_the_paper_itself_stands_first_though_others_are_as_like_or_it_was_withdrawn(ix: Index) -> None:
    for place in range(30, 34):  # twins
        for options in ({}, {"diverse": True}):
            hits = ix.similar(IDS[place], top=4, include_self=True, **options)
            assert hits[0].id == IDS[place]
            assert len({hit.id for hit in hits}) == 4
        assert {hit.id for hit in ix.similar(IDS[place], top=4, include_self=True)} == set(IDS[30:34])
    able = {one.id for one in PAPERS if admits(one, {})}
    [itself, *others] = ix.similar(IDS[104], top=5, include_self=True)
    assert (itself.id, itself.score) == (IDS[104], pytest.approx(1, abs=1e-5))
    assert IDS[104] not in able
    products = scores_of(VECTORS[104])
    assert [hit.score for hit in others] == pytest.approx(
        sorted((products[one] for one in able), reverse=True)[:4], abs=1e-5
    )


def test_a_batch_is_what_its_papers_are_one_by_one(ix: Index) -> None:
    lists = ix.similar_many(IDS, top=7)
    assert len(lists) == N
    for place, hits in enumerate(lists):
        able = {one.id for one in PAPERS if admits(one, {})} - {IDS[place]}
        assert_best(hits, scores_of(VECTORS[place]), 7, able)
    assert [one.hits for one in ix.similar_many([IDS[3], IDS[3]], top=3)] == [lists[3][:3], lists[3][:3]]


def test_unknown_ids_are_named_and_the_others_answered(ix: Index) -> None:
    answers = list(ix.ask_many([Question(papers=["2401.00100", "2312.99999", "no id", "2401.00101"], top=2)]))
    assert [type(one).__name__ for one in answers] == ["Answer", "UnknownPaper", "NotAnId", "Answer"]
    assert str(answers[1]).startswith("2312.99999 is not in ")
    assert "which holds 400 papers (cs.CL, hep-th, math.AG) up to 2024-" in str(answers[1])
    with pytest.raises(UnknownPaper):
        ix.similar("2999.00001")
    with pytest.raises(NotAnId):
        ix.similar("no id")
    with pytest.raises(UnknownPaper, match=r"1 of the 2 ids to choose from are not in .* \(2999.00001\)"):
        ix.similar("2401.00100", only_ids=["2401.00101", "2999.00001"])
    assert ("2401.00100" in ix, "2999.00001" in ix, len(ix)) == (True, False, N)


def test_a_text_is_embedded_and_answered(ix: Index) -> None:
    able = {one.id for one in PAPERS if admits(one, {"category": ["cs.*"]})}
    answer = ix.ask(Question(text=QUESTION, top=10, category="cs.*"))
    assert answer.exact
    assert_best(answer.hits, scores_of(vector_of(QUESTION)), 10, able)


def test_a_text_of_another_model_is_refused(where: str) -> None:
    with (
        lunacy.open_index(where, embedder=FakeEmbedder(weights="1" * 64)) as other,
        pytest.raises(FingerprintMismatch, match="weights"),
    ):
        other.similar_to_text(QUESTION)


@pytest.mark.parametrize("places", [(100, 200), (0, 31, 45)])
def test_one_list_for_several_papers_is_what_their_direction_says(ix: Index, places: tuple[int, ...]) -> None:
    others = VECTORS[[place for place, one in enumerate(PAPERS) if admits(one, {})]]
    able = {one.id for one in PAPERS if admits(one, {})} - {IDS[place] for place in places}
    hits = ix.similar_to_all([IDS[place] for place in places], top=10)
    assert_best(hits, scores_of(direction_of(others, VECTORS[list(places)])), 10, able)
    hits = ix.similar_to_all([IDS[place] for place in places], text=QUESTION, top=10, category="cs.*")
    able = {one.id for one in PAPERS if admits(one, {"category": ["cs.*"]})} - {IDS[place] for place in places}
    liked = np.array([vector_of(QUESTION), *VECTORS[list(places)]])
    assert_best(hits, scores_of(direction_of(others, liked)), 10, able)


def test_reasons_change_no_hit_and_all_have_some(ix: Index) -> None:
    for options in ({}, {"unlike": IDS[200]}, {"category": "cs.*"}, {"fold": True}):
        plain = ix.ask(Question(papers=IDS[100], **options))
        explained = ix.ask(Question(papers=IDS[100], explain=True, **options))
        assert [replace(hit, why=None) for hit in explained] == plain.hits
        whys = [hit.why for hit in explained if hit.why]
        assert len(whys) == 10
        assert {why.authors[0] for why in whys} == {"Ada Lovelace"}
        assert [why.by_vectors for why in whys] == sorted(why.by_vectors or 0 for why in whys)
        assert {why.unlike.id if why.unlike else None for why in whys} == {options.get("unlike")}


def test_less_of_another_paper(ix: Index) -> None:
    own, other = (VECTORS[[100, 200]].astype(np.float64) @ VECTORS.T.astype(np.float64)).tolist()
    scores = {one: score - 0.5 * less for one, score, less in zip(IDS, own, other, strict=True)}
    able = {one.id for one in PAPERS if admits(one, {})} - {IDS[100], IDS[200]}
    assert_best(ix.similar(IDS[100], top=10, unlike=IDS[200]), scores, 10, able)
    others = VECTORS[[place for place, one in enumerate(PAPERS) if admits(one, {})]]
    direction = direction_of(others, VECTORS[[100, 150]], VECTORS[[200]])
    assert_best(
        ix.similar_to_all([IDS[100], IDS[150]], top=10, unlike=IDS[200]), scores_of(direction), 10, able - {IDS[150]}
    )


def test_near_copies_are_folded_and_the_rest_is_as_without(ix: Index) -> None:
    able = {one.id for one in PAPERS if admits(one, {})}
    hits = ix.similar(IDS[40], top=3, fold=True)
    assert set(IDS[41:60]) & able - {hits[0].id} <= set(hits[0].copies)
    assert not {hit.id for hit in hits[1:]} & set(IDS[40:60])


def test_diverse_hits_are_unlike_each_other(ix: Index) -> None:
    places = [IDS.index(hit.id) for hit in ix.similar(IDS[40], top=5, diverse=True)]
    plain = [IDS.index(hit.id) for hit in ix.similar(IDS[40], top=5)]

    def likeness(found: list[int]) -> float:
        return float((VECTORS[found] @ VECTORS[found].T).sum())

    assert likeness(places) < likeness(plain)


def test_hits_have_the_least_score(ix: Index) -> None:
    scores = scores_of(VECTORS[100])
    able = {one.id for one in PAPERS if admits(one, {}) and scores[one.id] >= 0.5} - {IDS[100]}
    assert_best(ix.similar(IDS[100], top=N, min_score=0.5), scores, N, able)


def test_what_cannot_be_had_is_said_in_a_line(ix: Index, where: str) -> None:
    with pytest.raises(UsageError, match="has no IVF lists") as caught:
        ix.similar(IDS[0], ivf=True)
    assert caught.value.hint.startswith("make them with: lunacy ")
    with pytest.raises(UsageError, match="rank"):
        ix.similar(IDS[0], rank="no way")
    with pytest.raises(UsageError, match=r"no lexical index|no words") as caught:
        ix.similar(IDS[0], rank="hybrid")
    assert caught.value.where == where


def test_it_tells_what_it_holds(ix: Index, where: str) -> None:
    info = ix.info()
    assert (info.name, info.summary.n_papers, info.arithmetic) == (str(where), N, "fake")
    assert info.summary.n_withdrawn == sum(one.abstract.startswith("This paper has") for one in PAPERS)
    assert info.summary.by_category == {"cs.CL": 200, "hep-th": 100, "math.AG": 100}
    days = [posted_between(one) for one in PAPERS]
    assert (info.summary.first_posted, info.summary.last_posted) == ("1991-08-31", "2024-02-03")
    assert info.summary.by_month == Counter(first[:7] for first, _last in days)
    assert info.summary.n_without_day == sum(first != last for first, last in days)
    assert info.summary.n_without_update == sum(not one.updated for one in PAPERS)
    assert info.summary.last_updated == "2024-06-01"
    assert info.fingerprint == Fingerprint("fake/model", "title+abstract", DIM, weights="0" * 64)
