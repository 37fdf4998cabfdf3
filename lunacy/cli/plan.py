"""`lunacy plan`."""

from __future__ import annotations

import click


def number(text: str) -> int:
    """A whole number, also as 250e6. Raises BadParameter for what is none."""
    try:
        if float(text) == int(float(text)):
            return int(float(text))
    except (ValueError, OverflowError):
        pass
    raise click.BadParameter(f"{text!r} is not a whole number; write it like 3000000 or 250e6")


@click.command(epilog="Example: lunacy plan --papers 250e6 --dims 384 --gpus 8")
@click.option("--papers", metavar="N", type=number, default="3e6", show_default=True)
@click.option("--dims", metavar="N", type=click.IntRange(min=1), default=384, show_default=True)
@click.option("--gpus", metavar="N", type=click.IntRange(min=0), default=0, show_default=True)
def plan(papers: int, dims: int, gpus: int) -> None:
    """Estimate disk, memory and time for N papers.

    Estimates, from rates that were measured on 2 cores (README) and grow with the papers; GPUs are like an H100.
    """
    from lunacy import render
    from lunacy.bench import estimate

    found = estimate(papers, dims=dims, gpus=gpus)
    click.echo(
        f"{found.n_papers:,} papers: {render.size(found.vectors_bytes)} of vectors with {found.dims} dimensions, "
        f"{render.size(found.text_bytes)} of text"
    )
    click.echo(f"embedding: {render.span(found.core_s)} on one core")
    if found.gpus_s is not None:
        click.echo(f"embedding: {render.span(found.gpus_s)} on {gpus} GPUs, as far as reading and storing keep up")
    rows = [("way", "disk", "memory", "filling", "an exact answer", "a quick one")]
    for way in found.ways:
        quick = "" if way.quick_s is None else render.span(way.quick_s)
        sizes = render.size(way.disk_bytes), render.size(way.memory_bytes)
        rows.append((way.name, *sizes, render.span(way.filling_s), render.span(way.exact_s), quick))
    click.echo(render.columns(rows), nl=False)
    click.echo(
        f"a folder answers exactly within a second up to {found.n_within_a_second / 1e6:.1f} million papers;\n"
        "beyond, look into lists (lunacy ivf), or publish: Milvus shares scan and memory among its machines"
    )
