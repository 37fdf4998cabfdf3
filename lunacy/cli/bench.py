"""`lunacy bench`."""

from __future__ import annotations

from dataclasses import asdict

import click
from click.core import ParameterSource

from lunacy.cli.parameters import Dependent, File, device_option, format_option, index_option
from lunacy.cli.streams import echo_json
from lunacy.errors import UsageError


@click.group()
def bench() -> None:
    """Measure lunacy and its alternatives on this machine."""


@bench.command(epilog="Example: lunacy bench embed --texts 1000")
@click.argument("snapshot", required=False, type=File())
@click.option(
    "--texts",
    "n_texts",
    metavar="N",
    type=click.IntRange(min=40),
    default=480,
    show_default=True,
    help="Number of papers to embed.",
)
@click.option(
    "--model",
    metavar="NAME",
    default="sentence-transformers/all-MiniLM-L6-v2",
    show_default=True,
    help="A sentence-transformers model: name or folder.",
)
@device_option()
@format_option
def embed(snapshot: str | None, n_texts: int, model: str, device: str, form: str) -> None:
    """Compare the embedding rate with SentenceTransformer.encode.

    Also measures each stage alone, and names the slowest. The texts are those of SNAPSHOT, or of the sample.
    """
    from lunacy.bench import bench_embed

    found = bench_embed(snapshot, model=model, device=device, n_texts=n_texts)
    if form == "json":
        echo_json(asdict(found) | {"slowest_stage": found.slowest_stage})
        return
    defaults, width = found.texts_per_s["encode, defaults"], max(map(len, found.texts_per_s))
    click.echo(f"{found.n_texts:,} papers, {found.mean_tokens:.0f} tokens on average; lunacy: {found.arithmetic}")
    for note in found.notes:
        click.echo(f"lunacy: {note}", err=True)
    for way, rate in sorted(found.texts_per_s.items(), key=lambda item: -item[1]):
        click.echo(
            f"{way:{width}}  {rate:10,.1f} texts/s  {rate * found.mean_tokens:12,.0f} tokens/s  {rate / defaults:6.2f}x"
        )
    click.echo(f"smallest cosine to encode: {found.smallest_cosine:.6f}")
    click.echo(f"share of the peak of a matrix product here: {found.flops_share:.0%}")
    stages = ", ".join(f"{stage} {rate:,.0f}" for stage, rate in found.stage_texts_per_s.items())
    click.echo(f"each stage alone, papers/s: {stages}; the slowest: {found.slowest_stage}")


