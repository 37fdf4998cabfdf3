"""What the tests share: snapshots made on the spot, and an embedder that costs nothing."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import settings

from lunacy.embedding import Embedded, Prepared
from lunacy.fingerprint import Fingerprint
from tests.reliability.counts import DONE

pytest.register_assert_rewrite("tests.searcher")
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # workers share the cores, and models would start a thread for each core
    n_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_threads //= int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, n_threads)))
# Without bytecode each of the hundreds of programs that are started would compile all of lunacy anew.
os.environ["LUNACY_LISTS"] = os.path.join(tempfile.gettempdir(), "lists-of-no-test.jsonl")  # not those of who runs them
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

DIM = 16

settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)  # `make test-slow`
settings.load_profile("quick")


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and what that starts: tests would wait for ever."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def words_on_request() -> Iterator[None]:
    """Most tests need no word index, and each takes tantivy a dozen flushes of the disk: here it is made on request.

    `word_index` makes it with the papers, as programs do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lunacy.derived.lexical.LEAST_ROWS", None)
        yield


@pytest.fixture
def word_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds make the word index, as they do outside of tests."""
    monkeypatch.setattr("lunacy.derived.lexical.LEAST_ROWS", 1)


@pytest.fixture(autouse=True)
def no_progress_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine everything takes a second, and standard error is compared letter by letter."""
    monkeypatch.setattr("lunacy.cli.progress._QUIET_S", float("inf"))


def record(identifier: str, **fields: Any) -> dict[str, Any]:
    """A line of the snapshot, in the schema of the Kaggle dataset."""
    return {
        "id": identifier,
        "submitter": None,
        "authors": "Ada Lovelace and Alan Turing",
        "title": f"On paper {identifier}",
        "categories": "cs.CL cs.LG",
        "comments": None,
        "doi": None,
        "abstract": f"  We study the paper {identifier}\nand find it good.\n",
        "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}],
        "update_date": "2018-02-14",
        **fields,
    }


def lines(records: Iterable[Any]) -> bytes:
    """Records as JSON Lines."""
    return b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in records)


def vector_of(text: str, dim: int = DIM) -> np.ndarray:
    """The unit vector that FakeEmbedder gives a text: random, but always the same."""
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
    vector = np.random.default_rng(seed).standard_normal(dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class FakeEmbedder:
    """An embedder without a model; it remembers which texts it was asked for."""

    arithmetic = "fake"
    notes: Sequence[str] = ()
    window = 512

    def __init__(self, model: str = "fake/model", dim: int = DIM, weights: str = "0" * 64) -> None:
        self.fingerprint = Fingerprint(model=model, text="", dim=dim, weights=weights, max_tokens=10_000)
        self.texts: list[str] = []

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """Nothing to do."""
        return Prepared(texts)

    def run(self, prepared: Prepared) -> Embedded:
        """One unit vector a text."""
        texts = prepared.texts
        self.texts += texts
        dim = self.fingerprint.dim
        return Embedded(np.array([vector_of(text, dim) for text in texts], np.float32).reshape(-1, dim), 0)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Prepare and run."""
        return self.run(self.prepare(texts))

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The same as for papers."""
        return self.embed(texts)


@pytest.fixture
def embedder() -> FakeEmbedder:
    """A fresh FakeEmbedder."""
    return FakeEmbedder()


@pytest.fixture
def write_snapshot(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes records (or raw bytes) as a snapshot file and gives its path."""

    def write(records: Iterable[Any] | bytes, name: str = "snapshot.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(records if isinstance(records, bytes) else lines(records))
        return path

    return write


def few_quick(cases: Iterable[Any], *quick: Any) -> list[Any]:
    """Cases for `parametrize`, of which only those among `quick` run in `make test`."""
    return [one if one in quick else pytest.param(*_values(one), marks=pytest.mark.slow) for one in cases]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their number: gzip writes the time into them, and every process must give the same names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its counts on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["reliability"] = dict(DONE)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """And they are added up."""
    DONE.update(node.workeroutput.get("reliability", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of reliability did, a line a figure."""
    for what, n in sorted(DONE.items()):
        terminalreporter.write_line(f"reliability: {n:,} {what}")
