"""By words, by both, steered: against what can be worked out by hand and in NumPy."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.derived.lexical import Lexical, open_lexical
from lunacy.errors import ModelError, UnknownPaper, UsageError
from lunacy.pipeline import build_ivf, build_lexical, refresh_caches, remove
from lunacy.query.asked import target_of
from lunacy.question import Options
from lunacy.search import open_searcher
from lunacy.store import Store, Writer, repair, verify
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.direction import direction_of
from tests.test_cli import run

TOPICS = [
    "sheaves cohomology scheme morphism",
    "galaxies redshift dust starburst",
    "neural translation attention decoder",
    "superconducting cuprate vortex pairing",
]
FILLER = "result method limit theory model measure".split()


def paper(n: int) -> dict[str, Any]:
    """A paper of one of four topics; each shares a word of its own with the next of its topic."""
    topic = TOPICS[n % 4].split()
    words = [topic[n % 3], topic[3], f"quirk{n // 8}x", FILLER[n % 6], FILLER[(n + 1) % 6], f"only{n}"]
    return record(
        f"2101.{n:05}",
        title=f"On {topic[0]} {n}",
        abstract=f"We study {' '.join(words)}.",
        categories=["math.AG", "astro-ph.GA", "cs.CL", "cond-mat.supr-con"][n % 4],
        update_date=f"20{10 + n % 10}-01-01",
    )


PAPERS = [paper(n) for n in range(64)]
IDS = [str(one["id"]) for one in PAPERS]


def text_of(one: dict[str, Any]) -> str:
    return " ".join(f"{one['title']} {one['abstract']}".split())


def index_of(folder: Path, papers: list[dict[str, Any]], **options: Any) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    (folder.parent / "snapshot.jsonl").write_bytes(lines(papers))
    lunacy.build_index(folder.parent / "snapshot.jsonl", into=folder, embedder=FakeEmbedder(), **options)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = index_of(tmp_path_factory.mktemp("ranking") / "index", PAPERS)
    build_lexical(folder)
    return folder


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    shutil.copytree(made, tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def ix(made: Path) -> Iterator[lunacy.Index]:
    with lunacy.open_index(made, embedder=FakeEmbedder()) as opened:
        yield opened


def by_words(folder: Path, text: str, n: int = 200, *, title: str = "") -> dict[str, float]:
    with Store(folder) as store, store.view() as view:
        lexical = open_lexical(view)
        assert isinstance(lexical, Lexical)
        rows, scores, _is_all = lexical.best(text, n, title=title)
        assert list(scores) == sorted(scores, reverse=True)
        papers = {
            row: one.id for row, one in zip(view.live_rows().tolist(), view.papers(view.live_rows()), strict=True)
        }
        return {papers[row]: score for row, score in zip(rows.tolist(), scores.tolist(), strict=True) if row in papers}


def test_words_are_found_stemmed_and_the_rare_ones_count_more(made: Path) -> None:
    assert list(by_words(made, "the only7"))[:1] == ["2101.00007"]
    assert set(by_words(made, "quirk3x")) == set(IDS[24:32])
    assert set(by_words(made, "Superconductivity? Superconducts!")) == set(by_words(made, "superconducting"))
    assert by_words(made, "the and of") == {} == by_words(made, "")
    both = by_words(made, "quirk3x decoder")
    assert max(both, key=both.__getitem__) in {one for one in IDS[24:32] if int(one[5:]) % 4 == 2}


def test_pairs_of_words_count(made: Path) -> None:
    one = by_words(made, "cuprate vortex only99")
    assert by_words(made, "vortex only99 cuprate").keys() == one.keys()


def words_like(folder: Path, place: int) -> dict[str, float]:
    """BM25 of all papers for the words of one."""
    return by_words(folder, PAPERS[place]["abstract"], title=PAPERS[place]["title"])


def best_first(scores: np.ndarray, cosines: np.ndarray, without: set[int]) -> list[int]:
    places = sorted(range(len(scores)), key=lambda place: (-round(scores[place], 5), -cosines[place], place))
    return [place for place in places if place not in without]


def refined(scores: np.ndarray, vectors: np.ndarray, products: np.ndarray, without: set[int], aim: Any, spread: float):
    """What the best candidates add: to the question's vector, if there is one `aim`, and by their own scores."""
    if aim is not None:
        both = aim + vectors[best_first(scores, products, without)[:3]].mean(axis=0)
        scores = scores + 0.65 * (vectors @ (both / np.linalg.norm(both)) - products) / spread
    gained = np.zeros(len(scores))
    heard = best_first(scores, products, without)[:100]
    for place in range(len(scores)):
        likeness = {other: max(vectors[place] @ vectors[other], 0) ** 4 for other in heard if other != place}
        gained[place] = sum(likeness[other] * scores[other] for other in likeness) / sum(likeness.values())
    return scores + gained


