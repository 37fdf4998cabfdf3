"""`lunacy digest`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from lunacy.cli.list import ListName
from lunacy.cli.output import opened
from lunacy.cli.parameters import ONCE, File, anywhere_option, top_option
from lunacy.cli.progress import LINE_S, ProgressLine
from lunacy.digest import TOP
from lunacy.formats import DIGEST_FORMATS, OF_DIGEST_SUFFIX

if TYPE_CHECKING:
    from lunacy.digest import Digest

_WIDTH = 78  # columns of a mail
_EXAMPLES = """\b
Examples:
  lunacy digest
  lunacy digest thesis --since 2w --no-mark -o thesis.html
  lunacy digest --mail-to ada@example.org
"""


@click.command(epilog=_EXAMPLES)
@click.argument("names", metavar="[NAME]...", nargs=-1, type=ListName())
@anywhere_option
@click.option(
    "--since",
    metavar="DATE",
    **ONCE,
    help="Papers posted since DATE (2024-05-31, 2024-05, 2w)  [default: those that came since the last digest]",
)
@top_option(TOP, "Papers per list.")
@click.option(
    "--format",
    "form",
    type=click.Choice(DIGEST_FORMATS),
    help="How the output is written  [default: that of FILE's suffix, else table]",
)
@click.option("-o", "--output", metavar="FILE", type=File(), help="Write to FILE instead of standard output.")
@click.option(
    "--mail-to",
    metavar="ADDRESS",
    **ONCE,
    help="Send it by mail, if there is anything new: by sendmail, or the server that SMTP_HOST names.",
)
@click.option("--no-mark", is_flag=True, help="Do not remember what was listed: the next digest may list it again.")
def digest(
    names: tuple[str, ...],
    index_dir: str | None,
    since: str | None,
    top: int,
    form: str | None,
    output: str | None,
    mail_to: str | None,
    no_mark: bool,
) -> None:
    """List the new papers that matter for your reading lists.

    NAME is a reading list of `lunacy list`; without one, all of them. Papers that you have, that you dismissed, and
    that were listed before are left out.
    """
    from lunacy.errors import UsageError
    from lunacy.library import lists_path, mark_seen, read_lists, require_list, seen
    from lunacy.query import find_index, open_index
    from lunacy.query.digest import LAST, index_name, make_digests

    if mail_to is not None and (output is not None or form is not None):
        raise UsageError("--mail-to sends text and a page; leave out --output and --format")
    click.get_current_context().obj = shown = ProgressLine("reading", quiet_s=LINE_S)
    lists, path = read_lists(), lists_path()
    chosen = [require_list(name, lists, path) for name in dict.fromkeys(names)] if names else list(lists.values())
    if not chosen:
        require_list("", lists, path)
    known = {identifier for one in lists.values() for identifier in one.ids}
    with shown, open_index(find_index(index_dir)) as ix:
        states = {one.name: seen(one.name, path=path) for one in chosen}
        digests = make_digests(ix, chosen, states, since=since or LAST, top=top, known=known)
        index = index_name(ix)
    if mail_to is not None:
        _send(digests, mail_to)
    else:
        _write(digests, form, output)
    for one in digests if not no_mark else ():
        before = states[one.name].generations.get(index, one.generation)
        if one.generation:  # else nothing was compared
            ids = [identifier for item in one.items for identifier in (item.paper.id, *item.copies)]
            mark_seen(one.name, ids, one.generation if since is None else before, index=index, path=path)


def _write(digests: Sequence[Digest], form: str | None, output: str | None) -> None:
    from lunacy import render

    form = form or OF_DIGEST_SUFFIX.get(PurePath(output or "").suffix.lower(), "table")
    with opened(output) as out:
        out.write(render.digests(digests, form if form in DIGEST_FORMATS else "table", **out.look), at_once=False)
    if form in ("bibtex", "ids", "atom"):  # they have no place for it
        for one in digests:
            for note in one.notes:
                click.echo(f"lunacy: {render.harmless(one.name)}: {render.harmless(note)}", err=True)


def _send(digests: Sequence[Digest], to: str) -> None:
    """Nothing is sent where nothing is new, which is said."""
    from lunacy import render
    from lunacy.mail import send_mail

    told = [one for one in digests if one.items]
    for one in digests:
        for note in one.notes if one not in told else ():
            click.echo(f"lunacy: {render.harmless(one.name)}: {render.harmless(note)}", err=True)
    if not told:
        click.echo("lunacy: no mail was sent, as nothing is new", err=True)
        return
    n = sum(len(one.items) for one in told)
    subject = f"{n:,} new {'paper' if n == 1 else 'papers'} for {', '.join(one.name for one in told)}"
    send_mail(to, subject, "".join(render.digests(told, "table", width=_WIDTH)), "".join(render.digests(told, "html")))
    click.echo(f"sent to {render.harmless(to)}: {subject}")
