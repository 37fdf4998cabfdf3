"""A service answers questions from many threads as `Index.ask` does, and the errors of one are its own."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import lunacy
from lunacy.embedding import Embedded, Embedder
from lunacy.errors import Busy, LunacyError, ModelError, NoIndex, NotAnId, UnknownPaper, UsageError
from lunacy.pipeline import build_lexical, remove
from lunacy.query.line import MOST_WAITING, Line, Waiting
from lunacy.query.service import Service
from lunacy.question import Question
from tests.conftest import FakeEmbedder, lines, record

IDS = [f"1802.{n:05}" for n in range(1, 201)]
WITHDRAWN = "1802.09999"  # its abstract says only so, so that its title is embedded when it is asked for


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("service")
    records = [record(one, categories="cs.CL" if n % 2 else "hep-th") for n, one in enumerate(IDS)]
    records.append(record(WITHDRAWN, title="A proof", abstract="This paper has been withdrawn by the author."))
    (base / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    build_lexical(base / "index")
    return base / "index"


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "index"))


@pytest.fixture(scope="module")
def shared(whole: Path) -> Iterator[Service]:
    with Service([whole], embedder=FakeEmbedder()) as service:
        yield service


@contextmanager
def held_up(service: Service) -> Iterator[None]:
    """The index's thread is busy until the block ends."""
    begun, end = threading.Event(), threading.Event()

    def wait(_ix: lunacy.Index) -> None:
        begun.set()
        assert end.wait(60)

    held = service._find("").call(wait)
    assert begun.wait(60)
    try:
        yield
    finally:
        end.set()
        held.result(60)


def ids(answer: lunacy.Answer) -> list[str]:
    return [hit.id for hit in answer]


def drawn(rng: random.Random) -> Question:
    """One question of many kinds."""
    options: dict[str, Any] = rng.choice(
        [{}, {}, {"top": 3}, {"category": "hep-th"}, {"rank": "hybrid"}, {"rank": "lexical", "top": 5}, {"fold": True}]
    )
    asked: dict[str, Any] = rng.choice(
        [
            {"papers": rng.choice(IDS)},
            {"papers": rng.choice(IDS)},
            {"papers": f"arXiv:{rng.choice(IDS)}v2", "include_self": True},
            {"text": f"On paper {rng.choice(IDS)}"},
            {"papers": rng.sample(IDS, 2), "together": True},
            {"papers": rng.choice(["1901.00001", "no id at all"])},
        ]
    )
    return Question(**asked, **options)


def outcome(ask: Any) -> object:
    """The answer as JSON has it, or the error."""
    try:
        return ask().as_record()
    except LunacyError as error:
        return type(error), error.full_message


def test_mixed_questions_from_many_threads_are_answered_as_one_by_one(whole: Path, shared: Service) -> None:
    rng = random.Random(0)
    questions = [drawn(rng) for _ in range(150)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda question: outcome(shared.ask(question).result), questions))
    with lunacy.open_index(whole, embedder=FakeEmbedder()) as ix:
        assert found == [outcome(lambda question=question: ix.ask(question)) for question in questions]


