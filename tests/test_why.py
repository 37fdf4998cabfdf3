"""Why a paper is a hit, against what can be worked out by hand, and in NumPy."""

from __future__ import annotations

import math
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.answer import Answer, Hit
from lunacy.derived.lexical import open_lexical, pair_hashes, stems
from lunacy.derived.shares import Share, Shares, shares_of
from lunacy.errors import Busy, ModelError, UsageError
from lunacy.paper import Paper
from lunacy.query.model import TextVector
from lunacy.query.sentence_pairs import with_sentences
from lunacy.query.service import Service
from lunacy.query.shared_terms import shared_terms
from lunacy.render.wrapping import width_of
from lunacy.store import Store
from lunacy.why import Near, SentencePair, Term, Why
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.test_cli import run

TOPICS = "cuprate vortex magnet", "sheaf cohomology motif", "galaxy redshift starburst"


def paper(n: int) -> dict[str, Any]:
    """A paper of one of three topics, with words of its own and of its neighbours."""
    words = [f"{TOPICS[n % 3]} of sort{n % 5}", f"It is shown that quirk{n // 6} holds for only{n}"]
    authors = ["Ada Lovelace", "A. Lovelace and Emmy Noether", "Alan Turing"][n % 3]
    return record(
        f"2101.{n:05}",
        title=f"On {TOPICS[n % 3].split()[0]} {n}",
        abstract=". ".join([f"We study {words[0]}", *words[1:]]) + ".",
        authors=authors,
        categories=["math.AG", "cs.CL"][n % 2],
    )


PAPERS = [paper(n) for n in range(60)]
IDS = [str(one["id"]) for one in PAPERS]
TEXTS = [f"{one['title']} {one['abstract']}" for one in PAPERS]
VECTORS = np.array([vector_of(text) for text in TEXTS], np.float64)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("why")
    (folder / "snapshot.jsonl").write_bytes(lines(PAPERS))
    lunacy.build_index(folder / "snapshot.jsonl", into=folder / "index", embedder=FakeEmbedder())
    shutil.copytree(folder / "index", folder / "wordless")
    lunacy.build_lexical(folder / "index")
    return folder


@pytest.fixture
def ix(made: Path) -> Iterator[lunacy.Index]:
    with lunacy.open_index(made / "index", embedder=FakeEmbedder()) as opened:
        yield opened


def whys(answer: Answer) -> list[Why]:
    return [hit.why for hit in answer.hits if hit.why is not None]


def test_what_the_terms_add_is_the_score_by_words(ix: lunacy.Index, made: Path) -> None:
    hits = ix.similar(IDS[7], rank="lexical", top=20).hits
    with Store(made / "index") as store, store.view() as view:
        lexical = open_lexical(view)
        assert lexical is not None
        rows = view.rows([hit.id for hit in hits])
        for hit in hits:
            shares = shares_of(lexical, PAPERS[7]["abstract"], rows[hit.id], title=PAPERS[7]["title"])
            every = [*shares.words.values(), *shares.pairs.values()]
            assert sum(share.weight for share in every) == pytest.approx(hit.score, rel=1e-4)
        n_with = sum("cuprate" in text for text in TEXTS)
        assert shares_of(lexical, "cuprates", rows[hits[0].id]).words == {}  # hits[0] is of another topic
        [row] = view.rows([IDS[0]]).values()
        found = shares_of(lexical, "Cuprates?", row).words["cuprat"]
        assert found.rarity == pytest.approx(math.log(1 + (60 - n_with + 0.5) / (n_with + 0.5)))
        assert shares_of(lexical, "cuprate", 10**6) == Shares({}, {})


def shares_by_hand(words: dict[str, float], *phrases: str) -> Shares:
    """Stems with their weights, each rare; the phrases are pairs of stems that both texts have, of weight 1."""
    pairs = {pair: Share(1.0, 6.0) for phrase in phrases for pair in pair_hashes(phrase.split())}
    return Shares({word: Share(weight, 5.0) for word, weight in words.items()}, pairs)


def terms(shares: Shares, *texts: str) -> list[str]:
    return [term.text for term in shared_terms(texts, shares)]


def test_terms_are_phrases_that_both_have_the_weightiest_first() -> None:
    shares = shares_by_hand({"advers": 4, "drug": 3, "reaction": 2, "tweet": 5, "mine": 3}, "advers drug reaction")
    found = shared_terms(["Tweets", "Adverse drug reactions; the mining of adverse drug lists, mines."], shares)
    assert found == (Term("Adverse drug reactions", 11.0), Term("Tweets", 5.0), Term("mining", 3.0))


