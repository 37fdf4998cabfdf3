"""Prefetch an iterator in a background thread, with a bounded queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.1
_PATIENCE_S = 0.5


class Stopped(Exception):
    """The run is over: raised in threads that still wait."""


def read_ahead(items: Iterator[T], n_ahead: int, is_wanted: Callable[[], bool] = lambda: True) -> Generator[T]:
    """The same items, produced in a background thread, up to `n_ahead` in advance. Its exceptions are raised here.

    Raises Stopped as soon as `is_wanted()` is false, even while it waits for the next item.
    """
    slots: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(n_ahead)
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
        if thread is not threading.current_thread():  # where the garbage collector may run this
            thread.join(_PATIENCE_S)  # it may be blocked by a pipe to which nobody writes
