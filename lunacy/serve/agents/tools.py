"""What agents can ask: four tools, whose signatures and docstrings are all that an agent reads of them."""

from __future__ import annotations

from asyncio import sleep, wrap_future
from collections.abc import Sequence
from time import monotonic
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lunacy.answer import Answer
from lunacy.errors import Busy, LunacyError, NotAnId, UnknownPaper, UsageError
from lunacy.paper import Paper
from lunacy.query.service import Service
from lunacy.question import Question
from lunacy.serve import bounds
from lunacy.serve.agents.records import Indexes, PaperList, Papers, index_record, list_record, whole_record

MOST_HITS, MOST_WHOLE = 50, 20
_POLL_S = 0.1
_MOST_TOLD = 5  # papers that are left out, each with the reason


def _several(value: Any) -> Any:
    """One for a list of one: agents write both. Refuses what is too long for an id or a title."""
    values = [value] if isinstance(value, str) else value
    if isinstance(values, list) and any(isinstance(one, str) and len(one) > bounds.NAME for one in values):
        raise PydanticCustomError("long", f"give values of at most {bounds.NAME} characters")
    return values


def _date(value: Any) -> Any:
    """A year is a number to some."""
    return str(value) if type(value) is int else value


_Several = BeforeValidator(_several)
Ids = Annotated[
    list[str],
    _Several,
    Field(min_length=1, max_length=bounds.IDS, description="arXiv ids in any form, links, or full titles"),
]
WholeIds = Annotated[list[str], _Several, Field(min_length=1, max_length=MOST_WHOLE)]
Unlike = Annotated[
    list[str], _Several, Field(max_length=bounds.UNLIKE, description="ids; push down what is like these")
]
Category = Annotated[
    list[str], _Several, Field(max_length=bounds.CATEGORIES, description="any of: cs.CL, astro-ph, stat.*")
]
Text = Annotated[str, Field(min_length=1, max_length=bounds.TEXT)]
AlsoText = Annotated[str, Field(max_length=bounds.TEXT, description="also like this text")]
Top = Annotated[int, Field(ge=1, le=MOST_HITS)]
Date = Annotated[
    str, BeforeValidator(_date), Field(description="posted then or later: 2024, 2024-05-31, or 2y for 2 years ago")
]
Until = Annotated[str, BeforeValidator(_date)]
Older = Annotated[bool, Field(description="posted no later than these ids")]
Newer = Annotated[bool, Field(description="posted no earlier")]
Rank = Annotated[
    Literal["best", "dense", "lexical"], Field(description="by meaning and words (best), by meaning, or by words")
]
Abstracts = Annotated[bool, Field(description=f"with abstracts; top is then at most {MOST_WHOLE}")]


class Tools:
    """The tools over one service. Each raises LunacyErrors; an index is chosen by its name, "" is the first."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def similar_papers(
        self,
        ids: Ids,
        text: AlsoText = "",
        unlike: Unlike = [],  # noqa: B006 (the schema shows it)
        top: Top = 10,
        category: Category = [],  # noqa: B006
        since: Date = "",
        until: Until = "",
        older: Older = False,
        newer: Newer = False,
        rank: Rank = "best",
        abstracts: Abstracts = False,
        index: str = "",
    ) -> PaperList:
        """Papers most similar to the given ones, as one list for all of them; they themselves are left out."""
        options = {"unlike": unlike, "top": top, "category": category, "since": since, "until": until, "rank": rank}
        options |= {"older": older, "newer": newer}
        given = {"text": text, "together": True, **options}
        notes: list[str] = []
        _require_few(top, abstracts=abstracts)
        try:
            answer = await self._answer({"papers": ids, **given}, index)
        except (NotAnId, UnknownPaper):
            known, notes = await self._known(ids, index)
            if not known or not notes:
                raise
            answer = await self._answer({"papers": known, **given}, index)
        return list_record(answer, notes, has_abstracts=abstracts)

    async def search_text(
        self,
        text: Text,
        unlike: Unlike = [],  # noqa: B006
        top: Top = 10,
        category: Category = [],  # noqa: B006
        since: Date = "",
        until: Until = "",
        rank: Rank = "best",
        abstracts: Abstracts = False,
        index: str = "",
    ) -> PaperList:
        """Papers whose title and abstract are most similar to a text: a question, a topic, an abstract, a draft."""
        _require_few(top, abstracts=abstracts)
        options = {"unlike": unlike, "top": top, "category": category, "since": since, "until": until, "rank": rank}
        return list_record(await self._answer({"text": text, **options}, index), has_abstracts=abstracts)

    async def get_paper(self, ids: WholeIds, index: str = "") -> Papers:
        """Whole records, with abstracts, of up to 20 papers, by id, link or title."""
        found = await self._papers(ids, index)
        papers = [one for one in found if isinstance(one, Paper)]
        failed = [one for one in found if isinstance(one, LunacyError)]
        if not papers:
            raise failed[0]
        return {"papers": list(map(whole_record, papers)), "notes": list(map(str, failed))}

    async def index_info(self) -> Indexes:
        """What can be found here: how many papers, of which time and categories."""
        service = self._service
        facts = [
            index_record(
                name,
                await wrap_future(service.info(name)),
                ranking=service.best_ranking(name),
                texts=service.model_state(name),
            )
            for name in service.names
        ]
        return {"indexes": facts}

    async def paper(self, identifier: str) -> Paper:
        """The paper, of the first index that has it. Raises as `Index.paper`."""
        found = [one for name in self._service.names for one in await self._papers([identifier], name)]
        papers = [one for one in found if isinstance(one, Paper)]
        if not papers:
            raise next(one for one in found if isinstance(one, LunacyError))
        return papers[0]

    async def _answer(self, keywords: dict[str, Any], index: str) -> Answer:
        """The answer, after a wait where the service is busy. Raises Busy after `bounds.WAIT_S`."""
        if keywords["rank"] == "best":
            keywords = {**keywords, "rank": self._service.best_ranking(index)}
        question = Question.parse(keywords)
        deadline = monotonic() + bounds.WAIT_S
        while True:
            try:
                return await wrap_future(self._service.ask(question, index))
            except Busy:
                if monotonic() > deadline:
                    raise
            await sleep(_POLL_S)

    async def _known(self, ids: Sequence[str], index: str) -> tuple[list[str], list[str]]:
        """Those of `ids` for which there is a paper, and why the others are left out."""
        found = dict(zip(ids, await self._papers(ids, index), strict=True))
        lacking = {one: error for one, error in found.items() if isinstance(error, LunacyError)}
        notes = [f"left out: {error}" for error in [*lacking.values()][:_MOST_TOLD]]
        if len(lacking) > _MOST_TOLD:
            notes.append(f"left out, as the index has no such papers: {', '.join([*lacking][_MOST_TOLD:])}")
        return [one for one in ids if one not in lacking], notes

    async def _papers(self, ids: Sequence[str], index: str) -> list[Paper | LunacyError]:
        """The paper for each of `ids`, or why there is none. Raises other errors than those of one paper."""
        return await wrap_future(self._service.papers(ids, index))


def _require_few(top: int, *, abstracts: bool) -> None:
    if abstracts and top > MOST_WHOLE:
        raise UsageError(f"top is {top}; with abstracts ask for at most {MOST_WHOLE}")