def fused_by_hand(query: int, scores: dict[str, float], pairs: np.ndarray) -> np.ndarray:
    """Hybrid scores, from BM25 scores and vectors."""
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    cosines = vectors @ vectors[query]
    words = np.array([scores.get(identifier, 0.0) for identifier in IDS])
    typical = np.array([score for identifier, score in scores.items() if identifier != IDS[query]][:200])
    mean, spread = (typical.mean(), max(typical.std(), 0.05 * typical.mean())) if len(typical) else (0.0, 1.0)
    total = 0.65 * (cosines - pairs.mean()) / pairs.std() + 0.35 * (words - mean) / spread
    return refined(total, vectors, cosines, {query}, vectors[query], pairs.std())


def readable(scores: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(0.48 * (5.53 - scores))))


def brute(query: int, rank: str, scores: dict[str, float], pairs: np.ndarray) -> list[str]:
    """The list by hand, from BM25 scores and vectors."""
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    cosines = vectors @ vectors[query]
    words = np.array([scores.get(identifier, 0.0) for identifier in IDS])
    total = words if rank == "lexical" else fused_by_hand(query, scores, pairs)
    return [IDS[place] for place in best_first(total, cosines, {query})]


@pytest.mark.parametrize("rank", ["hybrid", "lexical"])
@pytest.mark.parametrize("query", [0, 7, 33, 63])
def test_a_list_is_what_the_formula_says(made: Path, ix: lunacy.Index, rank: str, query: int) -> None:
    with Store(made) as store, store.view() as view:
        lexical = open_lexical(view)
        assert lexical is not None
        pairs = lexical.pairs
    words = words_like(made, query)
    wanted = brute(query, rank, words, pairs)
    hits = ix.similar(IDS[query], top=63, rank=rank)
    assert [hit.id for hit in hits] == wanted
    cosine = float(vector_of(text_of(PAPERS[query])) @ vector_of(text_of(PAPERS[IDS.index(hits[0].id)])))
    assert hits[0].cosine == pytest.approx(cosine, abs=1e-6)
    assert hits[0].lexical == pytest.approx(words.get(hits[0].id, 0.0))


