"""Titles and abstracts of a snapshot as HTML: python -m tests.bench.formulas SNAPSHOT

How many formulas are MathML, characters, and their source; what that costs; and whether an independent parser finds in
it any element or attribute but those that draw.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lunacy.paper import Paper
from lunacy.serve.page.mathml import tex_to_html
from lunacy.snapshot import Snapshot, parse
from lunacy.unicode import FORMULA
from tests.serve.markup import assert_only_formulas

_WITH_OWN_MACRO = re.compile(r"<math(?:(?!</math>).)*?<m[ion][^>]*>\\[A-Za-z].*?</math>")  # shown by its name
_SOURCE = re.compile(r"<code>.*?</code>")


@dataclass
class Figures:
    n_papers: int = 0
    n_formulas: int = 0
    n_as_mathml: int = 0
    n_as_source: int = 0
    n_with_own_macros: int = 0
    seconds: list[float] = field(default_factory=list)  # CPU seconds of each title and abstract
    sources: Counter[str] = field(default_factory=Counter)


def render(source: Path | None = None) -> Figures:
    """Titles and abstracts of a snapshot, or of the sample. Raises AssertionError where one has what it must not."""
    figures = Figures()
    with Snapshot(source) as snapshot:
        for line in snapshot.lines():
            _render_one(parse(line), figures)
    return figures


def _render_one(paper: Paper, figures: Figures) -> None:
    figures.n_papers += 1
    texts = [paper.title, paper.abstract]
    started_s = time.process_time()
    html = [tex_to_html(text) for text in texts]
    figures.seconds.append(time.process_time() - started_s)
    for text, one in zip(texts, html, strict=True):
        assert_only_formulas(one)
        figures.n_formulas += sum(1 for _ in FORMULA.finditer(text))
        figures.n_as_mathml += one.count("<math")
        figures.n_as_source += one.count("<code>")
        figures.n_with_own_macros += len(_WITH_OWN_MACRO.findall(one))
        figures.sources.update(_SOURCE.findall(one))


def main() -> None:
    """Print the figures, and the formulas that are shown as their source."""
    figures = render(Path(sys.argv[1]))
    share = 100 / figures.n_formulas
    print(f"{figures.n_papers:,} papers, {figures.n_formulas:,} formulas")
    print(f"as MathML         {figures.n_as_mathml:9,}  {figures.n_as_mathml * share:.2f} %")
    print(f"  own macros left {figures.n_with_own_macros:9,}  {figures.n_with_own_macros * share:.2f} %")
    print(f"as source         {figures.n_as_source:9,}  {figures.n_as_source * share:.3f} %")
    seconds = sorted(figures.seconds)
    mean, p99, most = sum(seconds) / len(seconds), seconds[len(seconds) * 99 // 100], seconds[-1]
    print(
        f"CPU of a title with its abstract: mean {mean * 1e3:.2f} ms, p99 {p99 * 1e3:.1f} ms, most {most * 1e3:.0f} ms"
    )
    print(*figures.sources.most_common(), sep="\n")


if __name__ == "__main__":
    main()