def test_a_phrase_goes_over_no_stop_and_no_word_that_only_one_has() -> None:
    shares = shares_by_hand({"vortex": 3, "magnet": 2}, "vortex magnet")
    assert terms(shares, "A vortex. Magnets too.") == ["vortex", "Magnets"]
    assert terms(shares, "A vortex cuprate magnet.") == ["vortex", "magnet"]
    assert terms(shares, "A vortex of the magnet.") == ["vortex of the magnet"]
    assert terms(shares_by_hand({"vortex": 3, "magnet": 2}), "A vortex magnet.") == ["vortex", "magnet"]


def test_what_tells_nothing_is_no_term() -> None:
    """TeX, links, numbers, letters, words of all fields, and those that many of the papers have."""
    words = dict.fromkeys("mathbb alpha result show 2010 x exampl org quark".split(), 9.0)
    text = "We show results of 2010 with $\\alpha \\mathbb{R}$ \\mathbb x at https://example.org/quark for quarks."
    assert terms(shares_by_hand(words), text) == ["quarks"]
    common = Shares({"quark": Share(9.0, 0.5), "gluon": Share(1.0, 5.0)}, {})
    assert terms(common, "Quarks and gluons.") == ["gluons"]


ACCENTS = {
    'The Schr\\"odinger operator.': ["Schrödinger operator"],
    "\\'etale; L\\'{e}vy; {\\'E}tale M{\\oe}glin": ["Lévy", "Mœglin", "étale"],
    "Fabry and P{\\'e}rot's": ["Fabry", "Pérot"],
    "Erd\\H{o}s; {\\em quantum} states": ["quantum"],  # an accent that is no sign is not followed
}


@pytest.mark.parametrize("text", ACCENTS)
def test_a_word_with_accents_of_tex_is_whole_or_no_term(text: str) -> None:
    words = stems(text)
    shares = Shares(dict.fromkeys(words, Share(3.0, 5.0)), dict.fromkeys(pair_hashes(words), Share(1.0, 6.0)))
    assert sorted(terms(shares, text)) == ACCENTS[text]


def test_very_common_words_of_other_languages_are_no_terms() -> None:
    shares = shares_by_hand({"le": 9, "du": 8, "faisceaux": 3, "sur": 7}, "le faisceaux", "faisceaux du")
    assert terms(shares, "Sur le faisceaux du", "sur le faisceaux") == ["faisceaux"]
    assert terms(shares_by_hand({"su": 3}), "SU(2) and su.") == ["SU"]


def test_an_everyday_word_is_at_the_edge_of_a_phrase_only_where_it_belongs_there() -> None:
    rare = {"languag": Share(3.0, 3.2), "natur": Share(1.0, 2.8)}
    [pair] = pair_hashes(["natur", "languag"])
    assert terms(Shares(rare, {pair: Share(2.0, 5.4)}), "The natural language.") == ["natural language"]
    assert terms(Shares(rare, {pair: Share(2.0, 9.0)}), "The natural language.") == ["language"]


def test_a_term_is_written_with_the_fewest_capitals_and_small_ones_are_left_out() -> None:
    shares = shares_by_hand({"bell": 9, "vortex": 8, "tini": 0.8, **{f"w{n}": 5 for n in range(9)}})
    found = terms(shares, "Bell, Vortex", "The vortex of Bell is tiny. " + " ".join(f"w{n}" for n in range(9)))
    assert found[:2] == ["Bell", "vortex"]
    assert len(found) == 6
    assert "tiny" not in terms(shares, "Bell is tiny")
    assert terms(shares_by_hand({"frb": 9, "frbs": 5}), "An FRB, and FRBs.") == ["FRB"]


@pytest.mark.parametrize(
    "options",
    [{}, {"category": "math.AG"}, {"unlike": IDS[5]}, {"rank": "hybrid"}, {"include_self": True}, {"top": 3}],
)
def test_the_hits_are_the_same_and_each_says_why(ix: lunacy.Index, options: dict[str, Any]) -> None:
    plain, explained = ix.similar(IDS[9], **options), ix.similar(IDS[9], explain=True, **options)
    assert [replace(hit, why=None) for hit in explained] == plain.hits
    assert [hit.id for hit in explained if hit.why is None] == ([IDS[9]] if "include_self" in options else [])
    assert {why.asked for why in whys(explained)} == {IDS[9]}


@pytest.mark.parametrize("category", ["", "math.AG"])
def test_the_places_are_those_among_what_the_filter_admits(ix: lunacy.Index, category: str) -> None:
    options: dict[str, Any] = {"category": category} if category else {}
    answer = ix.similar(IDS[9], top=60, explain=True, **options)
    admitted = [n for n in range(60) if n != 9 and (not category or PAPERS[n]["categories"] == category)]
    cosines = VECTORS @ VECTORS[9]
    nearest = sorted(admitted, key=lambda n: (-cosines[n], n))
    bm25 = {hit.id: hit.score for hit in ix.similar(IDS[9], top=60, rank="lexical", **options) if hit.score > 0}
    worded = sorted(bm25, key=lambda one: (-bm25[one], one))
    for hit in answer:
        assert hit.why is not None
        assert hit.why.by_vectors == nearest.index(IDS.index(hit.id)) + 1
        assert hit.why.by_words == (worded.index(hit.id) + 1 if hit.id in worded else None)


