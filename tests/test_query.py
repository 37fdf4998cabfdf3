"""Asking an index: by id in any form, by text, many at once; and what is said when there is no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.answer import Answer, Hit
from lunacy.errors import FingerprintMismatch, NoIndex, NotAnId, UnknownPaper, UsageError
from lunacy.pipeline import remove
from lunacy.query import find_index
from lunacy.question import Question
from lunacy.store import Writer
from tests.conftest import FakeEmbedder, lines, record, vector_of

TWINS = ["1501.00001", "1501.00002", "1501.00003"]  # three papers with one text
OLD = "math/0601001"
FOREIGN = "local:draft-7"
RECORDS = [
    *(record(f"1401.{n:04}", categories="cs.CL stat.ML" if n % 2 else "cs.IR") for n in range(1, 41)),
    *(record(twin, title="Twins", abstract="One text.") for twin in TWINS),
    record("math.AG/0601001", title="Über $\\ell$-adic 東京", update_date="2006-01-02", authors="É. Galois"),
    record(FOREIGN, categories="", update_date=None),
]
IDS = [OLD if one["id"] == "math.AG/0601001" else str(one["id"]) for one in RECORDS]
OLD_FORMS = ["math/0601001", "math.AG/0601001v2", "arXiv:math/0601001", "https://arxiv.org/abs/math/0601001v1"]


def text_of(one: dict[str, Any]) -> str:
    return " ".join(f"{one['title']} {one['abstract']}".split())


def brute_force(query: np.ndarray, k: int, without: str | None = None) -> list[tuple[str, float]]:
    """(id, cosine) in float64; the order of RECORDS is the order of rows."""
    scored = [
        (identifier, float(np.dot(vector_of(text_of(one)).astype(np.float64), query)))
        for identifier, one in zip(IDS, RECORDS, strict=True)
        if identifier != without
    ]
    return sorted(scored, key=lambda pair: -round(pair[1], 12))[:k]  # sorted() is stable


def vector_of_id(identifier: str) -> np.ndarray:
    return vector_of(text_of(RECORDS[IDS.index(identifier)])).astype(np.float64)


def assert_hits(hits: list[Hit], wanted: list[tuple[str, float]]) -> None:
    assert [hit.id for hit in hits] == [identifier for identifier, _score in wanted]
    assert [hit.rank for hit in hits] == list(range(1, len(wanted) + 1))
    np.testing.assert_allclose([hit.score for hit in hits], [score for _id, score in wanted], atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of RECORDS."""
    base = tmp_path_factory.mktemp("query")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    return base / "index"


@pytest.fixture
def index(folder: Path, embedder: FakeEmbedder) -> Any:
    with lunacy.open_index(folder, embedder=embedder) as ix:
        yield ix


@pytest.mark.parametrize("top", [1, 10, 44, 45, 1000])
def test_similar_equals_brute_force_without_the_paper_itself(index: lunacy.Index, top: int) -> None:
    for identifier in (IDS[0], TWINS[1], OLD, FOREIGN):
        hits = index.similar(identifier, top=top)
        assert len(hits) == min(top, len(IDS) - 1)
        assert_hits(hits, brute_force(vector_of_id(identifier), top, without=identifier))


def test_ten_hits_are_the_default(index: lunacy.Index) -> None:
    assert_hits(index.similar(IDS[3]), brute_force(vector_of_id(IDS[3]), 10, without=IDS[3]))


def test_include_self_gives_the_paper_first_with_score_one(index: lunacy.Index) -> None:
    hits = index.similar(IDS[5], include_self=True, top=3)
    assert_hits(hits, brute_force(vector_of_id(IDS[5]), 3))
    assert (hits[0].id, round(hits[0].score, 6)) == (IDS[5], 1.0)


def test_papers_with_the_same_text_find_each_other_in_row_order(index: lunacy.Index) -> None:
    assert [hit.id for hit in index.similar(TWINS[1], top=2)] == [TWINS[0], TWINS[2]]


