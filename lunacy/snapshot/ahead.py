"""Making items in a thread, a few ahead of who takes them."""

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
    """The run is over; what waits for it may end."""


def read_ahead(items: Iterator[T], n_ahead: int, is_wanted: Callable[[], bool] = lambda: True) -> Generator[T]:
    """The same items, made in a thread of their own, `n_ahead` ahead. An exception comes out here.

    Raises Stopped as soon as they are not wanted any more, even while the next one is waited for.
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
        if thread is not threading.current_thread():  # whose garbage collection may be what ends this
            thread.join(_PATIENCE_S)  # it may wait for a pipe that nobody writes to