def test_authors_of_both_are_told_as_the_hit_has_them(ix: lunacy.Index) -> None:
    authors = {hit.id: hit.why.authors for hit in ix.similar(IDS[3], top=59, explain=True) if hit.why}
    assert authors[IDS[6]] == ("Ada Lovelace",)
    assert authors[IDS[4]] == ("A. Lovelace",)
    assert authors[IDS[5]] == ()
    assert {why.authors for why in whys(ix.similar_to_text("Ada Lovelace", explain=True))} == {()}


def test_several_are_compared_with_the_nearest_of_them_and_held_against_the_nearest_unlike(ix: lunacy.Index) -> None:
    answer = ix.similar_to_all(IDS[:3], text="sheaf cohomology", unlike=IDS[3:5], top=20, explain=True)
    asked = np.vstack([VECTORS[:3], vector_of("sheaf cohomology")])
    for hit in answer:
        vector = VECTORS[IDS.index(hit.id)]
        assert hit.why is not None
        assert hit.why.asked == [*IDS[:3], ""][int((asked @ vector).argmax())]
        assert hit.why.unlike is not None
        assert hit.why.unlike.id == IDS[3 + int((VECTORS[3:5] @ vector).argmax())]
        assert hit.why.unlike.cosine == pytest.approx(float((VECTORS[3:5] @ vector).max()), abs=1e-6)
    assert {"", *IDS[:3]} >= {why.asked for why in whys(answer)}


def test_without_a_word_index_words_weigh_as_much_as_they_are_rare(made: Path) -> None:
    with lunacy.open_index(made / "wordless", embedder=FakeEmbedder()) as wordless:
        found = wordless.similar(IDS[0], top=59, explain=True)
    assert {why.by_words for why in whys(found)} == {None}
    why = next(hit.why for hit in found if hit.id == IDS[3])
    assert why is not None
    weights = {term.text: term.weight for term in why.terms}
    n_with = {word: sum(word in text for text in TEXTS) for word in ("cuprate", "vortex", "magnet", "quirk0 ")}
    rarity = {word: math.log(61 / (1 + n)) for word, n in n_with.items()}
    pairs = math.log(61 / (1 + n_with["cuprate"])) * 2  # all papers of a topic have both pairs
    phrase = rarity["cuprate"] + rarity["vortex"] + rarity["magnet"] + pairs
    assert weights["cuprate vortex magnet"] == pytest.approx(phrase, rel=0.02)
    assert "quirk0" in " ".join(weights)


