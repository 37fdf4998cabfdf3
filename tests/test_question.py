"""One question in, one answer out: the same from Python, JSON and the command line, checked once."""

from __future__ import annotations

import inspect
import json
import pydoc
from collections.abc import Iterable, Iterator
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.answer import Answer
from lunacy.errors import LunacyError, NotAnId, UnknownPaper, UsageError
from lunacy.filter import Filter
from lunacy.question import Asked, Keywords, Options, Query, Question
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.direction import direction_of
from tests.test_cli import run
from tests.test_keywords import WRONG

IDS = [f"1802.{n:05}" for n in range(1, 31)]
TEXTS = {one: f"On {one} We study {one}." for one in IDS}
VECTORS = {one: vector_of(text).astype(np.float64) for one, text in TEXTS.items()}
EVERY = np.array(list(VECTORS.values()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("question")
    records = [record(one, title=f"On {one}", abstract=f"We study {one}.") for one in IDS]
    (base / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    return base / "index"


@pytest.fixture(scope="module")
def ix(folder: Path) -> Iterator[lunacy.Index]:
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as index:
        yield index


def nearest(*queries: np.ndarray, without: Iterable[str] = (), top: int = 10) -> list[str]:
    """By brute force: near to all queries is near to the farthest."""
    scores = {one: min(float(vector @ query) for query in queries) for one, vector in VECTORS.items()}
    return sorted((one for one in IDS if one not in set(without)), key=lambda one: -scores[one])[:top]


def ids(answer: Answer | LunacyError) -> list[str]:
    assert isinstance(answer, Answer)
    return [hit.id for hit in answer.hits]


def test_a_question_says_all_that_can_be_asked() -> None:
    assert {one.name for one in fields(Question) if one.init} == Asked.__annotations__.keys()
    assert Asked.__annotations__.keys() - Keywords.__annotations__.keys() == {"papers", "text", "together"}


def test_what_is_given_is_read_once_into_its_type() -> None:
    asked = Question(
        papers="1802.00001",
        top=np.int64(3),
        category="cs.*",
        since=2018,
        unlike="1802.00002 1802.00003",
        only_ids=["arXiv:1802.00004v2"],
        not_ids=iter(["https://arxiv.org/abs/1802.00005"]),
    )
    assert (asked.papers, asked.top, type(asked.top)) == (("1802.00001",), 3, int)
    assert asked.unlike == ("1802.00002", "1802.00003")
    wanted = Filter(("cs.*",), "2018", only_ids=frozenset({"1802.00004"}), not_ids=frozenset({"1802.00005"}))
    assert asked.filter == wanted
    assert replace(asked, top=4) == Question(
        papers=["1802.00001"],
        top=4,
        category=["cs.*"],
        since="2018",
        unlike=["1802.00002", "1802.00003"],
        only_ids={"1802.00004"},
        not_ids={"1802.00005"},
    )
    with pytest.raises(FrozenInstanceError):
        asked.top = 5  # type: ignore[misc]


def test_json_is_the_same_question() -> None:
    text = '{"papers": ["1802.00001", "1802.00002"], "top": 3, "min_score": 0.5, "together": true, "since": "2018"}'
    asked = Question(papers=["1802.00001", "1802.00002"], top=3, min_score=0.5, together=True, since="2018")
    assert Question.parse(json.loads(text)) == asked
    assert Question.parse({"text": "graphs"}) == Question(text="graphs")


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[str(given) for given, _message in WRONG])
def test_python_and_json_are_refused_alike(given: dict[str, Any], message: str) -> None:
    for make in (lambda: Question(papers=IDS[:1], **given), lambda: Question.parse({"papers": IDS[:1], **given})):
        with pytest.raises(UsageError) as caught:
            make()
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "there is nothing to look for; give some papers, or a text"),
        ({"papers": []}, "there is nothing to look for"),
        ({"papers": None, "text": " "}, "there is nothing to look for"),
        ({"text": " \n"}, "the text is empty"),
        ({"paper": "1802.00001"}, "there is no option 'paper'; did you mean 'papers'?"),
        ({"papers": 1802.00001}, "papers is '1802.00001', of type float; give text, or a list of texts"),
        ({"text": ["graphs"]}, "text is \"['graphs']\", of type list; give text"),
        ({"text": None}, "text is 'None'"),
        ({"papers": "1", "together": "yes"}, "together is 'yes', of type str; give True or False"),
        ({"papers": "1", "top": 0}, "top is 0; ask for at least 1"),
        ({"papers": "1", "nprobe": 8}, "nprobe is 8, which is the number of IVF lists to search; it needs ivf"),
        ({"papers": "1", "nprobe": 0, "ivf": True}, "nprobe is 0; look into at least 1 list"),
        ({"papers": "1", "min_score": float("nan")}, "min_score is nan"),
        ({"papers": "1", "min_score": 1.1}, "min_score is 1.1, and scores lie between -1 and 1"),
        ({"papers": "1", "min_score": -1.6, "unlike": "2"}, "min_score is -1.6, and scores lie between -1.5 and 1.5"),
        ({"papers": "1", "ivf": True, "rank": "lexical"}, "ivf searches vectors, and rank lexical goes by words alone"),
        ({"papers": ["1", "2"], "ivf": True, "together": True}, "ivf searches for one paper or text, not for several"),
        ({"papers": "1", "text": "graphs", "ivf": True}, "ivf searches for one paper or text, not for several"),
        ({"papers": "1", "unlike": ["2", "3"], "ivf": True}, "unlike has 2 papers; ivf goes with one"),
        (
            {"text": "graphs", "include_self": True},
            "include_self lists the paper that is asked for, and a text is none",
        ),
        ({"papers": "1", "rank": "best"}, "rank 'best' is unknown; choose one of dense, hybrid, lexical"),
        ({"papers": "1", "since": "2019", "until": "2018"}, "since 2019 is after until 2018; swap them"),
        ({"papers": "1", "author": "A and B"}, "author 'A and B' is more than one name"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_question_is_made(given: dict[str, Any], message: str) -> None:
    for make in (lambda: Question(**given), lambda: Question.parse(given)):
        with pytest.raises(UsageError) as caught:
            make()
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize("record", [None, 5, "1802.00001", ["1802.00001"]])
def test_what_is_no_object_is_no_question(record: Any) -> None:
    with pytest.raises(UsageError, match=r"a question is a JSON object, not .*; write it like"):
        Question.parse(record)


def test_a_question_has_a_list_for_each_paper_or_one_for_all() -> None:
    assert Question(papers=IDS[:2]).queries == (Query((IDS[0],)), Query((IDS[1],)))
    assert Question(papers=IDS[:2], together=True).queries == (Query((IDS[0], IDS[1])),)
    assert Question(papers=IDS[:2], text="graphs").queries == (Query((IDS[0], IDS[1]), "graphs"),)
    assert Question(text="graphs", together=True).queries == (Query((), "graphs"),)


def test_each_form_of_question_is_answered_as_brute_force_answers(ix: lunacy.Index) -> None:
    text = vector_of("graphs").astype(np.float64)
    paper = ix.ask(Question(papers=IDS[0], top=5))
    assert ids(paper) == nearest(VECTORS[IDS[0]], without=IDS[:1], top=5)
    assert (paper.paper, paper.text) == (ix.paper(IDS[0]), "")
    words = ix.ask(Question(text="graphs"))
    assert ids(words) == nearest(text)
    assert (words.papers, words.text) == ((), "graphs")
    both = ix.ask(Question(papers=IDS[:2], text="graphs", not_ids=IDS[2:5]))
    three = direction_of(EVERY, np.array([VECTORS[IDS[0]], VECTORS[IDS[1]], text]))
    assert ids(both) == nearest(three, without=IDS[:5])
    assert ([one.id for one in both.papers], both.text) == (IDS[:2], "graphs")
    for hit in both:
        cosines = {one: float(VECTORS[one] @ VECTORS[hit.id]) for one in IDS[:2]}
        assert [one.id for one in hit.near] == sorted(cosines, key=lambda one: -cosines[one])
        assert [one.cosine for one in hit.near] == pytest.approx(sorted(cosines.values(), reverse=True), abs=1e-6)
        assert hit.cosine == pytest.approx(max(*cosines.values(), float(text @ VECTORS[hit.id])), abs=1e-6)
        assert hit.as_record()["near"] == [{"id": one.id, "cosine": round(one.cosine, 6)} for one in hit.near]
    assert all(hit.near == () and "near" not in hit.as_record() for hit in (*paper, *words))
    all_too = ix.ask(Question(papers=IDS[:2], together=True, include_self=True))
    assert ids(all_too) == nearest(direction_of(EVERY, EVERY[:2]))


def test_many_questions_are_answered_in_order_whatever_they_are(ix: lunacy.Index) -> None:
    text = vector_of("graphs").astype(np.float64)
    questions = [
        Question(papers=IDS[:2], top=3),
        Question(papers=IDS[2], top=3),
        Question(text="graphs", top=3),
        Question(papers=["no id", "1999.99999", IDS[3]], top=3),
        Question(papers=[IDS[0], "1999.99999"], together=True),
        Question(papers=IDS[:2], top=2, together=True),
        Question(text="graphs", top=4),
    ]
    for asked in (questions, iter(questions)):
        answers = list(ix.ask_many(asked))
        assert ids(answers[0]) == nearest(VECTORS[IDS[0]], without=[IDS[0]], top=3)
        assert ids(answers[1]) == nearest(VECTORS[IDS[1]], without=[IDS[1]], top=3)
        assert ids(answers[2]) == nearest(VECTORS[IDS[2]], without=[IDS[2]], top=3)
        assert ids(answers[3]) == nearest(text, top=3)
        assert [type(answer) for answer in answers[4:6]] == [NotAnId, UnknownPaper]
        assert ids(answers[6]) == nearest(VECTORS[IDS[3]], without=[IDS[3]], top=3)
        assert type(answers[7]) is UnknownPaper
        assert ids(answers[8]) == nearest(direction_of(EVERY, EVERY[:2]), without=IDS[:2], top=2)
        assert ids(answers[9]) == nearest(text, top=4)
        assert len(answers) == 10


def test_questions_that_differ_in_the_paper_alone_are_one_product(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lunacy.open_index(folder) as ix:
        sizes: list[int] = []
        ask = type(ix._searcher).nearest

        def counted(self: Any, queries: Any, *rest: Any, **more: Any) -> Any:
            sizes.append(len(queries))
            return ask(self, queries, *rest, **more)

        monkeypatch.setattr(type(ix._searcher), "nearest", counted)
        together = list(ix.ask_many(Question(papers=one, top=3, since="2001") for one in IDS))
        assert sizes == [len(IDS)]
        lists = [answer.hits for answer in together if isinstance(answer, Answer)]
        assert [answer.hits for answer in ix.similar_many(IDS, top=3)] == lists
        assert sizes == [len(IDS)] * 2


def test_a_question_for_several_lists_is_for_ask_many(ix: lunacy.Index) -> None:
    with pytest.raises(UsageError, match="papers has 2 ids, for a list each; ask for one list, together, or"):
        ix.ask(Question(papers=IDS[:2]))


def test_a_paper_is_given_by_its_id_in_any_form(ix: lunacy.Index) -> None:
    paper = ix.paper(f"https://arxiv.org/abs/{IDS[3]}v2")
    assert (paper.id, paper.title, paper.abstract) == (IDS[3], f"On {IDS[3]}", f"We study {IDS[3]}.")
    assert ix.similar(IDS[3], top=1, include_self=True)[0].paper == paper
    with pytest.raises(UnknownPaper, match=r"1999\.99999 is not in the index"):
        ix.paper("1999.99999")
    with pytest.raises(NotAnId):
        ix.paper("no id")
    with pytest.raises(UsageError, match="give ids as text"):
        ix.paper(5)  # type: ignore[arg-type]


def test_the_command_line_and_python_and_json_answer_alike(ix: lunacy.Index, folder: Path) -> None:
    shown = run("query", IDS[0], "--index", folder, "--top", 3, "--not", IDS[5], "--format", "json").stdout
    asked = Question.parse({"papers": [IDS[0]], "top": 3, "unlike": [IDS[5]]})
    assert json.loads(shown) == [ix.ask(asked).as_record()]
    shown = run("query", *IDS[:3], "--index", folder, "--format", "jsonl", "--together").stdout
    assert json.loads(shown) == ix.ask(Question(papers=IDS[:3], together=True)).as_record()


@pytest.mark.parametrize("name", ["similar", "similar_many", "similar_to_text", "similar_to_all"])
def test_help_and_completion_list_the_keywords(name: str) -> None:
    function = getattr(lunacy.Index, name)
    parameters = inspect.signature(function).parameters
    defaults = {one.name: one.default for one in fields(Options) if one.init}
    assert {one: parameters[one].default for one in defaults} == defaults
    assert list(inspect.signature(Question).parameters)[: len(defaults)] == list(defaults)
    shown = pydoc.render_doc(function)
    assert all(f"`{one}`" in shown for one in Keywords.__annotations__)
    assert "merge near-duplicates into one hit" in shown
    assert "**" not in str(inspect.signature(function))
