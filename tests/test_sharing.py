"""One open index, used from many threads, after `os.chdir`, in forked children, and after `close`."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.errors import LunacyError, NoIndex, UsageError
from lunacy.pipeline import remove
from lunacy.question import Question
from tests.conftest import FakeEmbedder, few_quick, lines, record, vector_of

ROOT = Path(__file__).parents[1]
IDS = [f"1802.{n:05}" for n in range(1, 401)]
VECTORS = np.array([vector_of(f"On paper {one} We study the paper {one} and find it good.") for one in IDS])


def nearest(identifier: str, top: int = 10) -> list[str]:
    """By brute force, without the paper itself."""
    place = IDS.index(identifier)
    scores = VECTORS.astype(np.float64) @ VECTORS[place].astype(np.float64)
    return [IDS[one] for one in np.argsort(-scores, kind="stable") if one != place][:top]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("sharing")
    (base / "snapshot.jsonl").write_bytes(lines([record(one) for one in IDS]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    return base / "index"


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "index"))


def ids(hits: list[lunacy.Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_another_thread_gets_the_same_answer(folder: Path) -> None:
    with lunacy.open_index(folder) as ix, ThreadPoolExecutor(1) as pool:
        assert ids(pool.submit(ix.similar, IDS[3]).result()) == nearest(IDS[3])
        assert ids(ix.similar(IDS[3])) == nearest(IDS[3])
        assert asyncio.run(asyncio.to_thread(ix.__contains__, IDS[7]))


def test_an_index_opened_in_a_thread_that_ended_can_be_asked_and_closed(folder: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        ix = pool.submit(lunacy.open_index, folder).result()
    assert ids(ix.similar(IDS[0])) == nearest(IDS[0])
    ix.close()


def test_many_threads_at_once_get_their_own_answers(folder: Path) -> None:
    def ask(ix: lunacy.Index, place: int) -> bool:
        if place % 7 == 0:
            return len(ix) == len(IDS)
        if place % 5 == 0:
            return ids(ix.similar(IDS[place], category="cs.CL", since="2018")) == nearest(IDS[place])
        if place % 3 == 0:
            many = ix.similar_many(IDS[place : place + 20], top=3)
            return [ids(hits) for hits in many] == [nearest(one, 3) for one in IDS[place : place + 20]]
        text = f"On paper {IDS[place]} We study the paper {IDS[place]} and find it good."
        return ids(ix.similar_to_text(text, top=1)) == [IDS[place]]

    with lunacy.open_index(folder, embedder=FakeEmbedder()) as ix, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, [ix] * 120, range(120)))


def test_answers_that_are_taken_one_by_one_do_not_keep_others_waiting(folder: Path) -> None:
    with lunacy.open_index(folder) as ix, ThreadPoolExecutor(1) as pool:
        answers = ix.ask_many(Question(papers=(one,)) for one in IDS)
        next(answers)
        assert ids(pool.submit(ix.similar, IDS[1]).result(timeout=60)) == nearest(IDS[1])
        assert sum(1 for _ in answers) == len(IDS) - 1


def test_a_relative_path_means_what_it_meant_when_the_index_was_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with lunacy.open_index("index") as ix:
        assert ix.name == "index"
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert ids(ix.similar(IDS[5])) == nearest(IDS[5])
        remove(folder, [IDS[0]])  # so that files are opened anew
        assert len(ix) == len(IDS) - 1


def test_a_folder_that_was_moved_away_and_back_is_found_again(folder: Path) -> None:
    with lunacy.open_index(folder) as ix:
        assert len(ix) == len(IDS)
        folder.rename(folder.with_name("away"))
        for _ in range(2):
            with pytest.raises(NoIndex, match="does not exist"):
                ix.similar(IDS[0])
        folder.with_name("away").rename(folder)
        assert ids(ix.similar(IDS[0])) == nearest(IDS[0])


def test_an_index_that_takes_the_place_of_another_is_asked_from_then_on(folder: Path, tmp_path: Path) -> None:
    newer = Path(shutil.copytree(folder, tmp_path / "newer"))
    remove(newer, IDS[1:3])
    with lunacy.open_index(folder) as ix:
        assert len(ix) == len(IDS)
        folder.rename(tmp_path / "old")
        newer.rename(folder)
        assert len(ix) == len(IDS) - 2


ASKED: dict[str, Any] = {
    "similar": lambda ix: ix.similar(IDS[0]),
    "similar_many": lambda ix: ix.similar_many(IDS[:3]),
    "similar_to_text": lambda ix: ix.similar_to_text("graphs"),
    "similar_to_all": lambda ix: ix.similar_to_all(IDS[:2]),
    "len": len,
    "contains": lambda ix: IDS[0] in ix,
    "info": lambda ix: ix.info(),
    "only_ids": lambda ix: ix.similar(IDS[0], only_ids=IDS[:5]),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_closed_index_says_that_it_is_closed(folder: Path, what: str) -> None:
    ix = lunacy.open_index(folder, embedder=FakeEmbedder())
    ix.close()
    ix.close()
    with pytest.raises(UsageError, match="the index is closed; open it again"):
        ASKED[what](ix)


def test_closing_waits_for_a_question_in_another_thread(folder: Path) -> None:
    def ask(ix: lunacy.Index) -> int:
        for asked in itertools.count():
            try:
                found = ids(ix.similar(IDS[asked % len(IDS)]))
            except UsageError:
                return asked
            assert found == nearest(IDS[asked % len(IDS)])
            begun.set()
        return 0

    begun = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        ix = lunacy.open_index(folder)
        running = [pool.submit(ask, ix) for _ in range(2)]
        assert begun.wait(60)
        ix.close()
        assert sum(one.result(timeout=60) for one in running)


def test_no_message_of_a_question_names_the_folder(folder: Path) -> None:
    questions: list[Any] = [
        lambda ix: ix.similar("1999.99999"),
        lambda ix: ix.similar(IDS[0], only_ids=["1999.99999"]),
        lambda ix: ix.similar(IDS[0], unlike="1999.99999"),
        lambda ix: ix.similar_to_all([IDS[0], "1999.99999"]),
        lambda ix: ix.similar(IDS[0], ivf=True),
        lambda ix: ix.similar(IDS[0], rank="hybrid"),
        lambda ix: ix.similar_to_text("x", rank="lexical"),
        lambda ix: ix.similar_to_text("x"),
        lambda _: lunacy.open_index(folder, embedder=FakeEmbedder(weights="1" * 64)).similar_to_text("x"),
    ]
    with lunacy.open_index(folder) as ix:
        for ask in questions:
            with pytest.raises(LunacyError) as caught:
                ask(ix)
            assert str(folder) not in str(caught.value)
            assert str(folder.parent) not in str(caught.value)
        [answer] = ix.ask_many([Question(papers=("1999.99999",))])
        assert str(folder) not in str(answer)


# Each runs in a process of its own, as a fork of a test's process would take pytest's threads for its own.
PRELUDE = """
import os, signal, sys, threading, time
import lunacy
from tests.test_sharing import IDS, nearest, FakeEmbedder
signal.alarm(300)
folder = sys.argv[1]

