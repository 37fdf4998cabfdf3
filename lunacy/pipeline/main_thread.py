"""The threads of a run: storing, tokenising; the model stays in the thread that hears Ctrl-C.

    read (snapshot/reading.py) -> store: skip what is known -> tokenise -> model -> store: append, commit

Queues are bounded, so memory is, and the slowest step alone sets the pace. The first failure ends all.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from lunacy.snapshot import Stopped

T = TypeVar("T")

_POLL_S = 0.1


class MainThreadExecutor:
    """Work that other threads hand in and that this thread, the one that made it, carries out, in order."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Future[object], Callable[[], object]] | None] = queue.SimpleQueue()
        self._is_over = False

    def is_open(self) -> bool:
        """Whether the run goes on."""
        return not self._is_over

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have `call` carried out; its result or exception comes by the future. Raises Stopped when the run is over."""
        future: Future[T] = Future()
        if self._is_over:
            raise Stopped
        self._tasks.put((future, call))  # type: ignore[arg-type]
        return future

    def result(self, future: Future[T]) -> T:
        """What `submit` promised. Raises Stopped when the run is over: a signal may fall between any two steps here."""
        while True:
            try:
                return future.result(_POLL_S)
            except TimeoutError:
                if future.done():
                    return future.result()
                if self._is_over:
                    raise Stopped from None

    def serve(self, work: Callable[[], T]) -> T:
        """Run `work` in another thread, and what it submits here, until it ends. Returns or raises what it does."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 (it is raised again below)
                done.set_exception(error)
            finally:
                self._tasks.put(None)

        thread = threading.Thread(target=run, name="lunacy-store", daemon=True)
        thread.start()
        try:
            while (task := self._tasks.get()) is not None:
                future, call = task
                try:
                    future.set_result(call())
                except Exception as error:  # noqa: BLE001 (the thread that waits for the result raises it)
                    future.set_exception(error)
        finally:
            self._is_over = True
            thread.join()
        return done.result()
