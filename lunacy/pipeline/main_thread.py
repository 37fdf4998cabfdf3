"""Run the model on the main thread, so that Ctrl-C reaches it, while other threads read, tokenise and store.

    read (snapshot/reading.py) -> store: skip known papers -> tokenise -> model -> store: append, commit

Queues are bounded, and so is memory; the slowest step sets the pace. The first error ends everything.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TypeVar

from lunacy.snapshot import Stopped

T = TypeVar("T")

_POLL_S = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Task = tuple[Future[object], Callable[[], object]]


class MainThreadExecutor:
    """Runs callables from other threads on the thread that calls `serve`, in order."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._is_over = False

    def is_open(self) -> bool:
        """Whether it still serves."""
        return not self._is_over

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` on the main thread; the future has its result or exception. Raises Stopped when it is over."""
        future: Future[T] = Future()
        if self._is_over:
            raise Stopped
        self._tasks.put((future, call))  # type: ignore[arg-type]
        return future

    def result(self, future: Future[T]) -> T:
        """The result of a future of `submit`. Raises Stopped when it is over: Ctrl-C may come at any point."""
        while True:
            try:
                return future.result(_POLL_S)
            except TimeoutError:
                if future.done():
                    return future.result()
                if self._is_over:
                    raise Stopped from None

    def serve(self, work: Callable[[], T]) -> T:
        """Run `work` in another thread, and what it submits on this one. Returns or raises what `work` does."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 (raised again below)
                done.set_exception(error)
            finally:
                self._tasks.put(None)

        thread = threading.Thread(target=run, name="lunacy-store", daemon=True)
        try:
            with _signals_put_off():  # Ctrl-C within it would leave a thread of which nobody knows
                thread.start()
            while (task := self._next()) is not None:
                future, call = task
                try:
                    future.set_result(call())
                except Exception as error:  # noqa: BLE001 (the thread that waits for the result raises it)
                    future.set_exception(error)
        finally:
            self._is_over = True
            _join(thread)
        return done.result()

    def _next(self) -> _Task | None:
        """The next task; None when there will be no more.

        A signal that comes just before the waiting begins does not end it: so one looks again and again.
        """
        while True:
            with suppress(queue.Empty):
                return self._tasks.get(timeout=_POLL_S)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Handle signals that come in the block behind it. Blocking them would not do: another thread takes them then."""
    if threading.current_thread() is not threading.main_thread():  # where Python handles none
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not None:  # None: it is another program's, of which this Python is a part
            signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
    for one in came:
        signal.raise_signal(one)


def _join(thread: threading.Thread) -> None:
    """Wait until it is over, through further signals too: it may be in the middle of a commit."""
    while thread.is_alive():
        with suppress(KeyboardInterrupt, SystemExit):
            thread.join()