def test_those_that_wait_and_are_alike_are_asked_at_once(shared: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    ask_many = lunacy.Index.ask_many

    def counted(ix: lunacy.Index, questions: list[Question]) -> Any:
        asked.append(len(questions))
        return ask_many(ix, questions)

    monkeypatch.setattr(lunacy.Index, "ask_many", counted)
    with held_up(shared):
        plain = [shared.ask(Question(papers=one)) for one in [*IDS[:80], IDS[0]]]
        few = [shared.ask(Question(papers=one, top=3)) for one in IDS[:5]]
        same = [shared.ask(Question(papers=IDS[0], top=4)) for _ in range(7)]
    assert [len(one.result(60)) for one in plain + few + same] == [10] * 81 + [3] * 5 + [4] * 7
    assert asked == [64, 17, 5, 1]


def test_an_error_reaches_only_whom_it_concerns(shared: Service) -> None:
    bad: list[tuple[Question, type[LunacyError], str]] = [
        (Question(papers="2999.00001"), UnknownPaper, "is not in the index"),
        (Question(papers="nonsense"), NotAnId, "nonsense"),
        (Question(papers=IDS[0], ivf=True), UsageError, "no IVF lists"),
        (Question(papers=IDS[0], only_ids=["2999.00001"]), UnknownPaper, "are not in the index"),
        (Question(papers=IDS[0], unlike="2999.00001"), UnknownPaper, "2999.00001 is not in the index"),
        (Question(papers=IDS[:2]), UsageError, "for a list each"),
    ]
    with held_up(shared):
        wrong = [(shared.ask(question), kind, match) for question, kind, match in bad]
        right = [shared.ask(Question(papers=one)) for one in IDS[:10]]
    for future, kind, match in wrong:
        with pytest.raises(kind, match=match):
            future.result(60)
    assert all(len(one.result(60)) == 10 for one in right)


def test_what_breaks_a_group_is_given_to_the_one_that_it_comes_of(
    shared: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_many = lunacy.Index.ask_many

    def broken(ix: lunacy.Index, questions: list[Question]) -> Any:
        if any(question.papers == (IDS[3],) for question in questions):
            raise ZeroDivisionError("a mistake of ours")
        return ask_many(ix, questions)

    monkeypatch.setattr(lunacy.Index, "ask_many", broken)
    with held_up(shared):
        futures = [shared.ask(Question(papers=one)) for one in IDS[:8]]
    assert [type(one.exception(20)) for one in futures] == [type(None)] * 3 + [ZeroDivisionError] + [type(None)] * 4
    assert len(shared.ask(Question(papers=IDS[0])).result(60)) == 10  # the thread goes on


def test_more_than_can_wait_are_told_so_at_once_and_cancelled_ones_make_room(shared: Service) -> None:
    with held_up(shared):
        waiting = [shared.ask(Question(papers=IDS[n % 200])) for n in range(MOST_WAITING)]
        refused = shared.ask(Question(papers=IDS[0]))
        error = refused.exception(0)
        assert isinstance(error, Busy)
        assert (error.status, error.retry_after_s) == (503, 2)
        assert waiting[7].cancel()
        waiting.append(shared.ask(Question(papers=IDS[1])))
        assert not waiting[-1].done()
    with pytest.raises(CancelledError):
        waiting.pop(7).result(60)
    assert all(len(one.result(60)) == 10 for one in waiting)
    assert shared._find("")._line.n_waiting == 0


def test_who_waited_too_long_is_told_so(shared: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.query.line.MOST_WAIT_S", 0.05)
    with held_up(shared):
        late = shared.ask(Question(papers=IDS[0]))
        sleep(0.1)
    with pytest.raises(Busy, match="it waited for 0 seconds; ask again later"):
        late.result(60)
    monkeypatch.undo()
    assert len(shared.ask(Question(papers=IDS[0])).result(60)) == 10


def test_where_no_thread_can_be_started_the_question_says_so(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> None:
        raise RuntimeError("can't start new thread")

    with Service([whole]) as service:
        with monkeypatch.context() as patch:
            patch.setattr(ThreadPoolExecutor, "submit", refuse)
            with pytest.raises(LunacyError, match="too many run already"):
                service.ask(Question(papers=IDS[0])).result(0)
            service.warm()
            with pytest.raises(ModelError, match="the model cannot be loaded"):
                service.ask(TEXT).result(0)
        assert len(service.ask(Question(papers=IDS[0])).result(60)) == 10


def test_many_slow_questions_keep_a_quick_one_waiting_for_one_turn_alone(shared: Service) -> None:
    order: list[str] = []

    def note(name: str, future: Future[Any]) -> None:
        future.add_done_callback(lambda _done: order.append(name))

    with held_up(shared):
        for n in range(50):
            note("slow", shared.ask(Question(papers=IDS[n], rank="hybrid", top=20 + n)))  # all unlike
        quick = shared.ask(Question(papers=IDS[0]))
        note("quick", quick)
    quick.result(60)
    assert order.index("quick") <= 1


def test_an_unknown_index_is_named_beside_those_that_there_are(shared: Service) -> None:
    for asked in (
        shared.ask(Question(papers=IDS[0]), "other"),
        shared.paper(IDS[0], "other"),
        shared.papers(IDS[:1], "other"),
        shared.info("other"),
    ):
        with pytest.raises(UsageError, match="there is no index 'other'; there are: index"):
            asked.result(0)
    with pytest.raises(UsageError, match="there is no index"):
        shared.generation("other")


def test_papers_names_and_figures_are_those_of_the_index(whole: Path, shared: Service) -> None:
    with lunacy.open_index(whole) as ix:
        assert shared.paper(f"arXiv:{IDS[3]}v1").result(60) == ix.paper(IDS[3])
        assert shared.info().result(60) == ix.info()
        known = ix.papers(IDS[:2])
    *found, lacking = shared.papers([IDS[0], f"On paper {IDS[1]}", "2999.00001"]).result(60)
    assert found == known
    assert isinstance(lacking, UnknownPaper)
    assert isinstance(shared.paper("2999.00001").exception(20), UnknownPaper)
    assert shared.best_ranking() == "hybrid"
    assert shared.info().result(0) is shared.info().result(0)  # not read again


def test_a_commit_shows_in_the_next_answer(folder: Path) -> None:
    with Service([folder]) as service:
        before = service.generation(), service.info().result(60).summary.n_papers
        first = ids(service.ask(Question(papers=IDS[0])).result(60))
        with held_up(service):
            remove(folder, [first[0]])
            assert service.generation() == before[0] + 1  # it does not wait for the thread
            waiting = service.ask(Question(papers=IDS[0], top=9))
        assert ids(waiting.result(60)) == first[1:]
        assert service.info().result(60).summary.n_papers == before[1] - 1
        shutil.rmtree(folder / "cache")
        assert service.best_ranking() == "dense"


def test_indexes_have_different_names_and_each_its_own_answers(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other" / "index"))
    third = Path(shutil.copytree(folder, tmp_path / "index-2"))
    remove(other, [IDS[0]])
    with Service([folder, third, other, f"{folder}/"]) as service:
        assert service.names == ("index", "index-2", "index-3", "index-4")
        assert service.info("index-3").result(60).summary.n_papers == len(IDS)
        assert service.paper(IDS[0]).result(60).id == IDS[0]
        assert isinstance(service.paper(IDS[0], "index-3").exception(20), UnknownPaper)


def test_what_is_no_index_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        Service([folder, tmp_path / "none"])
    with pytest.raises(UsageError, match="name at least one"):
        Service([])


class Loading:
    """Stands for loading a model, which takes until `end` is set."""

    def __init__(self, error: LunacyError | None = None) -> None:
        self.end, self.error, self.n = threading.Event(), error, 0
        self.embedder = FakeEmbedder()

    def __call__(self, *_args: Any) -> Embedder:
        self.n += 1
        assert self.end.wait(60)
        if self.error:
            raise self.error
        return self.embedder


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> Loading:
    loading = Loading()
    monkeypatch.setattr("lunacy.query.service.load_model_of", loading)
    return loading


def until(service: Service, state: str) -> None:
    end_s = monotonic() + 60
    while service.model_state() != state:
        assert monotonic() < end_s
        sleep(0.005)


TEXT = Question(text="On paper 1802.00001 We study the paper 1802.00001 and find it good.", top=1)


def test_texts_are_told_that_the_model_is_being_loaded_and_ids_are_answered(whole: Path, loading: Loading) -> None:
    with Service([whole, whole]) as service:
        service.warm()
        assert service.model_state() == service.model_state("index-2") == "loading"
        error = service.ask(TEXT).exception(0)
        assert isinstance(error, Busy)
        assert "the model is being loaded" in str(error)
        assert error.retry_after_s > 0
        with held_up(service):
            title = service.ask(Question(papers=WITHDRAWN))
            others = [service.ask(Question(papers=one)) for one in IDS[:5]]
        assert isinstance(title.exception(20), Busy)
        assert all(len(one.result(60)) == 10 for one in others)
        assert len(service.ask(Question(text="paper", rank="lexical")).result(60)) == 10
        loading.end.set()
        until(service, "ready")
        assert ids(service.ask(TEXT).result(60)) == [IDS[0]]
        assert ids(service.ask(TEXT, "index-2").result(60)) == [IDS[0]]
        assert len(service.ask(Question(papers=WITHDRAWN)).result(60)) == 10
        assert (loading.n, loading.embedder.texts.count(TEXT.text)) == (1, 1)  # both share it, and what it embedded


def test_a_text_that_nobody_prepared_for_starts_the_loading(whole: Path, loading: Loading) -> None:
    loading.end.set()
    with Service([whole]) as service:
        assert isinstance(service.ask(TEXT).exception(0), Busy)
        until(service, "ready")
        assert ids(service.ask(TEXT).result(60)) == [IDS[0]]


def test_a_model_that_cannot_be_loaded_is_an_error_of_texts_alone_and_can_be_tried_again(
    whole: Path, loading: Loading
) -> None:
    loading.error = ModelError("there is no such model", hint="give it with --model")
    loading.end.set()
    with Service([whole]) as service:
        service.warm()
        until(service, "failed")
        for _ in range(2):
            with pytest.raises(ModelError, match="there is no such model"):
                service.ask(TEXT).result(0)
        assert len(service.ask(Question(papers=IDS[0])).result(60)) == 10
        assert loading.n == 1
        loading.error = None
        service.warm()
        until(service, "ready")
        assert ids(service.ask(TEXT).result(60)) == [IDS[0]]


class Slow(FakeEmbedder):
    """An embedder that waits to be told to go on."""

    go_on = threading.Event()

    def embed_queries(self, texts: Any) -> Embedded:
        assert self.go_on.wait(60)
        return super().embed_queries(texts)


def test_who_asks_an_id_does_not_wait_for_the_text_of_another(whole: Path) -> None:
    embedder = Slow()
    with Service([whole], embedder=embedder) as service:
        texts = [service.ask(Question(text=f"On paper {one}", top=3)) for one in IDS[:20]]
        assert len(service.ask(Question(papers=IDS[0])).result(60)) == 10
        assert not any(one.done() for one in texts)
        assert texts[-1].cancel()
        embedder.go_on.set()
        assert all(len(one.result(60)) == 3 for one in texts[:-1])
    assert f"On paper {IDS[19]}" not in embedder.texts


def test_closing_tells_those_that_wait_and_ends_the_threads(whole: Path) -> None:
    before = set(threading.enumerate())
    service = Service([whole], embedder=FakeEmbedder())
    assert ids(service.ask(TEXT).result(60)) == [IDS[0]]
    with ThreadPoolExecutor(1) as pool:
        with held_up(service):
            waiting = service.ask(Question(papers=IDS[0]))
            closing = pool.submit(service.close)
            assert isinstance(waiting.exception(20), Busy)
        closing.result(60)
    assert isinstance(service.ask(Question(papers=IDS[0])).exception(0), Busy)
    service.close()
    left = {one.name for one in set(threading.enumerate()) - before}
    assert not {name for name in left if name.startswith(("lunacy-index", "lunacy-texts", "lunacy-load"))}


_FORKS = """
import os, sys
from lunacy.query.service import Service
from lunacy.question import Question

service = Service([sys.argv[1]])
answer = service.ask(Question(papers="1802.00001")).result(60)
if os.fork() == 0:
    assert service.generation() == 1
    assert service.ask(Question(papers="1802.00001")).result(60) == answer
    print("child", flush=True)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
assert service.ask(Question(papers="1802.00001")).result(60) == answer
print("parent")  # and it ends, though nobody closed the service
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_asks_with_threads_of_its_own_and_nothing_hangs_at_the_end(whole: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(_FORKS), str(whole)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("child\nparent\n", "", 0)


def test_those_who_take_turns_come_to_be_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.query.line._LINGER", 1000.0)
    monkeypatch.setattr("lunacy.query.line._MOST_LINGER_S", 0.5)  # the threads of a busy machine come late
    sizes: list[int] = []
    is_taken = threading.Event()

    def serve(together: Sequence[Waiting[None]]) -> None:
        is_taken.set()
        while not sizes and line.n_waiting < 3:
            sleep(0.001)
        sizes.append(len(together))
        for one in together:
            one.future.set_result(None)

    line: Line[None] = Line(serve, "turns")

    def ask_on() -> None:
        for _ in range(6):
            one = Waiting(None, "", most=64)
            line.add(one)
            one.future.result()

    clients = [threading.Thread(target=ask_on) for _ in range(4)]
    clients[0].start()
    is_taken.wait()
    for client in clients[1:]:
        client.start()
    for client in clients:
        client.join()
    line.close()
    assert sizes[0] == 1  # and three wait, which would go on in turns with it
    assert max(sizes) == 4
