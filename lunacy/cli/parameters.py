"""Options that mean the same in every command."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from lunacy.categories import near, unlisted
from lunacy.errors import UsageError
from lunacy.question import SAME_AUTHORS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class File(click.Path):
    """A path as it is, but for `~`, which is the home folder: no shell expands it in --into=~/x, or in a variable."""

    def __init__(self) -> None:
        super().__init__(readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Put the home folder in."""
        return super().convert(os.path.expanduser(value), param, ctx)


class Anywhere(File):
    """A folder or an address, and not an empty one: an unset variable in a script must not mean another index."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse the empty path, and one that FAISS cannot be given."""
        if not value:
            self.fail("it is empty; give a folder, or leave the option out", param, ctx)
        if str(value).encode(errors="replace").decode() != str(value):
            self.fail("the name of the folder is not in UTF-8; give it another", param, ctx)
        return super().convert(value, param, ctx)


class Alone(Anywhere):
    """As `Anywhere`, for an option that may be repeated: in a variable there is one, whatever it holds."""

    envvar_list_splitter = "\0"


class Folder(Anywhere):
    """The path of a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an address."""
        if "://" in str(value) or str(value).startswith("milvus:"):
            self.fail(f"{value} is an address; this command is for an index folder", param, ctx)
        return super().convert(value, param, ctx)


def _given_once(_ctx: click.Context, param: click.Parameter, values: tuple[Any, ...]) -> Any:
    """The value; None for none. Raises UsageError for several, of which all but one would be lost."""
    if len(values) > 1:
        raise UsageError(f"{param.opts[0]} is given {len(values)} times; give it once")
    return values[0] if values else None


ONCE: dict[str, Any] = {"multiple": True, "callback": _given_once}  # of an option that names an input


class Dependent(click.Option):
    """An option that is refused without one of `needs`, beside which it has an effect, and with any of `not_with`."""

    def __init__(self, *args: Any, needs: Sequence[str] = (), not_with: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.needs = needs
        self.not_with = not_with

    def handle_parse_result(self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]) -> Any:
        """Raise UsageError for a combination that cannot be meant."""
        if self.name in opts:
            given = {name for one in ctx.command.params if one.name in opts for name in one.opts}
            mine = self.opts[0]
            if self.needs and not given.intersection(self.needs):
                raise UsageError(f"{mine} has an effect only with {' or '.join(self.needs)}; add that, or leave it out")
            for other in self.not_with:
                if other in given:
                    raise UsageError(f"{mine} and {other} cannot be combined; leave one of them out")
        return super().handle_parse_result(ctx, opts, args)


index_option: Decorator = click.option(
    "--index",
    "index_dir",
    metavar="DIR",
    envvar="LUNACY_INDEX",
    type=Folder(),
    help="The index folder  [default: $LUNACY_INDEX, else the only one in indexes/]",
)
anywhere_option: Decorator = click.option(
    "--index",
    "index_dir",
    metavar="DIR|ADDRESS",
    envvar="LUNACY_INDEX",
    type=Anywhere(),
    help="The index folder, or where it was published  [default: $LUNACY_INDEX, else the only one in indexes/]",
)
indexes_option: Decorator = click.option(
    "--index",
    "index_dirs",
    metavar="DIR|ADDRESS",
    multiple=True,
    envvar="LUNACY_INDEX",
    type=Alone(),
    help="An index folder, or where one was published; repeat it for more  "
    "[default: $LUNACY_INDEX, else the only one in indexes/]",
)


def device_option(what: str = "the model runs", **relations: Sequence[str]) -> Decorator:
    """`what` runs on the device; `relations` are those of `Dependent`."""
    return click.option(
        "--device",
        cls=Dependent,
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help=f"Where {what}.",
        **relations,
    )


