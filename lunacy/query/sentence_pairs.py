"""The closest sentences of what was asked and of each hit, by the index's own model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from lunacy.answer import Answer
from lunacy.arrays import Vectors
from lunacy.errors import Busy, FingerprintMismatch, LunacyError, ModelError
from lunacy.paper import Paper
from lunacy.query.asked import Embed
from lunacy.sentences import sentences
from lunacy.why import SentencePair
from lunacy.withdrawn import says_only_so

_MOST = 30  # sentences of a paper, or of a text
_DIGITS = 6  # of a cosine: others are the same
_LEAST_WORDS = 4  # of a sentence of an abstract: less is "(Abridged)"


def with_sentences(answers: Iterable[Answer | LunacyError], embed: Embed) -> Iterator[Answer | LunacyError]:
    """The answers, whose explained hits have their closest sentences; or a note that says why they have none."""
    why_not = ""
    for answer in answers:
        if not isinstance(answer, Answer) or not any(hit.why for hit in answer.hits):
            yield answer
            continue
        try:
            yield replace(answer, notes=(*answer.notes, why_not)) if why_not else _compared(answer, embed)
        except (ModelError, FingerprintMismatch, Busy) as error:
            why_not = f"no sentences are compared: {error}"
            yield replace(answer, notes=(*answer.notes, why_not))


def _compared(answer: Answer, embed: Embed) -> Answer:
    asked = {paper.id: _of_paper(paper) for paper in answer.papers} | {"": sentences(answer.text)[:_MOST]}
    pairs = {hit.rank: (asked[hit.why.asked], _of_paper(hit.paper)) for hit in answer.hits if hit.why}
    told = {rank: pair for rank, pair in pairs.items() if len(pair[0]) + len(pair[1]) > 2 or answer.text}
    if not told:  # titles alone, as of a published index
        return answer
    each_once = dict.fromkeys(one for pair in told.values() for one in chain(*pair))
    places = {one: place for place, one in enumerate(each_once)}
    vectors = np.concatenate([one.vector for one in embed(list(places))])  # (s, dim)
    hits = []
    for hit in answer.hits:
        if hit.why and hit.rank in told:
            here, there = told[hit.rank]
            cosines = vectors[[places[one] for one in here]] @ vectors[[places[one] for one in there]].T
            pair = _closest(here, there, cosines, has_titles=hit.why.asked != "")
            hit = replace(hit, why=replace(hit.why, sentences=pair))
        hits.append(hit)
    return replace(answer, hits=hits)


def _of_paper(paper: Paper) -> list[str]:
    """The title, then the sentences of the abstract, unless that is a notice of withdrawal."""
    abstract = "" if says_only_so(paper) else paper.abstract
    return [paper.title, *(one for one in sentences(abstract) if len(one.split()) >= _LEAST_WORDS)][:_MOST]


def _closest(here: Sequence[str], there: Sequence[str], cosines: Vectors, *, has_titles: bool) -> SentencePair | None:
    """The pair with the highest of (h, t) cosines, but for that of both titles, which everybody sees."""
    if has_titles:
        cosines[0, 0] = -np.inf
    if not np.isfinite(cosines).any():
        return None
    one, other = divmod(int(cosines.round(_DIGITS).argmax()), len(there))
    return SentencePair(here[one], there[other], float(cosines[one, other]))
