"""Progress on standard error of what takes longer than a second: on a terminal a line that is rewritten, else lines."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import TypeVar

import click

from lunacy.cli.streams import takes_escapes
from lunacy.progress import Progress

T = TypeVar("T")

_SHOWN_S, _TICK_S = 0.4, 0.2  # on a terminal: when the line comes, and how often it may change
_QUIET_S, LINE_S = 5.0, 30.0  # elsewhere: how long a phase lasts that gets a line, and when the next one comes
_WINDOW_S, _SAMPLE_S = 45.0, 0.5  # over which rates are taken, and how often they are sampled
_LEAST_S = 3.0  # from so long a time on there is a rate


class ProgressLine:
    """How far a command is, as a block: at its end the line goes. Any thread may report, by calling it."""

    def __init__(self, doing: str, *, quiet_s: float | None = None) -> None:
        """`doing`: what the command begins with, such as "reading the snapshot". `quiet_s`: how long a phase lasts that
        gets a line where there is no terminal; None: five seconds.
        """
        self._quiet_s = _QUIET_S if quiet_s is None else quiet_s
        self._is_terminal = takes_escapes(sys.stderr)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick_on, name="lunacy-progress", daemon=True)
        self._shown = ""  # what stands on the terminal
        self._next_s = time.monotonic() + _SHOWN_S if self._is_terminal else float("inf")
        self._at = Progress(doing)
        self._begin(self._at)

    def __enter__(self) -> ProgressLine:
        with suppress(RuntimeError):  # no more threads: then reports alone change the line
            self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._over.set()
        with self._lock:
            if self._shown and kind is not None and not issubclass(kind, Exception):
                click.echo(err=True)  # Ctrl-C: how far it was stays, and what is said next has a line of its own
            else:
                self._clear()

    def __call__(self, progress: Progress) -> None:
        """Report how far the work is."""
        with self._lock:
            if progress.doing == self._at.doing and progress.done >= self._at.done:
                self._at = progress
                self._sample()
            else:
                self._begin(progress)
            self._tick()

    def until_first(self, items: Iterable[T]) -> Iterator[T]:
        """The items; the line goes when the first of them comes."""
        items = iter(items)
        first = list(islice(items, 1))
        self.__exit__(None)
        yield from chain(first, items)

    def note(self, text: str) -> None:
        """Print a line of its own."""
        with self._lock:
            self._clear()
            click.echo(f"lunacy: {text}", err=True)

    def _begin(self, progress: Progress) -> None:
        """Another phase."""
        self._at = progress
        self._began_s = time.monotonic()
        self._samples: deque[tuple[float, Progress]] = deque()
        self._sample()
        if not self._is_terminal:
            self._next_s = min(self._next_s, self._began_s + self._quiet_s)

    def _sample(self) -> None:
        """Remember how far it was when; of what is older than the window, the latest."""
        now = time.monotonic()
        if len(self._samples) > 1 and now - self._samples[-2][0] < _SAMPLE_S:
            self._samples.pop()
        self._samples.append((now, self._at))
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW_S:
            self._samples.popleft()

    def _tick_on(self) -> None:
        while not self._over.wait(_TICK_S):
            with self._lock:
                self._tick()

    def _tick(self) -> None:
        """Bring what is shown up to date, when it is time."""
        now = time.monotonic()
        if now < self._next_s or self._over.is_set():
            return
        if not self._is_terminal:
            self._next_s = now + LINE_S
            first, *others = self._parts()
            click.echo(f"lunacy: {first}" + (f": {', '.join(others)}" if others else ""), err=True)
            return
        self._next_s = now + _TICK_S
        if (line := _fitted(list(self._parts(elapsed=True)), _columns() - 1)) != self._shown:
            click.echo(f"\r{line}\x1b[K", nl=False, err=True)
            self._shown = line

    def _parts(self, *, elapsed: bool = False) -> Iterator[str]:
        """What is said: the phase, then its figures."""
        at = self._at
        yield at.doing
        share = _share(at)
        if share is not None:
            yield f"{share:.0%}"
        if at.unit:
            yield f"{at.done:,}" + (f" of {at.total:,}" if at.total else "") + f" {at.unit}"
        (then_s, then), (last_s, last) = self._samples[0], self._samples[-1]
        passed_s = last_s - then_s
        if passed_s >= _LEAST_S and at.unit and last.done > then.done:
            per_s = (last.done - then.done) / passed_s
            yield f"{per_s:,.0f}/s" if per_s >= 10 else f"{per_s:.1f}/s"
        now = time.monotonic()
        gained = (share or 0) - (_share(then) or 0)
        left_s = (1 - (share or 0)) * passed_s / gained - (now - last_s) if gained > 0 else 0
        if passed_s >= _LEAST_S and left_s > 0:
            yield f"{_clock(round(left_s))} left"
        elif elapsed:
            yield _clock(int(now - self._began_s))

    def _clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)
        self._shown = ""


def _share(at: Progress) -> float | None:
    """How much of the whole is done; None where that is not known."""
    if at.share is not None:
        return at.share
    return at.done / at.total if at.total else None


def _fitted(parts: list[str], width: int) -> str:
    """The parts in a line of at most `width` columns; if they do not fit, those in the middle go first."""
    while len(line := "  ".join(parts)) > width and len(parts) > 2:
        del parts[-2]
    return line[:width]


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _columns() -> int:
    """The width of the terminal; 80 where it does not tell."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