@bench.command("search", epilog="Example: lunacy bench search --rows 1_000_000 --no-graphs")
@index_option
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(min=1),
    help="Search N vectors; if the index has fewer, perturbed copies are added.",
)
@click.option(
    "--queries", metavar="N", type=click.IntRange(min=2), default=200, show_default=True, help="Number of queries."
)
@click.option(
    "--graphs/--no-graphs", default=True, help="Also hnswlib and usearch, if installed; they take minutes to build."
)
@format_option
@click.option("--plot", metavar="FILE", type=File(), help="Plot recall against latency into FILE (needs matplotlib).")
def search(index_dir: str | None, rows: int | None, queries: int, graphs: bool, form: str, plot: str | None) -> None:
    """Compare ways to search: latency, recall, build time, memory.

    Measures each way of lunacy and FAISS, NumPy, hnswlib and usearch in the same run.
    """
    from lunacy import render
    from lunacy.bench import BATCHES, bench_search, draw_plot
    from lunacy.query import find_index

    folder = find_index(index_dir)
    report = bench_search(
        folder,
        rows=rows,
        n_queries=queries,
        graphs=graphs,
        say=lambda text: click.echo(f"lunacy: {text}", err=True),
    )
    if plot:
        draw_plot(report, plot)
    if form == "json":
        echo_json(asdict(report))
        return
    flat = min(line.p50_ms for line in report.lines if line.name.startswith("IndexFlatIP"))
    click.echo(f"{report.n_rows:,} vectors of {report.dim} dimensions; ms; of flat: p50 against the best IndexFlatIP\n")
    rows_shown = [("way", "p50", "p95", "of flat", *(f"in {size:,}" for size in BATCHES), "recall", "build s", "bytes")]
    rows_shown += [
        (
            line.name,
            f"{line.p50_ms:.2f}",
            f"{line.p95_ms:.2f}",
            f"{line.p50_ms / flat:.4f}",
            *(f"{line.batch_ms[str(size)]:.2f}" for size in BATCHES),
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


@bench.command("quality", epilog="Example: lunacy bench quality pairs.tsv --index indexes/arxiv")
@click.argument("data", type=File())
@click.option("--index", "index_dir", metavar="DIR", type=File(), help="The index whose papers a file of pairs names.")
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    help="Compare this model with the index's own, or with the first; repeat it for more.",
)
@click.option(
    "--prompt",
    "prompts",
    cls=Dependent,
    needs=["--model"],
    metavar="TEXT",
    multiple=True,
    help="Prefix before each text, one for each --model  [default: the models' own]",
)
@click.option(
    "--papers",
    "n_papers",
    cls=Dependent,
    needs=["--model"],
    metavar="N",
    type=click.IntRange(min=1),
    default=3000,
    show_default=True,
    help="Compare models on all judged papers and a random rest, N in all.",
)
@device_option("models run")
@format_option
@click.pass_context
def quality(
    ctx: click.Context,
    data: str,
    index_dir: str | None,
    models: tuple[str, ...],
    prompts: tuple[str, ...],
    n_papers: int,
    device: str,
    form: str,
) -> None:
    """Compare the rankings, or models, on known pairs.

    The rankings stand beside TF-IDF and BM25. DATA is a folder in BEIR's layout (corpus.jsonl, queries.jsonl,
    qrels.tsv), or a file of pairs (query-id, corpus-id, score) over the papers of an index with a lexical index.

    With --model, some papers are embedded by each model, and its lists and its cost stand beside those of the index's
    own vectors of the same papers; without an index, beside those of the first model.
    """
    if index_dir and not models and ctx.get_parameter_source("device") is not ParameterSource.DEFAULT:
        raise UsageError("--device and --index cannot be combined without --model; no model runs")
    if models:
        _compare_models(data, index_dir, models, prompts, n_papers, device, form)
    else:
        _compare_rankings(data, index_dir, device, form)


def _compare_rankings(data: str, index_dir: str | None, device: str, form: str) -> None:
    from lunacy import render
    from lunacy.bench import bench_quality

    report = bench_quality(data, index=index_dir, device=device, say=_say)
    if form == "json":
        echo_json(asdict(report))
        return
    click.echo(f"{report.n_queries:,} queries, {report.n_papers:,} papers; {_BRACKETS}\n")
    metrics = list(report.rankings[0].mean)
    rows = [("ranking", *metrics, "same category", "cosine of two hits")]
    rows += [
        (
            one.name,
            *(_mean(one.mean[metric], one.interval[metric]) for metric in metrics),
            f"{report.same_category[one.name]:.3f}",
            f"{report.among_ten[one.name]:.3f}" if one.name in report.among_ten else "",
        )
        for one in report.rankings
    ]
    click.echo(render.columns(rows))
    rows = [("against dense", *metrics)]
    rows += [
        (one.name, *(_difference(one.against_dense[metric]) for metric in metrics))
        for one in report.rankings
        if one.name != "dense"
    ]
    click.echo(render.columns(rows), nl=False)


def _compare_models(
    data: str,
    index_dir: str | None,
    models: tuple[str, ...],
    prompts: tuple[str, ...],
    n_papers: int,
    device: str,
    form: str,
) -> None:
    from lunacy import render
    from lunacy.bench import bench_models

    report = bench_models(
        data, index=index_dir, models=models, prompts=prompts, n_papers=n_papers, device=device, say=_say
    )
    if form == "json":
        echo_json(asdict(report))
        return
    click.echo(
        f"{report.n_queries:,} queries, {report.n_papers:,} papers, {report.n_judged:,} of them judged; {_BRACKETS}\n"
    )
    control = report.models[0]
    rows: list[tuple[str, ...]] = [("model", "dims", "tokens", "papers/s", "CPU s", "peak MB")]
    for one in report.models:
        cost = ("", "", "")
        if one.cost is not None:
            cost = (f"{report.n_papers / one.cost.wall_s:.1f}", f"{one.cost.cpu_s:.0f}", f"{one.cost.peak_mb:.0f}")
        rows.append((one.name, str(one.dim), str(one.max_tokens or ""), *cost))
    click.echo(render.columns(rows))
    metrics = list(control.rankings[0].mean)
    lists = [
        (one.name if each.rank != "lexical" else "words alone", each) for one in report.models for each in one.rankings
    ]
    rows = [("model", "ranking", *metrics)]
    rows += [
        (name, one.rank, *(_mean(one.mean[metric], one.interval[metric]) for metric in metrics)) for name, one in lists
    ]
    click.echo(render.columns(rows), nl=False)
    if len(report.models) > 1:
        rows = [(f"against {control.name}", "ranking", *metrics)]
        rows += [
            (name, one.rank, *(_difference(one.against_control[metric]) for metric in metrics))
            for name, one in lists
            if name not in (control.name, "words alone")
        ]
        click.echo("\n" + render.columns(rows), nl=False)


_BRACKETS = "in brackets: 95 % of the bootstrap"


def _say(text: str) -> None:
    click.echo(f"lunacy: {text}", err=True)


def _mean(mean: float, interval: tuple[float, float]) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(mean, *interval)


def _difference(interval: tuple[float, float]) -> str:
    return "[{:+.3f}, {:+.3f}]".format(*interval)