@pytest.mark.parametrize("top", [1, 2, 3, 50])
def test_the_paper_itself_stands_first_though_others_are_as_like(index: lunacy.Index, top: int) -> None:
    own_first = [TWINS[2], TWINS[0], TWINS[1]]
    hits = index.similar(TWINS[2], top=top, include_self=True)
    assert [hit.id for hit in hits[:3]] == own_first[:top]
    assert [hit.rank for hit in hits] == list(range(1, min(top, len(IDS)) + 1))
    assert len({hit.id for hit in hits}) == len(hits)
    for hit in hits[:3]:
        assert hit.score == pytest.approx(1.0, abs=1e-6)
    [itself, *others] = index.similar(TWINS[2], top=top, include_self=True, diverse=True, fold=True)
    assert itself.id == TWINS[2]
    assert TWINS[2] not in [hit.id for hit in others]


def test_similar_many_answers_in_order_and_repeats_what_is_repeated(index: lunacy.Index) -> None:
    asked = [IDS[9], OLD, IDS[2], IDS[9], *IDS]
    answers = index.similar_many(asked, top=4)
    assert len(answers) == len(asked)
    for identifier, hits in zip(asked, answers, strict=True):
        assert_hits(hits, brute_force(vector_of_id(identifier), 4, without=identifier))


def test_similar_many_of_nothing_is_nothing(index: lunacy.Index) -> None:
    assert index.similar_many([]) == []


