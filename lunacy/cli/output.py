"""Where answers go, and in which form: what the commands share that print papers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TextIO

import click

from lunacy.atomic import replaced
from lunacy.cli.parameters import File
from lunacy.cli.streams import is_styled, is_utf8, width
from lunacy.errors import LunacyError
from lunacy.formats import OF_SUFFIX


def output_options(forms: Sequence[str], default: str, opened: str) -> Callable[[Callable[..., Any]], Any]:
    """`--format`, `--output` and `--open`; the help says which format is the default, and what is opened."""
    options = (
        click.option(
            "--format",
            "form",
            type=click.Choice(forms),
            help=f"How the output is written  [default: that of FILE's suffix, else {default}]",
        ),
        click.option(
            "-o",
            "--output",
            metavar="FILE",
            type=File(),
            help="Write to FILE instead of standard output; it is replaced only by a whole answer.",
        ),
        click.option("--open", "opens", is_flag=True, help=f"Open the page of {opened} in a browser."),
    )

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def form_of(form: str | None, output: str | None, default: str) -> str:
    """The format: as it is given, else as the suffix of the output says, else `default`."""
    return form or OF_SUFFIX.get(PurePath(output or "").suffix.lower(), default)


def form_for_reader(form: str | None, output: str | None) -> str:
    """As `form_of`; by default a table for a person at a terminal, and lines of JSON for a program."""
    is_read = output in (None, "-") and sys.stdout is not None and sys.stdout.isatty()
    return form_of(form, output, "table" if is_read else "jsonl")


@dataclass(frozen=True, slots=True)
class Output:
    """An open file, or standard output."""

    file: TextIO
    look: dict[str, Any]  # keywords of `render`

    def write(self, pieces: Iterable[str], *, at_once: bool) -> None:
        """Write them as they come; `at_once`: each can be read as soon as it is written."""
        for piece in pieces:
            self.file.write(piece)
            if at_once:
                self.file.flush()


@contextmanager
def opened(output: str | None) -> Iterator[Output]:
    """Standard output for None and "-"; else a file, which after a failure or a stop is as it was before."""
    if output in (None, "-"):
        if sys.stdout is None:
            raise LunacyError("standard output is closed, so there is nowhere to put the answer")
        yield Output(sys.stdout, {"width": width(), "styled": is_styled(), "escaped": not is_utf8()})
        return
    target = os.path.realpath(str(output))
    try:
        with ExitStack() as stack:
            written = Path(target)
            if os.path.isfile(target) or not os.path.exists(target):  # else it is a pipe, or /dev/null
                written = stack.enter_context(replaced(written))
            file = stack.enter_context(open(written, "w", encoding="utf-8", errors="replace", newline=""))
            yield Output(file, {"width": width()})
    except OSError as error:
        if error.filename == target:
            error.filename = output
        raise


def open_pages(urls: Iterable[str]) -> None:
    """Open each in a browser. Raises LunacyError, with the link, where there is none."""
    import webbrowser

    for url in urls:
        if not url:
            raise LunacyError("there is no page to open")
        if not webbrowser.open(url):
            raise LunacyError("no browser was found", hint=f"the page is {url}")
