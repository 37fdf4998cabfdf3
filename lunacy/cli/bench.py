"""`lunacy bench`."""

from __future__ import annotations

from dataclasses import asdict

import click

from lunacy.cli.options import device_option


@click.group()
def bench() -> None:
    """Measure lunacy against its peers on this machine."""


@bench.command(epilog="Example: lunacy bench embed --texts 1000")
@click.argument("snapshot", required=False, type=click.Path(readable=False))
@click.option("--texts", "n_texts", metavar="N", type=click.IntRange(min=40), default=480, show_default=True)
@click.option("--model", metavar="NAME", default="sentence-transformers/all-MiniLM-L6-v2", show_default=True)
@device_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def embed(snapshot: str | None, n_texts: int, model: str, device: str, form: str) -> None:
    """Embedding: texts a second against SentenceTransformer.encode, and the slowest stage.

    The texts are those of SNAPSHOT, or of the sample.
    """
    import orjson

    from lunacy.bench import bench_embed

    found = bench_embed(snapshot, model=model, device=device, n_texts=n_texts)
    if form == "json":
        record = asdict(found) | {"slowest_stage": found.slowest_stage}
        click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
        return
    defaults = found.texts_per_s["encode, defaults"]
    click.echo(f"{found.n_texts:,} papers, {found.mean_tokens:.0f} tokens on average; lunacy: {found.arithmetic}")
    for way, rate in sorted(found.texts_per_s.items(), key=lambda item: -item[1]):
        click.echo(
            f"{way:22}  {rate:10,.1f} texts/s  {rate * found.mean_tokens:12,.0f} tokens/s  {rate / defaults:6.2f}x"
        )
    click.echo(f"smallest cosine to encode: {found.smallest_cosine:.6f}")
    click.echo(f"share of the peak of a matrix product here: {found.flops_share:.0%}")
    stages = ", ".join(f"{stage} {rate:,.0f}" for stage, rate in found.stage_texts_per_s.items())
    click.echo(f"each stage alone, papers/s: {stages}; the slowest: {found.slowest_stage}")