def test_batches_join_without_a_seam(index: lunacy.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.search.folder_searcher._BATCH", 4)
    answers = list(
        index.ask_many(Question(papers=(one,), top=1) for one in [*IDS[:4], "1999.99999", "nonsense", *IDS[4:9]])
    )
    assert [type(answer).__name__ for answer in answers] == [
        *["Answer"] * 4,
        "UnknownPaper",
        "NotAnId",
        *["Answer"] * 5,
    ]
    asked = [answer.paper.id for answer in answers if isinstance(answer, Answer) and answer.paper]
    assert asked == IDS[:9]


def test_a_hit_has_all_that_is_shown_of_a_paper(index: lunacy.Index) -> None:
    [hit] = [hit for hit in index.similar(IDS[0], top=100) if hit.id == OLD]
    assert (hit.title, hit.authors, hit.categories, hit.updated, hit.url) == (
        "Über $\\ell$-adic 東京",
        "É. Galois",
        ("cs.CL", "cs.LG"),
        "2006-01-02",
        "https://arxiv.org/abs/math/0601001",
    )
    assert type(hit.score) is float


@pytest.mark.parametrize("form", [*OLD_FORMS, " math . AG / 0601001 "])
def test_an_old_id_is_found_in_every_form(index: lunacy.Index, form: str) -> None:
    assert_hits(index.similar(form, top=3), brute_force(vector_of_id(OLD), 3, without=OLD))


@pytest.mark.parametrize("form", [FOREIGN, f"  {FOREIGN}\n"])
def test_an_id_that_is_not_arxivs_is_found_when_the_index_holds_it(index: lunacy.Index, form: str) -> None:
    assert_hits(index.similar(form, top=3), brute_force(vector_of_id(FOREIGN), 3, without=FOREIGN))


def test_an_unknown_id_is_told_what_the_index_holds(index: lunacy.Index, folder: Path) -> None:
    with pytest.raises(UnknownPaper) as caught:
        index.similar("arXiv:1312.9999v3")
    assert str(caught.value) == (
        "1312.9999 is not in the index, which holds 45 papers (cs.CL, cs.IR, stat.ML, cs.LG) up to 2015-01"
    )
    assert caught.value.full_message == f"{folder}: {caught.value}"


def test_an_id_newer_than_the_index_says_so_and_shows_a_way_on(index: lunacy.Index, folder: Path) -> None:
    """The newest of RECORDS are of 2015-01, though they say that they were changed in 2018."""
    with pytest.raises(UnknownPaper) as caught:
        index.similar("1502.00001v2")
    assert str(caught.value) == "1502.00001 is newer than the index, whose newest paper is of 2015-01"
    assert caught.value.full_message == (
        f"{folder}: {caught.value}; ask arXiv for the paper with --fetch, or give its abstract: "
        f"lunacy query --text - --index {folder}"
    )
    with pytest.raises(UnknownPaper, match=r"1501\.99999 is not in the index, which holds"):
        index.similar("1501.99999")


def test_an_id_that_no_paper_can_have_says_what_is_wrong(index: lunacy.Index) -> None:
    with pytest.raises(UnknownPaper, match=r"^1513\.00001 is not in the index: there is no month 13"):
        index.similar("1513.00001")


@pytest.mark.parametrize("text", ["attention", "", "1802", "local:draft-8", "\udcff"])
def test_what_is_no_id_is_refused_with_examples(index: lunacy.Index, text: str) -> None:
    with pytest.raises(NotAnId, match=r"is neither an arXiv id, such as 1802\.05130 or hep-th/9711200, nor the title"):
        index.similar(text)


def test_an_index_answers_on_after_an_error(index: lunacy.Index) -> None:
    with pytest.raises(UnknownPaper):
        index.similar_many([IDS[0], "1999.99999", IDS[1]])
    assert len(index) == 45
    assert index.similar(IDS[0], top=1)


def test_an_index_can_be_asked_while_answers_stream(index: lunacy.Index) -> None:
    answers = index.ask_many([Question(papers=IDS[:3], top=1)])
    papers = [answer.paper for answer in answers if isinstance(answer, Answer)]
    nearest = [index.similar(paper.id, top=1)[0].id for paper in papers if paper]
    assert nearest == [brute_force(vector_of_id(one), 1, without=one)[0][0] for one in IDS[:3]]


def test_answers_may_be_left_half_read(folder: Path) -> None:
    with lunacy.open_index(folder) as ix:
        answers = ix.ask_many([Question(papers=IDS[:3])])
        next(answers)
    answers.close()


def test_a_text_finds_what_brute_force_finds(index: lunacy.Index, embedder: FakeEmbedder) -> None:
    hits = index.similar_to_text("  some words\n on a\tpaper ", top=5)
    assert embedder.texts == ["some words on a paper"]
    assert_hits(hits, brute_force(vector_of("some words on a paper").astype(np.float64), 5))


def test_a_papers_own_text_finds_the_paper(index: lunacy.Index) -> None:
    best = index.similar_to_text(text_of(RECORDS[7]), top=1)[0]
    assert (best.id, round(best.score, 6)) == (IDS[7], 1.0)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_refused(index: lunacy.Index, text: str) -> None:
    with pytest.raises(UsageError, match="text is empty"):
        index.similar_to_text(text)


@pytest.mark.parametrize("top", [0, -1])
def test_fewer_than_one_hit_cannot_be_asked_for(index: lunacy.Index, top: int) -> None:
    with pytest.raises(UsageError, match=f"top is {top}; ask for at least 1"):
        index.similar(IDS[0], top=top)
    with pytest.raises(UsageError, match=f"top is {top}"):
        index.similar_to_text("words", top=top)


def test_a_text_of_another_model_is_refused_with_both_values(folder: Path) -> None:
    with (
        lunacy.open_index(folder, embedder=FakeEmbedder("other/model", weights="1" * 64)) as ix,
        pytest.raises(FingerprintMismatch, match=f"weights: {'0' * 64} in the index, {'1' * 64} now"),
    ):
        ix.similar_to_text("words")


def test_a_refused_model_is_not_kept_for_the_next_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def load(model: str, **_options: Any) -> FakeEmbedder:
        loaded.append(model)
        return FakeEmbedder(model, weights="0" * 64 if model == "fake/model" else "1" * 64)

    monkeypatch.setattr("lunacy.embedding.load", load)
    with lunacy.open_index(folder) as ix:
        with pytest.raises(FingerprintMismatch):
            ix.similar_to_text("words", model="other/model")
        hits = ix.similar_to_text("words", top=2)
        assert ix.similar_to_text("words", top=2) == hits
    assert_hits(hits, brute_force(vector_of("words").astype(np.float64), 2))
    assert loaded == ["other/model", "fake/model"]


def test_an_open_index_answers_of_the_last_commit(tmp_path: Path, embedder: FakeEmbedder) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(RECORDS[:1]))
    (tmp_path / "b.jsonl").write_bytes(lines(RECORDS[:3]))
    lunacy.build_index(tmp_path / "a.jsonl", into=tmp_path / "index", embedder=embedder)
    with lunacy.open_index(tmp_path / "index") as ix:
        assert (len(ix), ix.similar(IDS[0]).hits) == (1, [])
        lunacy.build_index(tmp_path / "b.jsonl", into=tmp_path / "index", embedder=embedder)
        assert (len(ix), len(ix.similar(IDS[0]))) == (3, 2)


