"""Progress on standard error of what takes longer than a second: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import click

from lunacy.cli.streams import takes_escapes

_QUICK_S = 1.0  # what is done by then shows no bar
_BAR_S, _LINE_S = 0.2, 60.0  # between two states of the bar; between two lines where none can be rewritten


class ProgressBar:
    """How far a command is, as a block: at its end the bar goes. Any thread may report."""

    def __init__(self, doing: str, unit: str = "papers") -> None:
        """`doing`: what the command does, such as "verifying"; `unit`: what is counted, or ""."""
        self._doing = doing
        self._unit = unit
        self._is_terminal = takes_escapes(sys.stderr)
        self._next_s = time.monotonic() + (_QUICK_S if self._is_terminal else _LINE_S)
        self._at: tuple[int, int | None, str] = 0, None, ""
        self._phase_started = time.time()
        self._bar: Any = None  # of click
        self._lock = threading.Lock()
        self._alarm = threading.Timer(_QUICK_S, lambda: self.show(*self._at))  # where nothing is reported for long
        self._alarm.daemon = True

    def __enter__(self) -> ProgressBar:
        if self._is_terminal:
            with suppress(RuntimeError):  # no more threads: the bar comes with the first report
                self._alarm.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._alarm.cancel()
        with self._lock:
            self._next_s = float("inf")
            self._clear()

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` are done. A lower number than before begins another phase."""
        self.show(done, total, f"{done:,} of {total:,} {self._unit}" if self._unit else "")

    def show(self, done: int, total: int | None, detail: str) -> None:
        """Report it with words of your own; `total` may be unknown."""
        with self._lock:
            if done < self._at[0] or total != self._at[1]:
                self._phase_started = time.time()
            self._at = done, total, detail
            now = time.monotonic()
            if now >= self._next_s:
                self._next_s = now + (_BAR_S if self._is_terminal else _LINE_S)
                self._draw(*self._at)

    def note(self, text: str) -> None:
        """Print a line of its own."""
        with self._lock:
            self._clear()
            click.echo(f"lunacy: {text}", err=True)

    def _draw(self, done: int, total: int | None, detail: str) -> None:
        if not self._is_terminal:
            share = f"{done / total:.0%}" if total else ""
            click.echo(f"lunacy: {self._doing}: {', '.join(filter(None, (share, detail)))}", err=True)
            return
        if self._bar is None or done < self._bar.pos or total != self._bar.length:
            self._bar = click.progressbar(
                itertools.count(),  # for where `total` is unknown
                length=total,
                label=self._doing,
                item_show_func=lambda detail: detail,
                file=sys.stderr,
                update_min_steps=0,  # so that the first state is shown too
            )
            self._bar.start = self._phase_started  # the time that is left is reckoned from there
        self._bar.update(done - self._bar.pos, detail)

    def _clear(self) -> None:
        self._bar = None
        if self._is_terminal:
            click.echo("\r\x1b[K\x1b[?25h", nl=False, err=True)  # with the cursor, which click's bar hides
