"""The command line. A file a command, without logic; heavy imports stay inside the commands."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import click

from lunacy.cli.bench import bench
from lunacy.cli.compact import compact
from lunacy.cli.diff import diff
from lunacy.cli.digest import digest
from lunacy.cli.download import download
from lunacy.cli.duplicates import duplicates
from lunacy.cli.export import export
from lunacy.cli.fetch import fetch
from lunacy.cli.gaps import gaps
from lunacy.cli.graph import graph
from lunacy.cli.headings import write_groups
from lunacy.cli.index import index
from lunacy.cli.info import info
from lunacy.cli.ivf import ivf
from lunacy.cli.lexical import lexical
from lunacy.cli.list import list_
from lunacy.cli.map import map_
from lunacy.cli.mcp import mcp
from lunacy.cli.publish import publish
from lunacy.cli.query import query
from lunacy.cli.remove import remove
from lunacy.cli.repair import repair
from lunacy.cli.serve import serve
from lunacy.cli.show import show
from lunacy.cli.streams import OUTPUT, give_up, prepare
from lunacy.cli.update import update
from lunacy.cli.verify import verify
from lunacy.errors import NO_THREADS, LunacyError, is_out_of_threads, one_line
from lunacy.limits import can_start_threads, require

_ADDRESS_SPACE_BYTES = 512 * 10**6  # of which NumPy and FAISS take most: with less, they crash

COMMANDS = {
    "Everyday": (index, query, show, info),
    "My reading": (list_, digest, gaps),
    "In the browser, and for agents": (serve, map_, mcp),
    "From the network": (download, update, fetch),
    "Better and faster answers": (lexical, ivf, graph, duplicates),
    "Care of an index": (diff, remove, compact, verify, repair),
    "Beyond one machine": (publish, export),
    "Measuring": (bench,),
}


class Program(click.Group):
    """The commands, with lunacy's errors shown as one line."""

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands under their headings, each with the first sentence of its help."""
        groups = {
            heading: [(command.name or "", command.get_short_help_str(formatter.width)) for command in commands]
            for heading, commands in COMMANDS.items()
        }
        write_groups(formatter, groups)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; `--debug` lets tracebacks through."""
        before: dict[signal.Signals, Any] = {signal.SIGTERM: signal.signal(signal.SIGTERM, _stop)}
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as in the background
            before[signal.SIGINT] = signal.signal(signal.SIGINT, _stop)
        try:
            require(n_threads=1, address_space_bytes=_ADDRESS_SPACE_BYTES)
            return super().invoke(ctx)
        except click.UsageError as error:
            if "unexpected extra argument" in error.message and error.ctx and _takes_index(error.ctx.command):
                told = f"{error.message.rstrip('.')}; an index is named with --index DIR"
                raise click.UsageError(told, error.ctx) from None
            raise
        except (LunacyError, OSError, MemoryError, ImportError, RuntimeError) as error:
            if ctx.params["debug"] or (isinstance(error, RuntimeError) and not is_out_of_threads(error)):
                raise
            _tell(error)
            ctx.exit(error.exit_code if isinstance(error, LunacyError) else 1)
        except KeyboardInterrupt:
            if not can_start_threads():  # then it was OpenBLAS, which ends a program so
                click.echo(f"lunacy: {NO_THREADS}", err=True)
                ctx.exit(1)
            click.echo("lunacy: stopped", err=True)
            ctx.exit(130)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _takes_index(command: click.Command) -> bool:
    return any(one.name == "index_dir" for one in command.params)


def _stop(number: int, _frame: object) -> None:
    """Ctrl-C, or SIGTERM: files are closed, and half-made ones removed. The next one ends the program at once."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _tell(error: Exception) -> None:
    """Print why it failed; that nobody reads on, as in `lunacy query ... | head`, is no news."""
    give_up(error)
    if not isinstance(error, BrokenPipeError):
        from lunacy.render import harmless

        click.echo(f"lunacy: {harmless(one_line(error))}", err=True)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lunacy", prog_name="lunacy")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Find the arXiv papers most like this one.

    \b
    lunacy index                    build the sample index
    lunacy query 1802.05130         list the papers most similar to this one
    """


for commands in COMMANDS.values():
    for command in commands:
        main.add_command(command)


def run() -> NoReturn:
    """The program. It ends without taking Python apart, which takes seconds when a model is at work, and 30 ms else."""
    status: int | str | None = 0
    prepare()
    try:
        main()
    except SystemExit as end:
        status = end.code
    except OSError as error:  # of click's own output: --help
        if error.filename != OUTPUT:
            raise
        _tell(error)
        status = 1
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except OSError as error:
        _tell(error)
        status = status or 1
    os._exit(status if isinstance(status, int) else bool(status))