@pytest.mark.parametrize(
    "options", [{}, {"category": "cs.*,math.*"}, {"fold": True}, {"unlike": IDS[9]}, {"include_self": True}]
)
def test_a_short_hybrid_list_is_the_beginning_of_a_longer_one(
    ix: lunacy.Index, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Further candidates follow the first, at lower scores; 64 papers are more than these first ones."""
    monkeypatch.setattr("lunacy.search.ranking.N_CANDIDATES", 4)
    for asked in (IDS[:1], [IDS[4], IDS[30]]):
        all_hits = ix.similar_to_all(asked, rank="hybrid", top=64, **options).hits
        assert len({hit.id for hit in all_hits}) == len(all_hits) >= 25
        for top in (1, 3, 7, 20):
            hits = ix.similar_to_all(asked, rank="hybrid", top=top, **options)
            assert [(hit.id, hit.score) for hit in hits] == [(hit.id, hit.score) for hit in all_hits[:top]]
        ranked = [hit.score for hit in all_hits if hit.id not in asked]
        assert ranked == sorted(ranked, reverse=True)
        assert 0 < ranked[-1] < ranked[0] < 1


def test_a_paper_that_stands_first_changes_no_score(ix: lunacy.Index) -> None:
    plain = ix.similar(IDS[4], rank="hybrid", top=63)
    with_itself = ix.similar(IDS[4], rank="hybrid", top=64, include_self=True)
    assert with_itself[0].id == IDS[4]
    assert [(hit.id, hit.score) for hit in with_itself[1:]] == [(hit.id, hit.score) for hit in plain]


@pytest.mark.parametrize("unlike", [None, 9])
def test_a_score_is_the_sum_of_its_parts(made: Path, unlike: int | None) -> None:
    with open_searcher(made).pinned() as view:
        rows = np.array([5, 9])
        target, other = (target_of(view.papers(rows[[at]]), view.vectors(rows[[at]]), rows[[at]]) for at in (0, 1))
        options = Options(rank="hybrid", top=20)
        [one] = view.rank([target], options, None if unlike is None else other, query_kind="paper")
    parts = one.parts
    total = parts.vectors + parts.words + parts.unlike + parts.feedback + parts.neighbours
    np.testing.assert_allclose(one.scores, readable(total), atol=1e-5)
    assert bool(parts.unlike.any()) == (unlike is not None)
    for places, by in ((one.by_vectors, one.cosines), (one.by_words, one.lexical)):
        assert by is not None
        assert places.all()  # 64 papers are all candidates
        order = np.argsort(places)
        if unlike is None or by is one.lexical:
            assert (np.diff(by[order]) <= 1e-12).all()


def test_a_paper_that_words_do_not_find_has_less_than_the_last_that_they_do(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the best four by vectors and words, among eight by words; how many words the others share is not known."""
    monkeypatch.setattr("lunacy.search.ranking.N_CANDIDATES", 4)
    with open_searcher(made).pinned() as view:
        target = target_of(view.papers(np.array([5])), view.vectors(np.array([5])), np.array([5]))
        [one] = view.rank([target], Options(rank="hybrid", top=4), None, query_kind="paper")
    found = by_words(made, PAPERS[5]["abstract"], 8, title=PAPERS[5]["title"])
    others = np.array([score for identifier, score in found.items() if identifier != IDS[5]])
    shared = np.array([found.get(IDS[row], 0.75 * others[-1]) for row in one.rows.tolist()])
    np.testing.assert_allclose(one.parts.words, 0.35 * (shared - others.mean()) / others.std())
    assert one.lexical is not None
    assert 0 in one.lexical


@pytest.mark.parametrize("options", [{}, {"fold": True}, {"unlike": [IDS[9]]}, {"category": "cs.CL"}])
def test_a_text_asked_for_by_words_alone_needs_no_model(made: Path, options: dict[str, Any]) -> None:
    """The index names a model that nobody has. What shares no word is no hit, and there is no cosine."""
    words = by_words(made, "cuprate vortex decoder only5")
    with lunacy.open_index(made) as ix:
        hits = ix.similar_to_text("cuprate vortex decoder only5", rank="lexical", top=63, **options)
        with pytest.raises(ModelError):
            ix.similar_to_text("cuprate", rank="hybrid")
    kept = [one for one in words if not options.get("category") or int(one[5:]) % 4 == 2]
    kept = [one for one in kept if one not in options.get("unlike", [])]
    assert {hit.id for hit in hits} == set(kept)
    assert {hit.cosine for hit in hits} == {None}
    assert [hit.lexical for hit in hits] == pytest.approx([words[hit.id] for hit in hits])
    if not options.get("unlike"):
        order = sorted(kept, key=lambda one: (-words[one], one))
        assert [hit.id for hit in hits] == order


def test_a_paper_and_a_text_together_by_words_alone_need_no_model(made: Path) -> None:
    one, other = words_like(made, 3), by_words(made, "vortex pairing")
    with lunacy.open_index(made) as ix:
        hits = ix.similar_to_all([IDS[3]], text="vortex pairing", rank="lexical", top=5)
    mean = {name: (one.get(name, 0) + other.get(name, 0)) / 2 for name in (one | other).keys() - {IDS[3]}}
    assert [hit.score for hit in hits] == pytest.approx(sorted(mean.values(), reverse=True)[:5])


def test_a_text_without_a_shared_word_has_no_hits_by_words(made: Path) -> None:
    with lunacy.open_index(made, embedder=FakeEmbedder()) as ix:
        assert not ix.similar_to_text("nobody wrote these", rank="lexical").hits
        assert len(ix.similar_to_text("nobody wrote these", rank="hybrid", top=64)) == 64


@pytest.mark.parametrize("rank", ["dense", "hybrid", "lexical"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"category": "cs.*"},
        {"category": "cs.CL", "since": "2015"},
        {"only_ids": IDS[40:47]},
        {"not_ids": IDS[:30], "top": 40},
        {"fold": True, "diverse": True},
        {"unlike": IDS[5]},
    ],
)
def test_there_are_as_many_hits_as_qualify(ix: lunacy.Index, rank: str, options: dict[str, Any]) -> None:
    asked = {"top": 5, **options}
    filters = {name: value for name, value in options.items() if name in ("category", "since", "only_ids", "not_ids")}
    able = {hit.id for hit in ix.similar(IDS[2], top=64, **filters)}
    able -= {options.get("unlike")}
    hits = ix.similar(IDS[2], rank=rank, **asked)
    assert len(hits) == min(asked["top"], len(able))
    assert {hit.id for hit in hits} <= able
    assert len({hit.id for hit in hits}) == len(hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_a_batch_gives_what_single_questions_give(ix: lunacy.Index) -> None:
    many = ix.similar_many(IDS[:20], rank="hybrid", top=7, category="math.*")
    assert many == [ix.similar(one, rank="hybrid", top=7, category="math.*") for one in IDS[:20]]


def test_the_environment_says_how_to_rank_unless_the_option_does(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["query", IDS[0], "--index", index]
    by_option = {rank: run(*asked, "--rank", rank).stdout for rank in ("dense", "hybrid", "lexical")}
    assert len(set(by_option.values())) == 3
    monkeypatch.setenv("LUNACY_RANK", "hybrid")
    assert run(*asked).stdout == by_option["hybrid"]
    assert run(*asked, "--rank", "dense").stdout == by_option["dense"]
    with lunacy.open_index(index) as ix:
        assert ix.similar(IDS[0]).ranking == "dense"
    monkeypatch.setenv("LUNACY_RANK", "")
    assert run(*asked).stdout == by_option["dense"]
    monkeypatch.setenv("LUNACY_RANK", "best")
    result = run(*asked)
    assert (result.exit_code, result.stdout) == (2, "")
    wrong = "Invalid value for '--rank' (env var: 'LUNACY_RANK'): 'best' is not one of 'dense', 'hybrid', 'lexical'."
    assert wrong in result.stderr


def test_without_a_lexical_index_there_is_one_line(tmp_path: Path) -> None:
    folder = index_of(tmp_path / "index", PAPERS[:5])
    result = run("query", IDS[0], "--index", folder, "--rank", "hybrid")
    assert (result.exit_code, result.stderr) == (
        2,
        f"lunacy: {folder}: the index has no lexical index; make it with: lunacy lexical --index {folder}\n",
    )
    with lunacy.open_index(folder) as ix, pytest.raises(UsageError, match="choose one of dense, hybrid, lexical"):
        ix.similar(IDS[0], rank="best")


CHANGED = {**PAPERS[3], "abstract": "We study something altogether else: zeppelins."}


def test_an_update_brings_the_words_up_to_date(index: Path, tmp_path: Path) -> None:
    newer = [*PAPERS[:3], CHANGED, *PAPERS[5:], paper(64), paper(65)]  # 3 changed, 4 gone, two new
    index_of(index, newer, prune=True)
    fresh = index_of(tmp_path / "fresh" / "index", newer)
    build_lexical(fresh)
    assert verify(index) == []
    for text in ("zeppelins", "quirk0x only3", "quirk8x", *map(text_of, newer[::9])):
        assert set(by_words(index, text)) == set(by_words(fresh, text))
    assert list(by_words(index, "zeppelins")) == [IDS[3]]
    assert IDS[4] not in by_words(index, "only4 quirk0x")


def test_removing_and_compacting_keep_words_with_their_papers(index: Path) -> None:
    remove(index, IDS[::3])
    with Writer(index) as writer:
        writer.compact()
        refresh_caches(index, writer.changes)
    assert verify(index) == []
    for n, identifier in enumerate(IDS):
        assert list(by_words(index, f"only{n}")) == ([] if n % 3 == 0 else [identifier])


def test_papers_that_are_newer_than_the_words_are_found_by_their_vectors(index: Path) -> None:
    with Writer(index, None) as writer:
        writer.remove([IDS[0]])
        writer.commit()
    with lunacy.open_index(index) as ix:
        assert IDS[0] not in {hit.id for hit in ix.similar(IDS[8], rank="lexical", top=64)}


@pytest.mark.parametrize("name", ["meta.json", "*.term", "*.fast", "*.idx"])
def test_a_flipped_bit_in_the_words_is_found(index: Path, name: str) -> None:
    path = next(index.glob(f"cache/lexical-*/{name}"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    assert verify(index) == [
        f"{path.relative_to(index)}: its content has changed since it was written (sha256 differs)"
    ]
    repair(index)
    assert verify(index) == []
    assert run("query", IDS[0], "--index", index, "--rank", "hybrid").exit_code == 2


def test_a_cut_file_of_the_words_is_one_line(index: Path) -> None:
    path = next(index.glob("cache/lexical-*/*.idx"))
    path.write_bytes(path.read_bytes()[:10])
    result = run("query", IDS[0], "--index", index, "--rank", "hybrid")
    assert result.exit_code == 1
    assert "was cut; make it anew with: lunacy lexical" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_list_for_several_papers_is_what_their_direction_says(ix: lunacy.Index) -> None:
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    for unlike, unliked in ((None, None), (IDS[7], vectors[[7]])):
        scores = vectors @ direction_of(vectors, vectors[[4, 9, 30]], unliked)
        out = [4, 9, 30, *([7] if unlike else [])]
        wanted = [IDS[place] for place in np.argsort(-scores, kind="stable") if place not in out]
        hits = ix.similar_to_all([IDS[4], IDS[9], IDS[30]], top=61, unlike=unlike)
        assert [hit.id for hit in hits] == wanted
        np.testing.assert_allclose([hit.score for hit in hits], sorted(np.delete(scores, out), reverse=True), atol=1e-6)
        assert hits.exact


@pytest.mark.parametrize("unlike", [(), (9,), (9, 17)])
def test_words_of_several_papers_count_by_their_mean(made: Path, ix: lunacy.Index, unlike: tuple[int, ...]) -> None:
    """In deviations of the best of each text; those of what is not wanted are taken off by half of the highest."""
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    products = vectors @ direction_of(vectors, vectors[[4, 30]], vectors[list(unlike)] if unlike else None)
    out = {4, 30, *unlike}

    def standardized(place: int, without: set[int]) -> np.ndarray:
        scores = words_like(made, place)
        typical = [score for identifier, score in scores.items() if identifier not in {IDS[one] for one in without}]
        words = np.array([scores.get(identifier, 0.0) for identifier in IDS])
        return np.asarray((words - np.mean(typical)) / max(np.std(typical), 0.05 * np.mean(typical)))

    words = np.mean([standardized(place, out) for place in (4, 30)], axis=0)
    total = 0.65 * (products - products.mean()) / products.std() + 0.35 * words
    if unlike:
        total -= 0.5 * 0.35 * np.max([standardized(place, set(unlike)) for place in unlike], axis=0)
    total = refined(total, vectors, products, out, None, products.std())
    wanted = [IDS[place] for place in best_first(total, products, out)]
    hits = ix.similar_to_all([IDS[4], IDS[30]], top=64, rank="hybrid", unlike=[IDS[place] for place in unlike])
    assert [hit.id for hit in hits] == wanted
    wanted_scores = np.sort(np.delete(readable(total), list(out)))[::-1]
    np.testing.assert_allclose([hit.score for hit in hits], wanted_scores, atol=1e-5)


def test_a_text_may_stand_beside_papers(ix: lunacy.Index) -> None:
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    scores = vectors @ direction_of(vectors, np.array([vectors[4], vector_of("a text")]))
    wanted = [IDS[place] for place in np.argsort(-scores, kind="stable") if place != 4][:9]
    assert [hit.id for hit in ix.similar_to_all([IDS[4]], text="a text", top=9)] == wanted
    with pytest.raises(UnknownPaper):
        ix.similar_to_all([IDS[4], "9999.99999"])
    with pytest.raises(UsageError, match="nothing to look for"):
        ix.similar_to_all([])


def test_less_of_a_paper_takes_its_likeness_away(ix: lunacy.Index) -> None:
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    total = vectors @ vectors[4] - 0.5 * np.maximum(vectors @ vectors[9], vectors @ vectors[10])
    wanted = [IDS[place] for place in np.argsort(-total, kind="stable") if place not in (4, 9, 10)]
    assert [hit.id for hit in ix.similar(IDS[4], top=61, unlike=[IDS[9], IDS[10]])] == wanted


@pytest.mark.parametrize("strength", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("rank", ["dense", "hybrid"])
def test_diverse_hits_are_chosen_one_after_the_other(ix: lunacy.Index, rank: str, strength: float) -> None:
    vectors = np.array([vector_of(text_of(one)) for one in PAPERS], np.float64)
    plain = ix.similar(IDS[4], top=63, rank=rank)  # all others
    places = [IDS.index(hit.id) for hit in plain]
    scores = np.array([hit.score for hit in plain])
    if rank == "hybrid":
        scores = np.log(scores / (1 - scores))  # as they are before they are made readable
    relevance = dict(zip(places, scores * np.std(vectors[places] @ vectors[4]) / np.std(scores), strict=True))
    chosen: list[int] = []
    while len(chosen) < 12:

        def gain(place: int) -> float:
            likeness = np.mean(vectors[chosen] @ vectors[place]) if chosen else 0.0
            return (1 - strength) * relevance[place] - strength * likeness

        chosen.append(max((place for place in places if place not in chosen), key=gain))
    hits = ix.similar(IDS[4], top=12, rank=rank, diverse=strength)
    assert [hit.id for hit in hits] == [IDS[place] for place in chosen]
    assert [hit.score for hit in hits] == [plain[places.index(place)].score for place in chosen]


def test_true_is_the_recommended_diversity_and_nothing_is_none(ix: lunacy.Index) -> None:
    assert ix.similar(IDS[4], diverse=True) == ix.similar(IDS[4], diverse=0.5) != ix.similar(IDS[4])
    assert ix.similar(IDS[4], diverse=False) == ix.similar(IDS[4], diverse=0) == ix.similar(IDS[4])
    for strength in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match=r"give a number from 0 to 1, such as 0\.5"):
            ix.similar(IDS[4], diverse=strength)
    with pytest.raises(UsageError, match=r"with diverse ask for at most 1,000"):
        ix.similar(IDS[4], diverse=0.5, top=1001)


def test_near_copies_are_folded_into_the_best_of_them(tmp_path: Path) -> None:
    twins = [{**PAPERS[1], "id": f"2201.0000{n}"} for n in range(3)]
    folder = index_of(tmp_path / "index", [*PAPERS, *twins])
    with lunacy.open_index(folder) as ix:
        plain = ix.similar(IDS[2], top=66)
        folded = ix.similar(IDS[2], top=66, fold=True)
        first = ix.similar(IDS[1], top=1, fold=True)[0]
        both = ix.similar(IDS[2], top=12, fold=True, diverse=0.5)
        without_copies = ix.similar(IDS[2], top=12, diverse=0.5, not_ids=[str(one["id"]) for one in twins])
    copies = {IDS[1], *(str(one["id"]) for one in twins)}
    [kept] = [hit for hit in folded if hit.id in copies]
    assert {kept.id, *kept.copies} == copies
    assert [hit.id for hit in folded] == [hit.id for hit in plain if hit.id not in copies - {kept.id}]
    assert set(first.copies) == copies - {IDS[1], first.id}
    assert [hit.id for hit in both] == [hit.id for hit in without_copies]


def test_a_least_score_cuts_the_list(ix: lunacy.Index) -> None:
    hits = ix.similar(IDS[4], top=63)
    assert ix.similar(IDS[4], top=63, min_score=hits[9].score).hits == hits[:10]


def test_the_command_steers_and_shows_both_parts(made: Path, tmp_path: Path) -> None:
    common = ["--index", made, "--top", "3"]
    result = run("query", IDS[0], IDS[4], *common, "--together", "--rank", "hybrid", "--format", "json")
    [found] = orjson.loads(result.stdout)
    assert (found["query"]["ids"], found["ranking"]) == ([IDS[0], IDS[4]], "hybrid")
    assert all({"score", "cosine", "lexical"} <= hit.keys() for hit in found["hits"])
    (tmp_path / "ids").write_text(f"{IDS[0]}\n{IDS[4]}\n")
    batch = run("query", "--batch", tmp_path / "ids", *common, "--together", "--rank", "hybrid", "--format", "json")
    assert orjson.loads(batch.stdout) == [found]
    table = run("query", IDS[0], *common, "--rank", "lexical", "--format", "table").stdout
    assert "cosine " in table
    assert "lexical " in table
    for form in ("csv", "ids", "jsonl"):
        assert run("query", IDS[0], *common, "--rank", "hybrid", "--diverse", "0.5", "--format", form).exit_code == 0
    only_not = run("query", "--not", IDS[0], *common)
    assert (only_not.exit_code, only_not.stderr.count("\n")) == (2, 1)
    assert "--not only takes away" in only_not.stderr
    assert run("query", IDS[0], "--not", "9999.99999", *common).exit_code == 1


@pytest.mark.parametrize("rank", ["dense", "hybrid"])
@pytest.mark.parametrize("options", [{}, {"category": "cs.*"}, {"fold": True, "diverse": True, "unlike": IDS[7]}])
@pytest.mark.parametrize("form", ["json", "ids"])
def test_everything_goes_with_ivf_batches_and_every_format(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: str, options: dict[str, Any], form: str
) -> None:
    monkeypatch.setattr("lunacy.embedding.load", _no_model)
    nlist = build_ivf(index, recall=0.9).facts.nlist
    (tmp_path / "ids").write_text("\n".join(IDS[:6]))
    flags = (
        ["--fold", "--diverse", "0.5", "--not", IDS[7]]
        if "fold" in options
        else [f"--category={options['category']}"]
        if options
        else []
    )
    result = run(
        "query",
        "--batch",
        tmp_path / "ids",
        "--index",
        index,
        "--ivf",
        "--rank",
        rank,
        *flags,
        "--top",
        "4",
        "--format",
        form,
    )
    assert result.exit_code == 0, result.stderr
    assert verify(index) == []
    if form == "ids":
        assert len(result.stdout.split()) == 24
    with lunacy.open_index(index) as ix:
        lists = ix.similar_many(IDS[:6], ivf=True, nprobe=nlist, rank=rank, top=4, **options)
        exact = ix.similar_many(IDS[:6], rank=rank, top=4, **options)
        assert [one.hits for one in lists] == [one.hits for one in exact]


def _no_model(*_arguments: object, **_options: object) -> None:
    raise UsageError("no model in tests")


def test_of_many_papers_a_sample_tells_what_is_general(tmp_path: Path) -> None:
    records = [record(f"1901.{place:05}", title=f"T{place}", abstract="x") for place in range(1500)]
    index_of(tmp_path / "index", records)
    vectors = np.array([vector_of(text_of(one)) for one in records], np.float64)
    with open_searcher(tmp_path / "index").pinned() as view:
        drawn = view.background().rows
    assert len(np.unique(drawn)) == 1000
    with lunacy.open_index(tmp_path / "index") as ix:
        for places in ([1, 2], [10, 700, 40]):
            scores = vectors @ direction_of(vectors[drawn], vectors[places])
            scores[places] = -np.inf
            wanted = [f"1901.{place:05}" for place in np.argsort(-scores, kind="stable")[:10]]
            assert [hit.id for hit in ix.similar_to_all([f"1901.{place:05}" for place in places])] == wanted
        total = vectors[3] @ vectors.T - 0.5 * (vectors[[8, 9]] @ vectors.T).max(axis=0)
        total[[3, 8, 9]] = -np.inf
        wanted = [f"1901.{place:05}" for place in np.argsort(-total, kind="stable")[:10]]
        assert [hit.id for hit in ix.similar("1901.00003", unlike=["1901.00008", "1901.00009"])] == wanted


@pytest.mark.parametrize("top", [10**9, 10**22])
def test_more_hits_than_papers_may_be_asked_for(ix: lunacy.Index, top: int) -> None:
    for rank in ("hybrid", "lexical"):
        assert len(ix.similar(IDS[0], rank=rank, top=top)) == 63


def lose_a_file(folder: Path) -> None:
    next(folder.glob("cache/lexical-*/*.term")).unlink()


def garble_a_file(folder: Path) -> None:
    path = next(folder.glob("cache/lexical-*/*.idx"))
    path.write_bytes(bytes(len(path.read_bytes())))


@pytest.mark.parametrize("damage", [lose_a_file, garble_a_file])
def test_an_update_makes_damaged_words_anew(index: Path, damage: Any) -> None:
    damage(index)
    remove(index, [IDS[0]])
    assert verify(index) == []
    assert list(by_words(index, "only5")) == [IDS[5]]
    assert by_words(index, "only0") == {}


def test_removing_every_paper_leaves_an_index_that_answers(index: Path) -> None:
    remove(index, IDS)
    assert verify(index) == []
    with lunacy.open_index(index) as ix:
        assert len(ix) == 0


def test_words_of_segments_that_are_gone_are_no_error(index: Path) -> None:
    with Writer(index) as writer:
        writer.remove([IDS[0]])
        writer.commit()
        writer.compact()
    with lunacy.open_index(index) as ix:
        hits = ix.similar(IDS[1], rank="hybrid", top=62)
        assert {hit.id for hit in hits} == {hit.id for hit in ix.similar(IDS[1], top=62)}
        assert {hit.lexical for hit in hits} == {0.0}


@pytest.mark.parametrize(
    "forge",
    [
        {"facts": None},
        {"facts": {}},
        {"facts": {"files": 5, "pairs": [0.0, 1.0], "end_row": 1}},
        {"facts": {"files": [["/etc/passwd", 1, "x"]], "pairs": [0.0, 1.0], "end_row": 1}},
        {"facts": {"files": [["../../x", 1, "x"]], "pairs": [0.0, 1.0], "end_row": 1}},
        {"facts": {"files": [], "pairs": "x", "end_row": 1}},
        {"facts": {"files": [], "pairs": [], "end_row": 1}},
        {"facts": {"files": [], "pairs": [0.0, 1.0], "end_row": 1}},
        {"name": "../../x"},
        {"name": 7},
        {"head_bytes": "a"},
    ],
)
def test_a_forged_manifest_is_one_line(index: Path, forge: dict[str, Any]) -> None:
    path = index / "cache/manifest.json"
    manifest = orjson.loads(path.read_bytes().split(b"\n")[0])
    manifest["caches"] = [one | forge for one in manifest["caches"]]
    content = orjson.dumps(manifest)
    path.write_bytes(content + b"\n" + hashlib.sha256(content).hexdigest().encode() + b"\n")
    for command in (["query", IDS[0], "--rank", "hybrid"], ["verify"]):
        result = run(*command, "--index", index)
        assert result.exit_code in (1, 2)
        assert all(line.startswith("lunacy: ") for line in result.stderr.splitlines())
    assert run("query", IDS[0], "--index", index).exit_code == 0
    remove(index, [IDS[0]])


@pytest.mark.parametrize("forge", [{"pairs": "x"}, {"pairs": []}, {"pairs": ["a", "b"]}, {"end_row": None}])
def test_a_lexical_index_with_other_facts_is_none_and_is_made_anew(index: Path, forge: dict[str, Any]) -> None:
    path = index / "cache/manifest.json"
    manifest = orjson.loads(path.read_bytes().split(b"\n")[0])
    manifest["caches"] = [one | {"facts": one["facts"] | forge} for one in manifest["caches"]]
    content = orjson.dumps(manifest)
    path.write_bytes(content + b"\n" + hashlib.sha256(content).hexdigest().encode() + b"\n")
    assert "no lexical index" in run("query", IDS[0], "--rank", "hybrid", "--index", index).stderr
    assert run("query", IDS[0], "--index", index).exit_code == 0
    remove(index, [IDS[0]])
    assert run("query", IDS[1], "--rank", "hybrid", "--index", index).exit_code == 0


def test_unknown_ids_of_a_batch_may_be_skipped_together_too(made: Path, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text(f"{IDS[0]}\n9999.99999\n")
    arguments = ["query", "--batch", tmp_path / "ids", "--together", "--index", made]
    assert run(*arguments).exit_code == 1
    assert run(*arguments, "--skip-unknown").exit_code == 0


def test_a_least_score_leaves_no_holes(ix: lunacy.Index) -> None:
    least = ix.similar(IDS[4], top=30)[-1].score
    hits = ix.similar(IDS[4], top=63, diverse=True, min_score=least)
    assert [hit.rank for hit in hits] == list(range(1, 31))
    with pytest.raises(UsageError, match="not a number"):
        ix.similar(IDS[4], min_score=float("nan"))


def test_info_tells_whether_words_are_indexed(made: Path, tmp_path: Path) -> None:
    assert orjson.loads(run("info", "--index", made, "--format", "json").stdout)["lexical"] is True
    assert "for --rank hybrid" in run("info", "--index", made).stdout
    plain = index_of(tmp_path / "index", PAPERS[:3])
    assert orjson.loads(run("info", "--index", plain, "--format", "json").stdout)["lexical"] is False