def right(ix, asked=IDS):
    return [[hit.id for hit in hits] for hits in ix.similar_many(asked)] == [nearest(one) for one in asked]

def in_child(work):
    pid = os.fork()
    if not pid:
        signal.alarm(200)
        ok = False
        try:
            ok = work()
        finally:
            os._exit(0 if ok else 1)
    return os.waitpid(pid, 0)[1] == 0
"""
FORKS = {
    "a child answers as its parent does, after large questions in both": """
        ix = lunacy.open_index(folder)
        assert right(ix)
        assert in_child(lambda: right(ix) and right(ix, IDS[:1]))
        assert right(ix)
        """,
    "a child of an index that was never asked": """
        ix = lunacy.open_index(folder)
        assert in_child(lambda: right(ix))
        """,
    "a grandchild": """
        ix = lunacy.open_index(folder)
        assert right(ix, IDS[:300])
        assert in_child(lambda: right(ix, IDS[:300]) and in_child(lambda: right(ix, IDS[:300])))
        """,
    "eight workers of a preforking server, asked at the same time": """
        ix = lunacy.open_index(folder)
        assert right(ix)
        workers = []
        for _ in range(8):
            pid = os.fork()
            if not pid:
                signal.alarm(200)
                os._exit(0 if all(right(ix, IDS[n : n + 30]) for n in range(0, 120, 10)) else 1)
            workers.append(pid)
        assert right(ix)
        assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 8
        """,
    "a pool of multiprocessing": """
        import multiprocessing
        ix = lunacy.open_index(folder)
        assert right(ix)
        def work(n):
            return right(ix, IDS[n : n + 200])
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(work, [0, 50, 100]) == [True] * 3
        """,
    "a parent whose own searches have FAISS start threads, as many as it told it to": """
        import faiss, numpy as np
        faiss.omp_set_num_threads(3)
        own, rows = faiss.IndexFlatL2(16), np.random.default_rng(0).random((5000, 16), np.float32)
        own.add(rows)
        own.search(rows, 5)
        ix = lunacy.open_index(folder)
        assert right(ix, IDS[:1])
        assert all(in_child(lambda: right(ix, IDS[:1]) and right(ix)) for _ in range(3))
        assert faiss.omp_get_max_threads() == 3
        """,
    "a fork while another thread asks": """
        ix = lunacy.open_index(folder)
        over = threading.Event()
        def ask():
            while not over.is_set():
                assert right(ix, IDS[:50])
        threads = [threading.Thread(target=ask) for _ in range(2)]
        [thread.start() for thread in threads]
        assert all(in_child(lambda: right(ix, IDS[:100])) for _ in range(5))
        over.set()
        [thread.join() for thread in threads]
        """,
    "a child sees what its parent commits, and the parent what the child does": """
        from lunacy.pipeline import remove
        ix = lunacy.open_index(folder)
        assert len(ix) == 400
        ready, go = os.pipe(), os.pipe()
        def work():
            before = len(ix) == 400
            os.write(ready[1], b"1"), os.read(go[0], 1)
            after = len(ix) == 399 and IDS[0] not in ix
            remove(folder, [IDS[1]])
            return before and after and len(ix) == 398
        pid = os.fork()
        if not pid:
            signal.alarm(200)
            os._exit(0 if work() else 1)
        os.read(ready[0], 1)
        remove(folder, [IDS[0]])
        assert len(ix) == 399
        os.write(go[1], b"1")
        assert os.waitpid(pid, 0)[1] == 0
        assert len(ix) == 398
        """,
    "FAISS itself, after all that lunacy does with it in the parent": """
        import faiss, numpy as np
        from lunacy.pipeline import build_ivf, build_lexical, refresh_caches
        faiss.omp_set_num_threads(2)
        refresh_caches(folder, least_rows=1)
        build_ivf(folder, recall=0.9, embedder=FakeEmbedder())
        build_lexical(folder)
        ix = lunacy.open_index(folder)
        assert right(ix)
        for options in ({"ivf": True}, {"rank": "hybrid"}, {"category": "cs.*"}, {"diverse": True, "fold": True}):
            ix.similar_many(IDS, top=50, **options)
            ix.similar(IDS[0], **options)
        assert faiss.omp_get_max_threads() == 2  # the caller's own setting stays
        rows = np.random.default_rng(0).standard_normal((50_000, 16)).astype(np.float32)
        def work():  # with two threads of OpenMP: for ever, if the parent's thread had started some
            index = faiss.IndexFlatIP(16)
            index.add(rows)
            return index.search(rows[:500], 5)[1].shape == (500, 5) and right(ix)
        assert in_child(work)
        """,
    "texts in parent and child": """
        ix = lunacy.open_index(folder, embedder=FakeEmbedder())
        text = f"On paper {IDS[9]} We study the paper {IDS[9]} and find it good."
        asks = lambda: ix.similar_to_text(text, top=1)[0].id == IDS[9]
        assert asks()
        assert in_child(asks)
        assert asks()
        """,
    "an index that was closed before the fork, and one that the child closes": """
        closed, ix = lunacy.open_index(folder), lunacy.open_index(folder)
        assert right(closed, IDS[:5])
        closed.close()
        def work():
            ix.close()
            try:
                closed.similar(IDS[0])
            except lunacy.LunacyError as error:
                return "closed" in str(error)
        assert right(ix, IDS[:5])
        assert in_child(work)
        assert right(ix)
        """,
}


QUICK = (
    "eight workers of a preforking server, asked at the same time",
    "a fork while another thread asks",
    "a child sees what its parent commits, and the parent what the child does",
)


@pytest.mark.parametrize("case", few_quick(FORKS, *QUICK))
def test_a_forked_child_answers_as_its_parent(folder: Path, case: str) -> None:
    succeed(FORKS[case], folder)


@pytest.mark.slow
def test_a_forked_child_is_told_that_it_cannot_run_the_model_of_its_parent(tmp_path: Path) -> None:
    """The real one: OpenVINO has threads that a fork leaves behind, and would wait for them for ever."""
    lunacy.build_index(into=tmp_path / "sample", limit=60)
    succeed(
        """
        ix = lunacy.open_index(folder)
        ask = lambda: [hit.id for hit in ix.similar_to_text("graph neural networks " * 40)]
        before = ask()
        def refused():
            for where in (ix, lunacy.open_index(folder)):
                try:
                    where.similar_to_text("graphs")
                except lunacy.ModelError as error:
                    assert "a forked process cannot run a model" in str(error)
                else:
                    return False
            return ix.similar(before[0]) != []
        assert in_child(refused)
        assert ask() == before
        """,
        tmp_path / "sample",
    )


def succeed(work: str, folder: Path) -> None:
    code = PRELUDE + textwrap.dedent(work)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        text=True,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
