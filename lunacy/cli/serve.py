"""`lunacy serve`."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from typing import Any

import click

from lunacy.cli.parameters import Folder
from lunacy.errors import MissingExtra, UsageError

_NEEDS = ("jinja2", "latex2mathml", "starlette", "uvicorn")
_LEAST_TOKEN = 16  # characters: who guesses a million a second takes longer than the sun lasts
_EXAMPLES = """\b
Examples:
  lunacy serve --open
  lunacy serve --index indexes/cs --index indexes/math --port 8000
  LUNACY_TOKEN=$(openssl rand -hex 16) lunacy serve --host 192.168.1.5
"""


def _checked_token(_ctx: click.Context, _param: click.Parameter, token: str | None) -> str | None:
    """Refuse what no header can have, and what is soon guessed."""
    if token is not None and not re.fullmatch(rf"[!-~]{{{_LEAST_TOKEN},}}", token):
        raise UsageError(
            f"the token needs at least {_LEAST_TOKEN} letters, digits or signs of ASCII; "
            "make one with: openssl rand -hex 16"
        )
    return token


def _checked_names(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"\[[0-9a-fA-F:.]+\]|[\w-]+(\.[\w-]+)*", name, re.ASCII):
            raise UsageError(f"--allow-host {name!r} is no name of a host; write it like papers.example.org")
    return names


@click.command(epilog=_EXAMPLES)
@click.option(
    "--index",
    "indexes",
    metavar="DIR",
    type=Folder(),
    multiple=True,
    help="The index folder; repeat it for more, the first is asked by default  [default: $LUNACY_INDEX, else the only "
    "one in indexes/]",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen at this address; any that others can reach needs a token.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 is any free port.")
@click.option(
    "--allow-host",
    "allowed",
    metavar="NAME",
    multiple=True,
    callback=_checked_names,
    help="Answer under this name too, such as that of a reverse proxy; repeat it for more.",
)
@click.option(
    "--token",
    envvar="LUNACY_TOKEN",
    metavar="TOKEN",
    callback=_checked_token,
    help="Answer only who knows it. Better set LUNACY_TOKEN: everybody on this machine can see options.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
def serve(
    indexes: tuple[Any, ...], host: str, port: int, allowed: tuple[str, ...], token: str | None, opens: bool
) -> None:
    """Serve a page to search with, and an API.

    Answers are of the last commit, also while `lunacy update` runs. Only this machine can reach the page, unless you
    give --host or stand a reverse proxy before it: docs/server.md. Until you give one of --host, --allow-host and
    --token, the page shows and changes your reading lists, those of `lunacy list`.
    """
    if not all(map(find_spec, _NEEDS)):
        raise MissingExtra("the web server", "serve")
    from lunacy.library import lists_path
    from lunacy.query import find_index
    from lunacy.query.service import Service
    from lunacy.serve import listen
    from lunacy.serve.app import create_app

    is_public = not listen.is_loopback(host)
    if is_public and token is None:
        raise UsageError(
            f"others can reach --host {host}; set LUNACY_TOKEN (make one with: openssl rand -hex 16), or leave it out"
        )
    names = listen.names_of(host, allowed) if is_public else allowed
    folders = indexes or (find_index(os.environ.get("LUNACY_INDEX") or None),)
    with listen.bind(host, port) as socket:
        service = Service(folders)
        for name in service.names:
            service.info(name).result()  # what cannot be read is told now
        service.warm()
        url = listen.url_of(socket, host)
        known = ", for who knows the token" if token else ""
        lists = None if is_public or allowed or token else lists_path()  # others may ask, or only the person
        what = ", ".join(service.names) + (" and your reading lists" if lists else "")
        click.echo(f"serving {what} at {url}{known} (Ctrl-C stops it)")
        if opens:
            _open(url)
        listen.serve(create_app(service, allowed_hosts=names, token=token or "", lists=lists), socket)
        service.close()  # after a signal, which is raised again, nobody waits for what it is at


def _open(url: str) -> None:
    """Open it in a browser, which waits until it is answered; a browser in the terminal must not stop the server."""
    import threading
    import webbrowser

    def work() -> None:
        if not webbrowser.open(url):
            click.echo(f"lunacy: no browser was found; open {url} in one", err=True)

    threading.Thread(target=work, daemon=True).start()
