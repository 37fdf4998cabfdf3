"""Options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

index_option: Decorator = click.option(
    "--index",
    "index_dir",
    metavar="DIR",
    type=click.Path(),
    help="The index folder  [default: LUNACY_INDEX, else the only one in indexes/]",
)
device_option: Decorator = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the model runs.",
)
category_option: Decorator = click.option(
    "--category",
    metavar="PATTERN",
    multiple=True,
    help="Keep papers with such a category: cs.CL, cs.*, 'stat.*,math.ST'. Repeatable.",
)
