"""`lunacy info`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lunacy.advice import command
from lunacy.cli.parameters import anywhere_option, format_option
from lunacy.cli.streams import echo_json

if TYPE_CHECKING:
    from lunacy.answer import Info, Summary
    from lunacy.measured import MapFacts


@click.command(epilog="Example: lunacy info --format json")
@anywhere_option
@format_option
def info(index_dir: str | None, form: str) -> None:
    """Show what an index holds: papers, categories, dates, model, sizes."""
    from lunacy import render
    from lunacy.query import find_index, open_index

    with open_index(find_index(index_dir)) as ix:
        found = ix.info()
    if form == "json":
        echo_json(found.as_record())
    else:
        click.echo(render.pairs(_rows(found)), nl=False)


def _posted(summary: Summary) -> str:
    n_unknown = summary.by_month.get("", 0)
    n_days = sum(summary.by_month.values()) - summary.n_without_day - n_unknown
    by_month = f"of {summary.n_without_day:,} only the month, from the id"
    unknown = f", of {n_unknown:,} nothing" if n_unknown else ""
    span = f"{summary.first_posted or '?'} to {summary.last_posted or '?'}"
    return f"{span}; of {n_days:,} papers the day is known, {by_month}{unknown}"


def _words(found: Info) -> str:
    ranks = "for --rank hybrid and lexical"
    if found.has_words:
        return f"words are indexed, {ranks}"
    return f"none, {ranks}; make it with: {command('lexical', '--index', found.name)}"


def _rows(found: Info) -> list[tuple[str, str]]:
    """As the table has it: name and value."""
    from dataclasses import asdict

    from lunacy import render

    summary = found.summary
    undated = f"{summary.n_without_update:,} papers have no date of their last change"
    largest = summary.largest
    rows = [
        ("index", found.name),
        ("papers", f"{summary.n_papers:,}, {summary.n_withdrawn:,} of them withdrawn"),
        ("posted", _posted(summary)),
        ("updated", f"up to {summary.last_updated or '?'}; {undated}"),
        (
            "categories",
            f"{len(largest)}: "
            + ", ".join(f"{name} {n:,}" for name, n in largest[:8])
            + ", ..."[: len(largest) > 8 and 5],
        ),
        ("scope", str(found.scope)),
        ("complete", f"up to {found.source[1]}, by a {found.source[0]}" if found.source[1] else "(unknown)"),
        ("commits", f"{found.generation:,}"),
        ("arithmetic", found.arithmetic),
    ]
    if found.size_bytes:
        size = f"{render.size(sum(found.size_bytes.values()))} in {found.n_segments} segments and papers.db"
        rows += [("size", size), ("dead rows", f"{summary.n_dead:,}")]
    if found.ivf:
        rows += [("ivf", f"{found.ivf.nlist:,} lists; {found.n_unindexed:,} newer papers are searched beside them")]
        rows += [("ivf", line) for line in render.recalls(found.ivf)]
    if found.has_words or found.size_bytes:  # what was published has none, and can have none
        rows += [("lexical", _words(found))]
    if found.graph:
        state = render.graph_recall(found.graph)
        if not found.is_graph_current:
            again = command("graph", "--index", found.name)
            state = f"papers have changed since; make it again with: {again}"
        rows += [("graph", f"the {found.graph.k} nearest neighbours of each paper; {state}")]
    if found.map:
        rows += [("map", _map(found.map, found))]
    made_by = asdict(found.fingerprint)
    rows += [(name, str(value) or "(none)") for name, value in made_by.items() if value is not None]
    if unknown := [name for name, value in made_by.items() if value is None]:
        rows += [("not known", ", ".join(unknown))]  # the vectors were supplied
    if found.foreign:
        rows += [("not lunacy's", render.names(found.foreign))]
    return rows


def _map(facts: MapFacts, found: Info) -> str:
    if not found.is_map_current:
        again = command("map", "--index", found.name)
        return f"papers have changed since it was made; bring it up to date with: {again}"
    return f"{facts.n_papers:,} papers, of which {facts.n_placed:,} came after it was laid out"
