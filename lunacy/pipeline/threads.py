"""The threads of a run: reading ahead, storing, tokenising; the model stays in the thread that hears Ctrl-C.

    read   -> store: skip what is known -> tokenise -> model -> store: append, commit

Queues are bounded, so memory is, and the slowest step alone sets the pace. The first failure ends all.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_AHEAD = 4  # items made before they are asked for
_POLL_S = 0.1
_PATIENCE_S = 0.5


class Stopped(Exception):
    """The run is over; what waits for it may end."""


def read_ahead(items: Iterator[T], is_wanted: Callable[[], bool] = lambda: True) -> Iterator[T]:
    """The same items, made in a thread of their own, a few ahead. An exception comes out here.

    Raises Stopped as soon as they are not wanted any more, even while the next one is waited for.
    """
    slots: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(_AHEAD)
    is_over = threading.Event()

    def put(item: tuple[T] | BaseException | None) -> None:
        while not is_over.is_set():
            with suppress(queue.Full):
                return slots.put(item, timeout=_POLL_S)
        raise Stopped

    def work() -> None:
        try:
            for item in items:
                put((item,))
            put(None)
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 (it is raised again in the thread that reads)
            with suppress(Stopped):
                put(error)

    thread = threading.Thread(target=work, name="lunacy-read", daemon=True)
    thread.start()
    try:
        while is_wanted():
            try:
                item = slots.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]
        raise Stopped
    finally:
        is_over.set()
        thread.join(_PATIENCE_S)  # it may wait for a pipe that nobody writes to


class Here:
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

    def serve(self, work: Callable[[], None]) -> None:
        """Run `work` in another thread, and what it submits here, until it ends. Its exception comes out here."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 (it is raised again below)
                failed.append(error)
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
                except BaseException:
                    future.set_exception(Stopped())
                    raise
        except BaseException:
            self._is_over = True
            while not self._tasks.empty():
                if task := self._tasks.get():
                    task[0].set_exception(Stopped())
            raise
        finally:
            thread.join()
        if failed:
            raise failed[0]
