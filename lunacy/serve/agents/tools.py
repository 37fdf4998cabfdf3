"""What agents can ask: the tools, whose signatures and docstrings are all that an agent reads of them."""

from __future__ import annotations

from asyncio import sleep, wrap_future
from collections.abc import Sequence
from contextlib import suppress
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
from lunacy.serve.agents.records import (
    Change,
    Indexes,
    PaperList,
    Papers,
    index_record,
    list_record,
    visible,
    whole_record,
)
from lunacy.serve.own_lists import OwnLists

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
    Field(min_length=1, max_length=bounds.IDS, description="arXiv ids, links, or full titles"),
]
AddedIds = Annotated[list[str], _Several, Field(max_length=bounds.IDS)]
WholeIds = Annotated[list[str], _Several, Field(min_length=1, max_length=MOST_WHOLE)]
Unlike = Annotated[
    list[str], _Several, Field(max_length=bounds.UNLIKE, description="ids; push down what is like these")
]
Category = Annotated[
    list[str], _Several, Field(max_length=bounds.CATEGORIES, description="any of: cs.CL, astro-ph, stat.*")
]
ListName = Annotated[str, Field(max_length=100)]
Text = Annotated[str, Field(min_length=1, max_length=bounds.TEXT)]
AlsoText = Annotated[str, Field(max_length=bounds.TEXT, description="also like this text")]
Top = Annotated[int, Field(ge=1, le=MOST_HITS)]
Date = Annotated[str, BeforeValidator(_date), Field(description="posted since 2024, 2024-05-31, or 2y ago")]
Until = Annotated[str, BeforeValidator(_date)]
Older = Annotated[bool, Field(description="posted no later than these ids")]
Newer = Annotated[bool, Field(description="posted no earlier")]
SameAuthors = Annotated[Literal["keep", "raise", "drop"], Field(description="hits that share an author with these ids")]
Rank = Annotated[Literal["best", "dense", "lexical"], Field(description="by meaning and words, meaning, or words")]
Abstracts = Annotated[bool, Field(description=f"with top at most {MOST_WHOLE}")]


class Tools:
    """The tools over one service. Each raises LunacyErrors; an index is chosen by its name, "" is the first."""

    def __init__(self, service: Service, own: OwnLists | None = None) -> None:
        """`own`: the reading lists of whoever the agent asks for, if it may know them."""
        self._service = service
        self._own = own

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
        same_authors: SameAuthors = "keep",
        rank: Rank = "best",
        abstracts: Abstracts = False,
        index: str = "",
    ) -> PaperList:
        """Papers most similar to the given ones, which are left out, as one list for all of them."""
        options = {"unlike": unlike, "top": top, "category": category, "since": since, "until": until, "rank": rank}
        options |= {"older": older, "newer": newer, "same_authors": None if same_authors == "keep" else same_authors}
        given = {"text": text, "together": True, **options}
        _require_few(top, abstracts=abstracts)
        ids, notes = await self._expanded(ids, index)
        try:
            answer = await self._answer({"papers": ids, **given}, index)
        except (NotAnId, UnknownPaper):
            known, lacking = await self._known(ids, index)
            if not known or not lacking:
                raise
            notes += lacking
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
        """Papers most similar to a text: a question, a topic, an abstract, a draft."""
        _require_few(top, abstracts=abstracts)
        options = {"unlike": unlike, "top": top, "category": category, "since": since, "until": until, "rank": rank}
        return list_record(await self._answer({"text": text, **options}, index), has_abstracts=abstracts)

    async def get_paper(self, ids: WholeIds, index: str = "") -> Papers:
        """Whole records, with abstracts, of up to 20 papers, by id, link or title."""
        ids, notes = await self._expanded(ids, index)
        found = await self._papers(ids[:MOST_WHOLE], index)
        papers = [one for one in found if isinstance(one, Paper)]
        failed = [one for one in found if isinstance(one, LunacyError)]
        if not papers:
            raise failed[0]
        notes += map(str, failed)
        if rest := ids[MOST_WHOLE:]:
            notes.append(f"the first {MOST_WHOLE} of {len(ids):,}; the others: {', '.join(rest)}")
        return {"papers": list(map(whole_record, papers)), "notes": notes}

    async def index_info(self) -> Indexes:
        """What can be found here: papers, dates, categories."""
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
        record: Indexes = {"indexes": facts}
        if self._own is not None:
            with suppress(LunacyError):  # who asks for a list is told what is wrong with the file
                record["lists"] = {visible(one.name): len(one.ids) for one in self._own.read().values()}
        return record

    async def add_to_list(self, name: ListName, ids: AddedIds) -> Change:
        """Put papers on a reading list of the user, if asked to. As an id elsewhere, list:NAME is all of it."""
        assert self._own is not None  # else there is no such tool
        added = await self._own.add(self._service, name, ids)
        return {"added": added.ids, "notes": list(added.notes)}

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

    async def _expanded(self, ids: list[str], index: str) -> tuple[list[str], list[str]]:
        """`ids` with the papers of a list in the place of `list:NAME`, and notes on it. Raises as `OwnLists.expand`."""
        notes: list[str] = []
        return (await self._own.expand(self._service, ids, notes.append, index), notes) if self._own else (ids, notes)

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
