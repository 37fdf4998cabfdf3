"""Withdrawn papers: told by their notice, kept, counted, and left out of answers unless asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from lunacy import build_index, open_index
from lunacy.errors import ModelError
from lunacy.paper import Paper
from lunacy.pipeline import remove
from lunacy.store import verify
from lunacy.withdrawn import is_withdrawn, says_only_so
from tests.conftest import FakeEmbedder, record, vector_of
from tests.test_cli import query, run
from tests.test_pipeline import assert_holds, text_of
from tests.test_store import database
from tests.test_updates import Update, nearest

NOTICE = "This paper has been withdrawn by the author due to a crucial error in Lemma 3."
IDS = [f"1802.{number:05}" for number in range(1, 41)]
GONE = IDS[::3]  # 14 of 40
RECORDS = [record(one, **({"abstract": f"{NOTICE} ({one})"} if one in GONE else {})) for one in IDS]
LEFT = [one for one in RECORDS if one["id"] not in GONE]


def asked_for(one: dict[str, Any]) -> str:
    """What is embedded to ask for a paper: of one whose abstract is a notice, its title."""
    return str(one["title"]) if one["id"] in GONE else text_of(one)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def update(write_snapshot: Callable[..., Path], folder: Path) -> Update:
    def run(snapshot: Any, **options: Any) -> Any:
        return build_index(write_snapshot(snapshot), **{"into": folder, "embedder": FakeEmbedder(), **options})

    return run


@pytest.mark.parametrize(
    "abstract",
    [
        "This paper has been withdrawn",
        "The paper has been withdrawn by the authors due to some error in the manuscript.",
        "This paper has been withdrawn by the author(s), due an error in the proof.",
        "This submission has been withdrawn by arXiv administrators because it is a duplicate of nucl-th/0610004.",
        "arXiv admin note: This submission has been withdrawn by arXiv administrators due to inflammatory content",
        "Withdrawn by arXiv administration because authors have forged affiliations",
        "%auto-ignore This paper has been withdrawn by the author, due to a crucial error.",
        "Paper withdrawn. (Lemma 2.1 is false.)",
        "Withdrawn: replaced by e-Print: arXiv:0907.3774",
        "Withdrawn.",
        "WITHDRAWN",
        "This paper withdrawn since it has been published in an updated version",
        "The paper is withdrawn by the authors and replaced by an improved version",
        "This article is withdrawn because of a mistake in the main result of the paper.",
        "This paper is being withdrawn because another paper by the author makes it obsolete.",
        "This paper has been temporarily withdrawn by the author",
        "This manuscript has now been withdrawn.",
        "This note was withdrawn by the authors.",
    ],
)
def test_a_notice_of_withdrawal_is_one(abstract: str) -> None:
    assert is_withdrawn(Paper("1", "On groups", abstract))


@pytest.mark.parametrize(
    "abstract",
    [
        "Withdrawal guarantees ensure the periodical deduction of a constant amount from a fund investment.",
        "In viscous withdrawal, a converging flow imposed in an upper layer entrains liquid from a lower one.",
        "Valuing Guaranteed Lifelong Withdrawal Benefit (GLWB) has attracted significant attention.",
        "This paper presents a framework for optimizing gas withdrawal in ring-type pipeline systems.",
        "We study auctions from which bidders have withdrawn. This paper has been withdrawn nowhere.",
        "We correct a claim of a paper that has since been withdrawn.",
        "Retracted and withdrawn papers go on being cited; this paper counts them.",
        "Withdrawn participants bias the outcome of clinical trials; we estimate by how much.",
        "Withdrawn behaviour in fish is measured with cameras.",
        "This paper studies withdrawn bids in spectrum auctions.",
        "This article analyses why withdrawn papers are cited.",
        "The work extracted when a piston is withdrawn slowly is computed.",
        "",
    ],
)
def test_a_paper_about_withdrawal_is_not_withdrawn(abstract: str) -> None:
    assert not is_withdrawn(Paper("1", "On groups", abstract))


@pytest.mark.parametrize("top", [1, 5, 10, 25, 26, 100])
def test_withdrawn_papers_leave_their_places_to_others(update: Update, folder: Path, top: int) -> None:
    update(RECORDS)
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        for one, hits in zip(RECORDS, ix.similar_many(IDS, top=top), strict=True):  # of withdrawn papers too
            wanted = nearest(LEFT, vector_of(asked_for(one)), top, [one["id"]])
            assert [hit.id for hit in hits] == wanted
            assert len(hits) == min(top, len([left for left in LEFT if left is not one]))
            assert [hit.id for hit in ix.similar(str(one["id"]), top=top)] == wanted
        found = ix.similar_to_text("a text", top=top)
        assert [hit.id for hit in found] == nearest(LEFT, vector_of("a text"), top)


def test_withdrawn_papers_are_listed_when_asked_for(update: Update, folder: Path) -> None:
    update(RECORDS)
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        for one, hits in zip(RECORDS, ix.similar_many(IDS, top=39, include_withdrawn=True), strict=True):
            assert [hit.id for hit in hits] == nearest(RECORDS, vector_of(asked_for(one)), 39, [one["id"]])
        found = ix.similar_to_text("a text", top=40, include_withdrawn=True)
        assert [hit.id for hit in found] == nearest(RECORDS, vector_of("a text"), 40)


def no_model(*_arguments: object, **_options: object) -> None:
    raise ModelError("there is no such model")


@pytest.mark.parametrize("options", [{}, {"fold": True}, {"diverse": True}, {"include_withdrawn": True}])
def test_a_withdrawn_paper_asked_for_with_itself_stands_first_in_its_own_list(
    update: Update, folder: Path, options: dict[str, Any]
) -> None:
    update(RECORDS)
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        for top in (1, 4):
            hits = ix.similar(GONE[1], top=top, include_self=True, **options).hits
            assert [hit.id for hit in hits].index(GONE[1]) == 0
            assert ([hit.id for hit in hits].count(GONE[1]), len(hits)) == (1, top)
            assert hits[0].withdrawn
            own = float(vector_of(text_of(RECORDS[3])).astype(np.float64) @ vector_of(asked_for(RECORDS[3])))
            assert hits[0].score == pytest.approx(own, abs=1e-6)


def test_a_paper_whose_abstract_says_only_that_it_was_withdrawn_is_asked_for_by_its_title(
    update: Update, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(RECORDS)
    note = f"{GONE[1]} was withdrawn, and its abstract says only so; its title was asked for"
    wanted = nearest(LEFT, vector_of(f"On paper {GONE[1]}"), 5)
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        answers = [ix.similar(GONE[1], top=5), ix.similar_many([IDS[1], GONE[1]], top=5)[1]]
        for answer in answers:
            assert ([hit.id for hit in answer], answer.notes) == (wanted, (note,))
        assert ix.similar(IDS[1]).notes == ()
        together = ix.similar_to_all([GONE[1], IDS[1]], top=3)
        assert together.notes == (note,)
    monkeypatch.setattr("lunacy.query.model.load_again", no_model)
    found, _errors, _code = query(GONE[1], "--index", folder)
    assert [hit["id"] for hit in found[0]["hits"]] == nearest(LEFT, vector_of(text_of(RECORDS[3])), 10)
    [told] = found[0]["notes"]
    assert told == (
        f"{GONE[1]} was withdrawn, and its abstract says only so; the notice was asked for, as its title cannot be "
        "embedded: there is no such model"
    )


def test_words_too_are_those_of_the_title(update: Update, folder: Path) -> None:
    papers = [
        record("1802.00001", title="Groups of graphs", abstract="This paper has been withdrawn."),
        record("1802.00002", title="Papers", abstract="A paper that has been withdrawn was found in a library."),
        record("1802.00003", title="Graphs", abstract="The groups of graphs are studied."),
        *(record(f"1802.0001{n}", title="Planets", abstract="Of stars.") for n in range(4)),
    ]
    update(papers)
    assert run("lexical", "--index", folder).exit_code == 0
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        assert ix.similar("1802.00001", top=1, rank="lexical")[0].id == "1802.00003"
        [itself, second] = ix.similar("1802.00001", top=2, rank="lexical", include_self=True)
        assert (itself.id, second.id) == ("1802.00001", "1802.00003")


def test_a_withdrawn_paper_that_keeps_its_abstract_is_asked_for_as_it_stands(update: Update, folder: Path) -> None:
    gone = record("1802.00050", comments="12 pages. Withdrawn by the author due to an error in Theorem 1.")
    update([*RECORDS, gone])
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        answer = ix.similar("1802.00050", top=5)
        assert [hit.id for hit in answer] == nearest(LEFT, vector_of(text_of(gone)), 5)
        assert answer.notes == (
            "1802.00050 was withdrawn: 12 pages. Withdrawn by the author due to an error in Theorem 1.",
        )


@pytest.mark.parametrize(
    ("abstract", "says_only"),
    [
        (NOTICE, True),
        ("The paper was removed.", True),
        ("This paper has been removed by arXiv administrators because it plagiarizes gr-qc/0011027.", True),
        ("We show that groups are graphs.", False),
        (f"{NOTICE} {'We show that groups are graphs, and that graphs are not. ' * 10}", False),
    ],
)
def test_an_abstract_says_only_so_where_it_is_a_notice(abstract: str, says_only: bool) -> None:
    assert says_only_so(Paper("1", "On groups", abstract, comments="Withdrawn")) is says_only


def test_an_index_of_only_withdrawn_papers_answers_nothing(update: Update, folder: Path) -> None:
    update([one for one in RECORDS if one["id"] in GONE])
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        assert ix.similar(GONE[0], top=5).hits == []
        assert ix.similar_to_text("a text", top=5).hits == []
        assert len(ix.similar(GONE[0], top=5, include_withdrawn=True)) == 5


def test_withdrawn_papers_are_counted_by_info(update: Update, folder: Path) -> None:
    update(RECORDS)
    told = orjson.loads(run("info", "--index", folder, "--format", "json").stdout)
    assert (told["papers"], told["withdrawn"]) == (40, 14)
    assert "40, 14 of them withdrawn" in run("info", "--index", folder).stdout


def test_the_command_leaves_them_out_in_every_way_of_asking(
    update: Update, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.embedding.load", lambda *_arguments, **_options: FakeEmbedder())
    update(RECORDS)
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    for way in ([IDS[1]], ["--batch", tmp_path / "ids.txt"], ["--text", "a text"]):
        answers, errors, code = query(*way, "--index", folder, "--top", 26)
        assert (errors, code) == ([], 0)
        for answer in answers:
            found = {hit["id"] for hit in answer["hits"]}
            assert not found & set(GONE)
            assert len(found) >= 25
        [everything, *_rest], _errors, _code = query(*way, "--index", folder, "--top", 40, "--include-withdrawn")
        assert {hit["id"] for hit in everything["hits"]} >= set(GONE) - {*everything["query"]["ids"]}


def test_a_paper_that_is_withdrawn_and_comes_back_goes_and_returns(update: Update, folder: Path) -> None:
    whole = [record(one) for one in IDS]
    for place in (5, 20):
        withdrawn = [*whole[:place], record(IDS[place], abstract=NOTICE), *whole[place + 1 :]]
        for snapshot, shown, n_withdrawn in ((withdrawn, [*whole[:place], *whole[place + 1 :]], 1), (whole, whole, 0)):
            update(snapshot)
            assert_holds(folder, snapshot)
            with open_index(folder, embedder=FakeEmbedder()) as ix:
                assert ix.info().summary.n_withdrawn == n_withdrawn
                assert [hit.id for hit in ix.similar_to_text("x", top=40)] == nearest(shown, vector_of("x"), 40)


def test_an_update_applies_a_changed_rule_of_withdrawal_without_embedding(
    update: Update, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(RECORDS)
    monkeypatch.setattr("lunacy.entry.is_withdrawn", lambda paper: paper.id in IDS[:3])
    assert verify(folder) == []  # what is stored is as it was written
    embedder = FakeEmbedder()
    update(RECORDS, embedder=embedder)
    assert embedder.texts == []
    with database(folder) as connection:
        found = connection.execute("SELECT id FROM papers WHERE withdrawn ORDER BY id").fetchall()
    assert found == [(one,) for one in IDS[:3]]
    with open_index(folder) as ix:
        assert ix.info().summary.n_withdrawn == 3
    assert verify(folder) == []


def test_a_withdrawn_paper_that_is_removed_is_no_longer_counted(update: Update, folder: Path) -> None:
    update(RECORDS)
    remove(folder, GONE[:2])
    with open_index(folder) as ix:
        assert (len(ix), ix.info().summary.n_withdrawn) == (38, 12)
    assert verify(folder) == []


def test_withdrawn_papers_stay_hidden_when_rows_move(update: Update, folder: Path) -> None:
    update(RECORDS)
    remove(folder, IDS[1:20:3])
    assert run("compact", "--index", folder).exit_code == 0
    left = [one for one in LEFT if one["id"] not in IDS[1:20:3]]
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        assert [hit.id for hit in ix.similar_to_text("x", top=40)] == nearest(left, vector_of("x"), 40)
    assert verify(folder) == []
