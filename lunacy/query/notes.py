"""What the asker should know of a question and its answer, in whole sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lunacy.language import other_language, reads_only_english
from lunacy.paper import embedded_text
from lunacy.query.asked import Asked
from lunacy.question import Options
from lunacy.search import Found, Ranked, Searcher


def notes_of(view: Searcher, asked: Asked, options: Options, found: Found | Ranked) -> Iterator[str]:
    """What is known of the papers that were asked for; languages that the model cannot read; a list that is far off."""
    yield from asked.notes
    if options.rank == "lexical":
        return
    if reads_only_english(view.fingerprint.model):
        texts = {paper.id: embedded_text(paper, "title+abstract") for paper in asked.papers}
        if asked.text:
            texts["the text"] = asked.text
        for name, text in texts.items():
            if language := other_language(text):
                yield f"{name} seems to be in {language}, and the index's model reads English alone"
    if len(asked.target.vectors) == 1:
        yield from _distance(view, asked, options, found)


def _distance(view: Searcher, asked: Asked, options: Options, found: Found | Ranked) -> Iterator[str]:
    if len(asked.target.vectors) > 1:
        return  # ranked by a direction, whose products are none of a pair of papers
    cosines = found.scores if isinstance(found, Found) else found.cosines
    others = cosines[~np.isin(found.rows, asked.target.first)]
    least = view.least_usual()
    if len(others) and least is not None and (best := float(others.max())) < least:
        where = "in the index" if options.filter.admits_all else "that qualifies"
        yield (
            f"nothing {where} is close: the best score, {best:.2f}, is below that of 99 % of papers' nearest neighbours"
        )