def test_an_empty_index_says_that_it_holds_nothing(tmp_path: Path, embedder: FakeEmbedder) -> None:
    (tmp_path / "one.jsonl").write_bytes(lines([record("1802.05121")]))
    lunacy.build_index(tmp_path / "one.jsonl", into=tmp_path / "index", embedder=embedder)
    remove(tmp_path / "index", ["1802.05121"])
    with lunacy.open_index(tmp_path / "index", embedder=embedder) as ix:
        assert (len(ix), ix.similar_to_text("words").hits) == (0, [])
        with pytest.raises(UnknownPaper, match="holds 0 papers"):
            ix.similar("1802.05130")


def test_info_is_what_the_index_holds(index: lunacy.Index, folder: Path) -> None:
    info = index.info()
    assert (info.name, info.arithmetic, info.n_segments) == (str(folder), "fake", 1)
    assert (info.summary.n_papers, info.summary.n_without_update, info.summary.last_updated) == (45, 1, "2018-02-14")
    assert (info.summary.first_posted, info.summary.last_posted) == ("2006-01-31", "2015-01-01")
    assert info.summary.by_category == {"cs.CL": 24, "cs.IR": 20, "cs.LG": 4, "stat.ML": 20}
    assert (info.fingerprint.model, info.fingerprint.text, info.fingerprint.dim) == ("fake/model", "title+abstract", 16)
    assert info.size_bytes["papers.db"] == (folder / "papers.db").stat().st_size


def make_indexes(root: Path, *names: str) -> Path:
    for name in names:
        with Writer(root / name, FakeEmbedder().fingerprint, "fake") as writer:
            writer.commit()
    return root


def test_the_index_given_comes_before_the_environment(tmp_path: Path) -> None:
    root = make_indexes(tmp_path / "indexes", "one")
    assert find_index("given", root) == "given"


def test_the_only_index_is_found_beside_other_folders(tmp_path: Path) -> None:
    root = make_indexes(tmp_path / "indexes", "one")
    (root / "notes").mkdir()
    assert find_index(None, root) == root / "one"


def test_no_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no index in .*\nmake one of the sample papers with: lunacy index, or .*--index DIR"
    ):
        find_index(None, tmp_path / "indexes")


def test_of_several_indexes_none_is_guessed(tmp_path: Path) -> None:
    root = make_indexes(tmp_path / "indexes", "b", "a")
    with pytest.raises(
        UsageError, match=rf"2 indexes \({root}/a, {root}/b\)\nname one, as in --index {root}/a, or set LUNACY_INDEX"
    ):
        find_index(None, root)


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="does not exist\nmake one with: lunacy index"):
        lunacy.open_index(tmp_path / "missing")


@pytest.mark.parametrize("top", [1, 10, 1000])
def test_a_large_batch_by_products_on_a_device_equals_brute_force(
    index: lunacy.Index, monkeypatch: pytest.MonkeyPatch, top: int
) -> None:
    monkeypatch.setattr("lunacy.search.folder_searcher._GPU_FROM", 0)
    monkeypatch.setattr("lunacy.search.folder_searcher._GPU_BATCH", 9)
    monkeypatch.setattr("lunacy.search.gpu._BLOCK_ROWS", 7)
    monkeypatch.setattr("lunacy.search.gpu._SCORES", 20)
    monkeypatch.setattr("lunacy.search.gpu.pick_device", lambda _wanted: "cpu")
    for identifier, hits in zip(IDS, index.similar_many(IDS, top=top), strict=True):
        assert_hits(hits, brute_force(vector_of_id(identifier), top, without=identifier))


def test_a_device_that_is_not_there_is_refused_where_it_would_be_used(
    index: lunacy.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.similar_many([OLD], device="cuda") == index.similar_many([OLD])
    monkeypatch.setattr("lunacy.search.folder_searcher._GPU_FROM", 0)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="no cuda device\nuse --device cpu"):
        index.similar_many([OLD], device="cuda")
    assert index.similar_many([OLD], device="cpu") == [index.similar(OLD)]
