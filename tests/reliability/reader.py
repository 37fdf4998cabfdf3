"""`python -m tests.reliability.reader FOLDER`: asks until standard input ends; each answer must be of one edition."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from select import select

import numpy as np

from lunacy import open_index
from lunacy.answer import Answer
from lunacy.query import Index
from lunacy.question import Question
from tests.conftest import vector_of
from tests.reliability.editions import ABSTRACT, CORE, commits


def check(answer: Answer) -> str:
    """The answer holds all papers of one commit, best first, with the scores of its edition; that edition."""
    assert answer.paper is not None
    found = {hit.id: hit.title for hit in answer.hits}
    edition = answer.paper.title
    assert found in commits(int(edition.split()[1])), f"{edition}: {found}"
    query = vector_of(f"{edition} {ABSTRACT} In {answer.paper.id}.").astype(np.float64)
    cosines = [float(query @ vector_of(f"{hit.title} {ABSTRACT} In {hit.id}.")) for hit in answer.hits]
    np.testing.assert_allclose([hit.score for hit in answer.hits], cosines, atol=1e-6)
    assert cosines == sorted(cosines, reverse=True)
    return edition


def ask(index: Index, turn: int) -> set[str]:
    """One batch, which is answered from one commit, or one paper; the editions seen."""
    asked = CORE if turn % 3 == 0 else [CORE[turn % len(CORE)]]
    answers = list(index.ask_many([Question(papers=asked, top=100, include_self=True)]))
    editions = {check(answer) for answer in answers if isinstance(answer, Answer)}
    assert len(answers) == len(asked)
    assert len(editions) == 1
    return editions


def main() -> None:
    """Every other turn with an index opened anew."""
    folder = Path(sys.argv[1])
    editions: set[str] = set()
    with open_index(folder) as kept:
        for turn in count():
            if turn % 2:
                editions |= ask(kept, turn)
            else:
                with open_index(folder) as opened:
                    editions |= ask(opened, turn)
            if select([sys.stdin], [], [], 0)[0]:
                print(turn + 1, len(editions))
                return
            if turn == 0:
                print("asking", flush=True)


if __name__ == "__main__":
    main()
