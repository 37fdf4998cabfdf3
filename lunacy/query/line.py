"""Those who wait for one thread, which takes the oldest with all that are like it: they are answered together."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, Generic, TypeVar

from lunacy.errors import NO_THREADS, Busy, LunacyError, is_out_of_threads

T = TypeVar("T")

MOST_WAITING = 256
MOST_WAIT_S = 30.0
_LINGER, _MOST_LINGER_S, _POLL_S = 0.5, 0.03, 0.001  # a share of the last turn, and how long at most


@dataclass(eq=False, slots=True)
class Waiting(Generic[T]):
    """One that waits, and the future of what it waits for."""

    what: T
    likeness: Hashable  # of those that are taken together
    most: int = 1  # how many of these at a time
    is_slow: bool = False
    future: Future[Any] = field(default_factory=Future)
    since_s: float = field(default_factory=monotonic)

    def is_wanted(self) -> bool:
        """Whether nobody cancelled it; from now on nobody can."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def fail(self, error: BaseException) -> None:
        """Give the error to whoever asks for the result."""
        if self.is_wanted():
            self.future.set_exception(error)


class Line(Generic[T]):
    """A thread, and those that wait for it, at most MOST_WAITING, and for MOST_WAIT_S: others are told `Busy`.

    The quick and the slow take turns, so that many slow ones keep a quick one waiting for one turn alone. Those who
    cancelled their future are passed over. Any thread may add to it; a forked child begins with an empty line.
    """

    def __init__(self, serve: Callable[[Sequence[Waiting[T]]], None], name: str) -> None:
        """`serve` fulfils the futures of some that are alike, in a thread with `name`.

        When it raises for several, it is called for each alone: the error is that of one of them.
        """
        self._serve = serve
        self._name = name
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: deque[Waiting[T]] = deque()
        self._thread = ThreadPoolExecutor(1, self._name)
        self._is_at_work = False
        self._was_slow = False

    def add(self, one: Waiting[T]) -> None:
        """Let it wait. Where there is no room, its future has `Busy` at once."""
        if self._process != os.getpid():
            self._begin()  # whoever held the lock, and the thread, are the parent's
        with self._lock:
            error = self._refusal() or self._at_work()
            if error is None:
                self._waiting.append(one)
        if error is not None:
            one.fail(error)

    def _at_work(self) -> LunacyError | None:
        """See to it that the thread works, as soon as the lock is free; why it cannot."""
        if not self._is_at_work:
            try:
                self._thread.submit(self._work)
            except RuntimeError as error:
                if is_out_of_threads(error):
                    return LunacyError(NO_THREADS)
                raise
            self._is_at_work = True
        return None

    def _refusal(self) -> LunacyError | None:
        if self._is_closed:
            return Busy("the service is being stopped")
        if len(self._waiting) >= MOST_WAITING:
            self._waiting = deque(one for one in self._waiting if not one.future.cancelled())
        if len(self._waiting) >= MOST_WAITING:
            return Busy(f"{MOST_WAITING} questions wait already; ask again in a few seconds", retry_after_s=2)
        return None

    @property
    def n_waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def _work(self) -> None:
        while taken := self._take():
            begun_s = monotonic()
            self._serve_each(taken)
            self._linger(len(taken), monotonic() - begun_s)

    def _linger(self, n_served: int, took_s: float) -> None:
        """Let those who were answered ask again, so that they are taken with those who wait, not in turns with them.

        A turn takes little longer for 32 than for 8: in two halves, 32 clients got 290 exact answers a second, together
        400.
        """
        n_all = n_served + len(self._waiting)
        until_s = monotonic() + min(_LINGER * took_s, _MOST_LINGER_S)
        while n_all > 1 and len(self._waiting) < n_all and monotonic() < until_s:
            sleep(_POLL_S)

    def _take(self) -> list[Waiting[T]]:
        """The oldest, and those like it; in turns of the quick and of the slow. None when nobody waits."""
        while True:
            with self._lock:
                since_s = monotonic() - MOST_WAIT_S
                late = [one for one in self._waiting if one.since_s < since_s]
                taken = self._next([one for one in self._waiting if one.since_s >= since_s])
                gone = set(map(id, [*late, *taken]))
                self._waiting = deque(one for one in self._waiting if id(one) not in gone)
                self._is_at_work = bool(gone)
            for one in late:
                one.fail(Busy(f"it waited for {MOST_WAIT_S:.0f} seconds; ask again later", retry_after_s=10))
            there = [one for one in taken if one.is_wanted()]
            if there or not gone:
                return there

    def _next(self, waiting: Sequence[Waiting[T]]) -> list[Waiting[T]]:
        if not waiting:
            return []
        first = next((one for one in waiting if one.is_slow != self._was_slow), waiting[0])
        self._was_slow = first.is_slow
        return [one for one in waiting if one.likeness == first.likeness][: first.most]

    def _serve_each(self, taken: Sequence[Waiting[T]]) -> None:
        try:
            self._serve(taken)
        except BaseException as error:  # noqa: BLE001 (the thread that asks for the result raises it)
            if len(taken) > 1:
                for one in taken:
                    self._serve_each([one])
            elif not taken[0].future.done():
                taken[0].future.set_exception(error)

    def close(self) -> None:
        """End the thread, after what it is at; those that still wait are told `Busy`."""
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            one.fail(Busy("the service is being stopped"))
        self._thread.shutdown()
