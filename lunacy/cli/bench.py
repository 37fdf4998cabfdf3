"""`lunacy bench`."""

from __future__ import annotations

import os

import click

from lunacy.cli.options import index_option


@click.group()
def bench() -> None:
    """Measure, beside others, in the same run."""


@bench.command("search", epilog="Example: lunacy bench search --rows 1_000_000 --no-graphs")
@index_option
@click.option("--rows", metavar="N", type=int, help="So many vectors: perturbed copies where the index has fewer.")
@click.option("--queries", metavar="N", type=click.IntRange(min=2), default=200, show_default=True)
@click.option("--graphs/--no-graphs", default=True, help="With hnswlib and usearch, if installed: minutes to build.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--plot", metavar="FILE", type=click.Path(), help="Draw recall against latency; needs matplotlib.")
def search(index_dir: str | None, rows: int | None, queries: int, graphs: bool, form: str, plot: str | None) -> None:
    """Latency, recall, build time and memory of each way to search, beside FAISS, NumPy, hnswlib and usearch."""
    from dataclasses import asdict

    import orjson

    from lunacy import render
    from lunacy.bench import bench_search, draw_plot
    from lunacy.pipeline import build_ivf, refresh_caches
    from lunacy.query import find_index

    folder = find_index(index_dir, os.environ.get("LUNACY_INDEX"))
    report = bench_search(
        folder,
        refresh=refresh_caches,
        make_lists=lambda copy, recall: build_ivf(copy, recall=recall),
        rows=rows,
        n_queries=queries,
        graphs=graphs,
        say=lambda text: click.echo(f"lunacy: {text}", err=True),
    )
    if plot:
        draw_plot(report, plot)
    if form == "json":
        click.echo(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2).decode())
        return
    flat = min(line.p50_ms for line in report.lines if line.name.startswith("IndexFlatIP"))
    click.echo(f"{report.n_rows:,} vectors of {report.dim} dimensions; ms; of flat: p50 against the best IndexFlatIP\n")
    rows_shown = [("way", "p50", "p95", "of flat", "batch", "recall", "build s", "bytes")]
    rows_shown += [
        (
            line.name,
            f"{line.p50_ms:.2f}",
            f"{line.p95_ms:.2f}",
            f"{line.p50_ms / flat:.4f}",
            f"{line.batch_ms:.2f}",
            f"{line.recall:.4f}",
            "" if line.build_s is None else f"{line.build_s:.1f}",
            f"{line.bytes_per_vector:.0f}",
        )
        for line in report.lines
    ]
    click.echo(render.columns(rows_shown))
    cold = [("process", "ms", "peak MB")]
    cold += [(one.name, f"{one.wall_ms:.0f}", f"{one.peak_mb:.0f}") for one in report.cold]
    click.echo(render.columns(cold), nl=False)
