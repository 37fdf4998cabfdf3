"""Standard output and standard error as they may be: in any encoding, closed, full, or left by their reader."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

OUTPUT = "standard output"


class _Stdout(io.TextIOWrapper):
    """Standard output, whose failures say so."""

    def write(self, text: str) -> int:
        with self._failing():
            return super().write(text)

    def flush(self) -> None:
        with self._failing():
            super().flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename = OUTPUT
            raise


class _Stderr(io.TextIOWrapper):
    """Standard error. What cannot be written there is lost, and the work goes on: nobody can be told."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare() -> None:
    """At the start of the program: no file may get the number of a closed stream, and no letter stops the output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _again(_Stdout, sys.stdout, "replace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _again(_Stderr, sys.stderr, "backslashreplace")


def _again(kind: type[io.TextIOWrapper], stream: io.TextIOWrapper, errors: str) -> io.TextIOWrapper:
    return kind(stream.buffer, stream.encoding, errors, None, stream.line_buffering, stream.write_through)


def give_up(error: Exception) -> None:
    """After a failure of standard output: what is still to be written leads nowhere, so that it is told once."""
    if isinstance(error, OSError) and error.filename == OUTPUT:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def is_utf8() -> bool:
    """Whether standard output is in UTF-8, as JSON must be: else it is escaped."""
    return sys.stdout is None or codecs.lookup(sys.stdout.encoding).name == "utf-8"


def echo_json(record: Any) -> None:
    """Print it over several lines, for a person."""
    from lunacy import render

    click.echo(render.to_json(record, indent=True, escaped=not is_utf8()))


def takes_escapes(stream: TextIO | None) -> bool:
    """Whether it is a terminal that can move its cursor and print bold letters."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")


def width() -> int:
    """The columns of the terminal, or $COLUMNS; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def is_styled() -> bool:
    """Whether to print bold and dim letters (https://no-color.org)."""
    return takes_escapes(sys.stdout) and not os.environ.get("NO_COLOR")
