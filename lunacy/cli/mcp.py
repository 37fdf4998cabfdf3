"""`lunacy mcp`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import click

from lunacy.cli.parameters import indexes_option
from lunacy.errors import MissingExtra, UsageError

_EXAMPLES = """\b
Examples:
  lunacy mcp --index ~/indexes/arxiv
  claude mcp add lunacy -- lunacy mcp --index ~/indexes/arxiv
"""


@click.command(epilog=_EXAMPLES)
@indexes_option
def mcp(index_dirs: tuple[str, ...]) -> None:
    """Serve AI agents, by the Model Context Protocol.

    An agent's client starts this, and talks to it over standard input and output; it ends with the client. Agents can
    read your reading lists, those of `lunacy list`, and add papers to them.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed; a client of the Model Context Protocol talks to it there")
    with _nothing_on_stdout():
        if find_spec("mcp") is None:
            raise MissingExtra("the SDK of the Model Context Protocol", "mcp")
        indexes = _indexes(index_dirs)
        if sys.stdin.isatty():
            click.echo("lunacy: waiting for an agent's client on standard input, Ctrl-C ends it", err=True)
        from lunacy.library import lists_path
        from lunacy.query.service import Service
        from lunacy.serve.agents.server import create_server, run_stdio
        from lunacy.serve.own_lists import OwnLists

        server = create_server(Service(indexes), OwnLists(lists_path()))
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    run_stdio(server)


def _end(number: int, _frame: object) -> None:
    """At once: nothing is written but answers, and a thread that waits for standard input cannot be told."""
    os._exit(128 + number)


@contextmanager
def _nothing_on_stdout() -> Iterator[None]:
    """What anything prints, Python or not, goes to standard error: to a client it would be garbage."""
    ours = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
        os.dup2(ours, 1)
        os.close(ours)


def _indexes(given: Sequence[str]) -> Sequence[str | Path]:
    """The indexes to serve. Raises UsageError that says what to write into the client's configuration."""
    from lunacy.query import find_index

    if given:
        return given
    try:
        return [find_index(None)]
    except UsageError as error:
        arguments = json.dumps(["mcp", "--index", _guess()])
        hint = f'clients start it in a folder of their own, so their configuration names the index: "args": {arguments}'
        raise UsageError(str(error), where=Path.cwd(), hint=hint) from None


def _guess() -> str:
    """The absolute path of an index, beside this program if there is one."""
    for folder in (Path.cwd(), Path(__file__).parents[2], Path(sys.prefix).parent):
        for database in sorted(folder.glob("indexes/*/papers.db")):
            return str(database.parent)
    return "/the/path/of/an/index"
