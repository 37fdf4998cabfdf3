"""`lunacy info`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lunacy.cli.parameters import anywhere_option, format_option
from lunacy.cli.streams import echo_json

if TYPE_CHECKING:
    from lunacy.answer import Info


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
        echo_json(_record(found))
    else:
        click.echo(render.pairs(_rows(found)), nl=False)


def _record(found: Info) -> dict[str, Any]:
    """As JSON has it."""
    from dataclasses import asdict

    summary = found.summary
    return {
        "folder": found.name,
        "papers": summary.n_papers,
        "withdrawn": summary.n_withdrawn,
        "dead_rows": summary.n_dead,
        "first_date": summary.first_date or None,
        "last_date": summary.last_date or None,
        "categories": summary.by_category,
        "fingerprint": asdict(found.fingerprint),
        "arithmetic": found.arithmetic,
        "scope": asdict(found.scope),
        "generation": found.generation,
        "segments": found.n_segments,
        "size_bytes": found.size_bytes,
        "ivf": found.ivf and {**found.ivf.record(), "papers_beside": found.n_unindexed},
        "lexical": found.has_words,
        "foreign": list(found.foreign),
    }


def _rows(found: Info) -> list[tuple[str, str]]:
    """As the table has it: name and value."""
    from dataclasses import asdict

    from lunacy import render

    summary = found.summary
    largest = sorted(summary.by_category.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        ("index", found.name),
        ("papers", f"{summary.n_papers:,}, {summary.n_withdrawn:,} of them withdrawn"),
        ("dates", f"{summary.first_date or '?'} to {summary.last_date or '?'}"),
        (
            "categories",
            f"{len(largest)}: "
            + ", ".join(f"{name} {n:,}" for name, n in largest[:8])
            + ", ..."[: len(largest) > 8 and 5],
        ),
        ("scope", str(found.scope)),
        ("commits", f"{found.generation:,}"),
        ("arithmetic", found.arithmetic),
    ]
    if found.size_bytes:
        size = f"{render.size(sum(found.size_bytes.values()))} in {found.n_segments} segments and papers.db"
        rows += [("size", size), ("dead rows", f"{summary.n_dead:,}")]
    if found.ivf:
        rows += [("ivf", f"{found.ivf.nlist:,} lists; {found.n_unindexed:,} newer papers are searched beside them")]
        rows += [("ivf", line) for line in render.recalls(found.ivf)]
    if found.has_words:
        rows += [("lexical", "words are indexed, for --rank hybrid and lexical")]
    rows += [(name, "not known" if value is None else str(value)) for name, value in asdict(found.fingerprint).items()]
    if found.foreign:
        rows += [("not lunacy's", render.names(found.foreign))]
    return rows
