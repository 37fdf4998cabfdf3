"""Help under headings: the options of a command in groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

_COLUMN = 30  # the widest left column, as in Click's own help


class GroupedCommand(click.Command):
    """A command whose help lists its options under headings.

    `headings` names the options of each, such as {"Output": "--top --format"}; the rest follow under "Options".
    """

    def __init__(self, *args: Any, headings: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.headings = headings

    def grouped(self, ctx: click.Context) -> dict[str, list[click.Parameter]]:
        """The options under each heading, in the order of `headings`. Raises KeyError for one that does not exist."""
        options = {name: one for one in self.get_params(ctx) for name in one.opts if isinstance(one, click.Option)}
        groups: dict[str, list[click.Parameter]] = {
            heading: [options[name] for name in names.split()] for heading, names in self.headings.items()
        }
        placed = [one for group in groups.values() for one in group]
        groups["Options"] = [one for one in dict.fromkeys(options.values()) if one not in placed]
        return groups

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group, all with the same left column."""
        groups = {
            heading: [record for one in options if (record := one.get_help_record(ctx)) is not None]
            for heading, options in self.grouped(ctx).items()
        }
        write_groups(formatter, groups)


def write_groups(formatter: click.HelpFormatter, groups: Mapping[str, Iterable[tuple[str, str]]]) -> None:
    """Write rows (term, help) under each heading, with left columns of one width."""
    rows = {heading: list(group) for heading, group in groups.items()}
    width = min(_COLUMN, max(len(term) for group in rows.values() for term, _help in group))
    for heading, group in rows.items():
        if group:
            with formatter.section(heading):
                formatter.write_dl([(term.ljust(width), text) for term, text in group], col_max=_COLUMN)