def recall_option(default: float, what: str, **relations: Sequence[str]) -> Decorator:
    """`what` the share is of; `relations` are those of `Dependent`."""
    return click.option(
        "--recall",
        cls=Dependent,
        metavar="SHARE",
        type=float,
        default=default,
        show_default=True,
        help=what,
        **relations,
    )


_ENDPOINT, _OAI, _CONTACT = "https://oaipmh.arxiv.org/oai", "LUNACY_OAI", "LUNACY_CONTACT"


def top_option(default: int, what: str) -> Decorator:
    """`--top N`; `what`: the help."""
    kind = click.IntRange(min=1)
    return click.option("-n", "--top", metavar="N", type=kind, default=default, show_default=True, help=what)


def server() -> tuple[str, str]:
    """The endpoint and the contact of `server_options`, where a command has no room for them."""
    return os.environ.get(_OAI) or _ENDPOINT, os.environ.get(_CONTACT, "")


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which server is asked what arXiv has, and what it learns."""
    endpoint = click.option(
        "--endpoint",
        metavar="URL",
        envvar=_OAI,
        default=_ENDPOINT,
        help="The server to ask, by OAI-PMH; also LUNACY_OAI  [default: arXiv's]",
    )
    contact = click.option(
        "--contact",
        metavar="ADDRESS",
        envvar=_CONTACT,
        default="",
        help="Your address, for arXiv's log; also LUNACY_CONTACT.",
    )
    return endpoint(contact(command))


format_option: Decorator = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the result is printed.",
)


def _note_unlisted(_ctx: click.Context, _param: click.Parameter, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Say at once which categories are new to lunacy, or mistyped. Raises UnknownCategory for what can be none."""
    for pattern in unlisted(patterns):
        others = f" (near it are: {', '.join(near(pattern))})" if near(pattern) else ""
        click.echo(f"lunacy: arXiv lists no category {pattern!r}; it is taken as a new one{others}", err=True)
    return patterns


category_option: Decorator = click.option(
    "--category",
    metavar="PATTERN",
    multiple=True,
    callback=_note_unlisted,
    help="Only papers of this category (cs.CL) or archive (cs, cs.*); repeat it, or separate with commas, for more.",
)

_FILTERS = (
    click.option(
        "--category",
        metavar="PATTERN",
        multiple=True,
        help="Only hits of this category (cs.CL) or archive (cs, cs.*), primary or not; repeat it, or use commas.",
    ),
    click.option(
        "--since",
        metavar="DATE",
        default="",
        help="Only hits posted on or after this date: 2024-05-31, 2024-05 or 2024; 2y, 6m, 4w or 30d ago.",
    ),
    click.option("--until", metavar="DATE", default="", help="Only hits posted on or before this date."),
    click.option(
        "--older",
        is_flag=True,
        help="Only hits posted no later than the paper that is asked for, which it could have cited.",
    ),
    click.option(
        "--newer", is_flag=True, help="Only hits posted no earlier than the paper that is asked for: what came of it."
    ),
    click.option(
        "--updated-since",
        metavar="DATE",
        default="",
        help="Only hits changed on or after this date; papers without a date of their last change are left out.",
    ),
    click.option(
        "--author",
        metavar="NAME",
        multiple=True,
        help="Only hits by this author: Hinton, 'G. Hinton' or 'Hinton, Geoffrey' (a comma does not separate authors); "
        "repeat it for hits by all of them.",
    ),
    click.option(
        "--same-authors",
        type=click.Choice(SAME_AUTHORS),
        help="Rank hits higher that share an author with the paper that is asked for, or leave them out.",
    ),
    click.option(
        "--only-ids",
        metavar="FILE",
        type=File(),
        **ONCE,
        help="Only hits whose ids are in FILE (in any form that --batch reads).",
    ),
    click.option(
        "--not-ids",
        metavar="FILE",
        type=File(),
        **ONCE,
        help="No hits whose ids are in FILE (in any form that --batch reads).",
    ),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which papers may be hits."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command
