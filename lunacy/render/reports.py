"""What commands report besides answers: names and values, tables of figures, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lunacy.display import harmless
from lunacy.measured import GraphFacts, IvfFacts

_MOST_NAMES = 20


def names(found: Sequence[str]) -> str:
    """The first of many."""
    more = f" and {len(found) - _MOST_NAMES:,} more" if len(found) > _MOST_NAMES else ""
    return harmless(", ".join(found[:_MOST_NAMES])) + more


def recalls(facts: IvfFacts) -> list[str]:
    """What was measured of IVF lists: a line for papers and one for texts."""
    lines = []
    for name, found in (("papers", facts.papers), ("texts", facts.texts)):
        mean, low, high = found.recall
        lines.append(
            f"{name}: recall {mean:.3f} ({low:.3f} to {high:.3f}) of the {facts.top} best with nprobe {found.nprobe}, "
            + (
                f"measured on {found.n_queries:,} queries on {facts.date}"
                if found.is_measured
                else "guessed: the index's model could not be had, so twice as many lists as for papers"
            )
        )
    return lines


def graph_recall(facts: GraphFacts) -> str:
    """Whether the neighbours in a graph are the true ones."""
    if facts.recall is None:
        return "exact"
    mean, low, high = facts.recall
    return (
        f"recall {mean:.3f} ({low:.3f} to {high:.3f}) of the {facts.k} nearest with nprobe {facts.nprobe}, "
        f"measured on {facts.n_queries:,} papers"
    )


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, aligned: one a line."""
    rows = list(rows)
    width = max((len(name) for name, _value in rows), default=0)
    return "".join(f"{name:{width}}  {harmless(value)}\n" for name, value in rows)


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """A table of words and figures: the first column on the left, the others on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        figures = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:{widths[0]}}", *figures]).rstrip())
    return "\n".join(lines) + "\n"


def size(n_bytes: float) -> str:
    """Bytes for a person: 1.5 MB."""
    if n_bytes < 1000:
        return f"{n_bytes:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        n_bytes /= 1000
        if round(n_bytes, 1) < 1000:
            return f"{n_bytes:.1f} {unit}"
    return f"{n_bytes / 1000:.1f} TB"
