"""A pool of threads for FAISS, in which it starts no threads of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TypeVar

import faiss
from threadpoolctl import ThreadpoolController

from lunacy.cores import n_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

BLAS_FROM = 5  # queries: for fewer, matrix products are slower than a thread a segment

_alone = threading.Lock()


@lru_cache(maxsize=1)
def _pool(_process: int) -> ThreadPoolExecutor:
    """Threads, made once a process (a fork has none of its parent's); FAISS' own thread number is per thread."""
    return ThreadPoolExecutor(n_cores(), initializer=faiss.omp_set_num_threads, initargs=(1,))


def in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Do the work for each item, on all cores, in threads in which FAISS starts none of its own.

    Its own (OpenMP) wait for each other by spinning: on cores that others use too, that took ten times as long. And a
    forked child waits for ever for those that its parent's thread had started, so that no other thread may start some.
    """
    if len(items) == 1:
        return [in_thread(partial(work, items[0]))]
    return list(_pool(os.getpid()).map(work, items))


def in_thread(work: Callable[[], Result]) -> Result:
    """The same for one call, in the thread of the caller, who gets the number back that FAISS may start in it."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        return work()
    finally:
        faiss.omp_set_num_threads(before)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Products in the block take one thread each: ours are as many as there are cores.

    BLAS' own wait for each other by spinning: on cores that others use too, that took ten times as long.
    """
    with _alone, _blas().limit(limits=1):
        yield


def multiply(n_queries: int) -> bool:
    """Tell FAISS whether to scan by matrix products or row by row, which is decided here and not by its own guess."""
    by_blas = n_queries >= BLAS_FROM
    faiss.cvar.distance_compute_blas_threshold = 1 if by_blas else 2**30  # its unit changed between FAISS versions
    return by_blas