def bag(texts: Sequence[str]) -> list[TextVector]:
    """A vector a text: how often each letter occurs, of length 1."""
    counts = [Counter(re.findall("[a-z]", text.lower())) for text in texts]
    rows = np.array([[one["abcdefghijklmnopqrstuvwxyz"[n]] for n in range(26)] for one in counts], np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return list(map(TextVector, rows[:, None]))


def answer_of(asked: Paper | str, *hits: Paper) -> Answer:
    papers, text = ((asked,), "") if isinstance(asked, Paper) else ((), asked)
    why = Why(papers[0].id if papers else "")
    return Answer([Hit(rank, one, 1.0, why=why) for rank, one in enumerate(hits, 1)], papers, text)


def pair_of(asked: Paper | str, hit: Paper) -> SentencePair | None:
    [answer] = with_sentences([answer_of(asked, hit)], bag)
    assert isinstance(answer, Answer)
    [why] = whys(answer)
    return why.sentences


FIRST = Paper("1", "Aaa bbb", "Zzz zzz zzz yyy. Cats eat mice at night. Short one.")
OTHER = Paper("2", "Aaa bbb", "Ooo ooo ooo uuu. At night mice eat cats. Short one.")


def test_the_closest_sentences_are_those_with_the_highest_cosine() -> None:
    pair = pair_of(FIRST, OTHER)
    assert pair == SentencePair("Cats eat mice at night.", "At night mice eat cats.", pytest.approx(1.0))
    assert pair_of(FIRST, replace(OTHER, title="Zzzzz yy")) == pair
    worse = replace(OTHER, title="Zzzz y, zzzzz yy", abstract="Ooo ooo ooo uuu.")
    found = pair_of(FIRST, worse)
    assert found is not None
    assert (found.asked, found.hit) == ("Zzz zzz zzz yyy.", "Zzzz y, zzzzz yy")
    assert pair_of("Dogs bark. Night: mice eat cats at.", OTHER) == SentencePair(
        "Night: mice eat cats at.", "At night mice eat cats.", pytest.approx(1.0)
    )


def test_titles_alone_notices_and_short_pieces_are_no_sentences() -> None:
    assert pair_of(replace(FIRST, abstract=""), replace(OTHER, abstract="")) is None
    notice = "This paper has been withdrawn by the author."
    withdrawn = [replace(one, abstract=notice, comments="withdrawn") for one in (FIRST, OTHER)]
    assert pair_of(*withdrawn) is None
    short = pair_of(FIRST, replace(OTHER, abstract="Short one."))
    assert short is not None
    assert short.hit == "Aaa bbb"
    assert pair_of("", OTHER) is None


def test_all_sentences_of_an_answer_are_embedded_at_once_each_once() -> None:
    calls: list[list[str]] = []

    def embed(texts: Sequence[str]) -> list[TextVector]:
        calls.append(list(texts))
        return bag(texts)

    third = replace(OTHER, id="3", abstract=f"{OTHER.abstract} Birds sing in the morning.")
    list(with_sentences([answer_of(FIRST, OTHER, third)], embed))
    assert [len(call) for call in calls] == [len({*calls[0]})] == [6]
    titles = [replace(one, abstract="") for one in (FIRST, OTHER)]  # as a published index has them
    list(with_sentences([replace(answer_of(FIRST, OTHER), hits=[]), answer_of(*titles)], embed))
    assert len(calls) == 1


@pytest.mark.parametrize("error", [ModelError("it is gone"), Busy("it is being loaded")])
def test_without_a_model_a_note_says_what_is_missing_and_it_is_tried_once(error: Exception) -> None:
    calls = []

    def embed(texts: Sequence[str]) -> list[TextVector]:
        calls.append(texts)
        raise error

    found = list(with_sentences([answer_of(FIRST, OTHER), answer_of(OTHER, FIRST)], embed))
    assert len(calls) == 1
    for one in found:
        assert isinstance(one, Answer)
        assert one.notes == (f"no sentences are compared: {error}",)
        assert [why.sentences for why in whys(one)] == [None]


def test_while_the_model_is_being_loaded_reasons_come_without_sentences(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_there = threading.Event()

    def load(*_recorded: Any, **_options: Any) -> FakeEmbedder:
        is_there.wait(10)
        return FakeEmbedder()

    monkeypatch.setattr("lunacy.query.service.load_model_of", load)
    question = lunacy.Question(papers=IDS[9], explain=True, top=3)
    with Service([made / "index"]) as service:
        answer = service.ask(question).result(10)
        assert answer.notes[-1].startswith("no sentences are compared: the model is being loaded")
        assert [(why.by_vectors, why.sentences) for why in whys(answer)] == [(1, None), (2, None), (3, None)]
        is_there.set()
        while service.model_state() == "loading":
            time.sleep(0.01)
        assert all(why.sentences for why in whys(service.ask(question).result(10)))


def test_the_command_says_why_in_lines_that_fit(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.embedding.load", lambda model, *_recorded, **_options: FakeEmbedder(model))
    common = [IDS[9], "--index", made / "index", "--explain"]
    found = orjson.loads(run("query", *common, "--format", "jsonl").stdout)["hits"]
    assert list(found[0]["why"]) == ["asked", "terms", "sentences", "by_vectors", "by_words", "authors"]
    assert [one["why"]["by_vectors"] for one in found] == list(range(1, 11))
    monkeypatch.setenv("COLUMNS", "50")
    table = run("query", *common, "--format", "table").stdout
    assert max(width_of(line) for line in table.splitlines() if "https" not in line) <= 50
    assert table.count("     places     ") == table.count("     sentences  ") == 10
    written = run("query", *common, "--format", "md").stdout
    assert written.count("\n   - places: ") == 10
    refused = run("query", *common, "--format", "csv")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "--explain has no place in csv" in refused.stderr


def test_a_record_of_why_is_complete_and_short_of_digits() -> None:
    why = Why("1", (Term("a b", 1.2345),), SentencePair("a", "b", 0.123456789), 1, None, ("A",), Near("2", 1 / 3))
    assert why.as_record() == {
        "asked": "1",
        "terms": [{"text": "a b", "weight": 1.23}],
        "sentences": {"asked": "a", "hit": "b", "cosine": 0.123457},
        "by_vectors": 1,
        "by_words": None,
        "authors": ["A"],
        "unlike": {"id": "2", "cosine": 0.333333},
    }
    assert Why("").as_record()["asked"] is None


def test_a_question_takes_a_flag_alone() -> None:
    with pytest.raises(UsageError, match="explain"):
        lunacy.Question(papers=IDS[0], explain="much")  # type: ignore[typeddict-item]
