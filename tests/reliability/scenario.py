"""What the tests of reliability disturb: small runs with many commits, and an independent look at what they left."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from lunacy import build_index, open_index
from lunacy.answer import Answer, Hit
from lunacy.errors import NoIndex
from lunacy.pipeline import remove, stages, vector_sources
from lunacy.question import Question
from lunacy.store import Writer, compact, repair, verify
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of

HEADER_BYTES = 45
TOP = 5
State = frozenset[tuple[str, str, str, bytes]]  # id, title, categories, vector: all papers of a commit
NOTHING: State = frozenset()


def numbered(numbers: range | list[int], **fields: Any) -> list[dict[str, Any]]:
    return [record(f"2401.{number:05}", **fields) for number in numbers]


WITHDRAWN = "This paper has been withdrawn by the author.\n"
FIRST = [*numbered(range(40)), *numbered([40], abstract=WITHDRAWN)]
SECOND = [
    *numbered(range(3)),
    *numbered(range(3, 8), title="Another title"),  # more than a quarter of the first segment: it is rewritten
    *numbered(range(10, 13), categories="math.AG"),  # metadata only
    *numbered(range(13, 41)),  # 8 and 9 are gone; 40 is no longer withdrawn
    *numbered(range(41, 62)),
    *numbered([62], abstract=WITHDRAWN),
]
REMOVED = ["2401.00001", "2401.00020", "2401.00030"]


@contextmanager
def small_steps() -> Iterator[None]:
    """Batches of 6 papers, a commit every 12, so that a few dozen papers make commits, merges and rewrites."""
    with ExitStack() as stack:
        for module, name, value in (
            (vector_sources, "_GIVEN_WINDOW", 6),
            (FakeEmbedder, "window", 6),
            (stages, "_DEPTH", 0),  # each batch is stored before the next is planned: the calls come in one order
            (stages, "SEGMENT_ROWS", 12),
            (compact, "SEGMENT_ROWS", 40),
        ):
            stack.enter_context(patch.object(module, name, value))
        yield


def write_snapshots(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "first.jsonl").write_bytes(lines(FIRST))
    (home / "second.jsonl").write_bytes(lines(SECOND))


def do_build(folder: Path) -> None:
    with small_steps():
        build_index(folder.parent / "first.jsonl", into=folder, embedder=FakeEmbedder())


def do_update(folder: Path) -> None:
    with small_steps():
        snapshot = folder.parent / "second.jsonl"
        build_index(snapshot, into=folder, embedder=FakeEmbedder(), prune=True, prune_limit=0.5)


def do_remove(folder: Path) -> None:
    with small_steps():
        remove(folder, REMOVED)


def do_compact(folder: Path) -> None:
    with small_steps(), Writer(folder) as writer:
        writer.compact()


def do_repair(folder: Path) -> None:
    repair(folder)


ACTIONS: dict[str, Callable[[Path], None]] = {
    "build": do_build,
    "update": do_update,
    "remove": do_remove,
    "compact": do_compact,
    "repair": do_repair,
}


def prepare(action: str, home: Path) -> Path:
    """The index folder in `home`, as it is before `action`."""
    write_snapshots(home)
    folder = home / "index"
    if action != "build":
        do_build(folder)
    if action == "compact":
        with small_steps():
            remove(folder, ["2401.00002", "2401.00025"])
    if action == "repair":
        with closing(sqlite3.connect(folder / "papers.db")) as database, database:
            database.execute("UPDATE papers SET title = 'Forged' WHERE id = '2401.00017'")
    return folder


def state(folder: Path) -> State:
    """What is committed, read without lunacy, at rest (nobody writes): also checks that row and vector are there."""
    if not (folder / "papers.db").exists():
        return NOTHING
    with closing(sqlite3.connect(f"file:{folder}/papers.db?mode=rw", uri=True)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
            return NOTHING
        segments = database.execute("SELECT number, first_row, n_rows FROM segments").fetchall()
        papers = database.execute("SELECT row, id, title, categories FROM papers").fetchall()
    vectors = {}
    for number, first_row, n_rows in segments:
        block = np.fromfile(folder / f"segment-{number:08}.faiss", np.float32, offset=HEADER_BYTES)
        vectors.update(enumerate(block.reshape(n_rows, DIM), first_row))
    return frozenset((*paper, vectors[row].tobytes()) for row, *paper in papers)


def assert_healthy(folder: Path, found: State) -> int:
    """`verify` finds nothing, each vector is its paper's, and all answers are right; how many were checked."""
    if found == NOTHING:
        try:
            assert not len(open_index(folder))
        except NoIndex:
            return 0
    assert verify(folder) == []
    return assert_answers(folder, found)


def assert_answers(folder: Path, found: State) -> int:
    """Every paper asked, compared with brute force over `found`; how many answers were checked."""
    papers = sorted(found)
    ids = [identifier for identifier, *_ in papers]
    vectors = np.array([np.frombuffer(vector, np.float32) for *_, vector in papers])  # (n, dim)
    with open_index(folder) as index:
        answers = list(index.ask_many([Question(papers=ids, top=TOP, include_withdrawn=True)] if ids else []))
        shown = index.similar_many(ids, top=TOP)
    everything = [answer for answer in answers if isinstance(answer, Answer)]
    texts = [f"{answer.paper.title} {answer.paper.abstract}" for answer in everything]
    np.testing.assert_array_equal(vectors, np.array([vector_of(text) for text in texts]))
    is_shown = np.array(["has been withdrawn" not in text for text in texts])
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)  # (n, n)
    np.fill_diagonal(cosines, -np.inf)
    assert_best(ids, cosines, [answer.hits for answer in everything])
    assert_best(ids, np.where(is_shown, cosines, -np.inf), shown)
    return 2 * len(ids)


def assert_best(ids: list[str], cosines: np.ndarray, answers: list[list[Hit]]) -> None:
    """Each of `answers` has the best of its row of `cosines` (n, n)."""
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :TOP]  # (n, TOP)
    assert [[hit.id for hit in hits] for hits in answers] == [[ids[place] for place in row] for row in order]
    scores = [[hit.score for hit in hits] for hits in answers]
    np.testing.assert_allclose(scores, np.take_along_axis(cosines, order, axis=1), atol=1e-6)
