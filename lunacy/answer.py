"""What is answered: hits for a question, and an index in figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import overload

from lunacy import display
from lunacy.fingerprint import Fingerprint
from lunacy.measured import GraphFacts, IvfFacts, MapFacts
from lunacy.paper import Paper
from lunacy.scope import Scope
from lunacy.unicode import to_unicode
from lunacy.why import Near, Why
from lunacy.withdrawn import is_withdrawn

SCORE_DIGITS = 6  # that are shown of a score


def paper_record(paper: Paper, *, is_whole: bool) -> dict[str, object]:
    """A paper as JSON has it; `is_whole`: with its abstract, and what else lists leave out."""
    record: dict[str, object] = {"id": paper.id, "title": paper.title, "authors": paper.authors}
    for name, text in (("title", paper.title), ("authors", paper.authors)):
        if (shown := to_unicode(text)) != text:
            record[f"{name}_unicode"] = shown
    record |= {
        "categories": list(paper.categories),
        "posted": paper.posted or None,
        "updated": paper.updated or None,
        "withdrawn": is_withdrawn(paper),
        "url": paper.url or None,
    }
    record |= {name: text for name, text in (("doi", paper.doi), ("journal_ref", paper.journal_ref)) if text}
    if is_whole:
        record["comments"] = paper.comments or None
        record["versions"] = paper.n_versions or None
        record["abstract"] = paper.abstract or None
    return record


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """One paper of a list, with its rank (1 is best) and its score: the cosine, unless ranked otherwise."""

    rank: int
    paper: Paper  # of a published index: without abstract, names, journal_ref and n_versions
    score: float
    cosine: float | None = None  # of a score that is not the cosine alone; of several papers the highest
    lexical: float | None = None  # BM25
    copies: tuple[str, ...] = ()  # ids of near-copies that are folded into this one
    near: tuple[Near, ...] = ()  # of several papers that were asked for together, the nearest first
    why: Why | None = None  # where that was asked for

    @property
    def id(self) -> str:
        """The paper's id."""
        return self.paper.id

    @property
    def title(self) -> str:
        """The paper's title."""
        return self.paper.title

    @property
    def authors(self) -> str:
        """The paper's authors, as the snapshot has them."""
        return self.paper.authors

    @property
    def categories(self) -> tuple[str, ...]:
        """The paper's categories; the first is the primary one."""
        return self.paper.categories

    @property
    def posted(self) -> str:
        """When arXiv took the paper: "2024-05-31", or "2024-05" where the day is not known."""
        return self.paper.posted

    @property
    def updated(self) -> str:
        """ISO date of the paper's last change; "" if unknown."""
        return self.paper.updated

    @property
    def withdrawn(self) -> bool:
        """Whether the paper has a notice of withdrawal."""
        return is_withdrawn(self.paper)

    @property
    def url(self) -> str:
        """The paper's page on arXiv; "" for a paper whose id is not arXiv's."""
        return self.paper.url

    @property
    def parts(self) -> dict[str, float]:
        """What else is known of the score, by name: those of cosine and lexical that are not None."""
        parts = {"cosine": self.cosine, "lexical": self.lexical}
        return {name: round(part, SCORE_DIGITS) for name, part in parts.items() if part is not None}

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "rank": self.rank,
            "id": self.id,
            "score": round(self.score, SCORE_DIGITS),
            **self.parts,
            **paper_record(self.paper, is_whole=False),
            **({"copies": list(self.copies)} if self.copies else {}),
            **({"near": [one.as_record() for one in self.near]} if self.near else {}),
            **({"why": self.why.as_record()} if self.why else {}),
        }

    def __repr__(self) -> str:
        return f"<Hit {display.hit_text(self).strip()}>"

    def _repr_html_(self) -> str:
        return display.hits_html([self])


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Sequence[Hit]):
    """The list for one paper, for a text, or for several papers, and a text, together: a sequence of its hits.

    `for hit in answer`, `len(answer)`, `answer[0]` and `answer[:3]` are of `hits`. A table of them:
    `pandas.DataFrame(answer.as_record()["hits"])`.

    >>> answer = ix.similar("1802.05130", top=2)
    >>> answer
    <Answer to '1802.05130': 2 hits, dense, exact>
      1   0.912  1802.05121  Co-training for Extraction of Adverse Drug Reaction Mentions from Tweets
      2   0.840  1801.06294  Multi-Task Pharmacovigilance Mining from Social Media Posts
    """

    hits: list[Hit]  # best first
    papers: tuple[Paper, ...] = ()  # that were asked for
    text: str = ""  # that was asked for
    recall: float | None = None  # measured: the share of the true best that is expected among the hits; None: all
    ranking: str = "dense"  # what the hits are ranked by: one of `question.RANKS`
    n_qualified: int | None = None  # how many papers the filters admit; None: there are no filters
    notes: tuple[str, ...] = ()  # what the asker should know, in whole sentences

    @property
    def exact(self) -> bool:
        """Whether the hits are proved to be the best."""
        return self.recall is None

    @property
    def paper(self) -> Paper | None:
        """The paper that was asked for; None for a text, or several."""
        return self.papers[0] if len(self.papers) == 1 and not self.text else None

    @property
    def asked(self) -> str:
        """What was asked for, in a line: the ids and the text."""
        return " + ".join(filter(None, [*(paper.id for paper in self.papers), " ".join(self.text.split())]))

    def as_record(self) -> dict[str, object]:
        """As JSON has it: the same keys whatever was asked."""
        return {
            "query": {
                "ids": [paper.id for paper in self.papers],
                "titles": [paper.title for paper in self.papers],
                "text": self.text or None,
            },
            "ranking": self.ranking,
            **({"exact": True} if self.recall is None else {"exact": False, "recall": self.recall}),
            "qualified": self.n_qualified,
            "notes": list(self.notes),
            "hits": [hit.as_record() for hit in self.hits],
        }

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> list[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | list[Hit]:
        return self.hits[place]

    def __repr__(self) -> str:
        return display.answer_text(self)

    def _repr_html_(self) -> str:
        return display.answer_html(self)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an index holds: papers by category, and by the month in which they were posted."""

    n_papers: int = 0
    n_dead: int = 0
    n_withdrawn: int = 0
    by_category: dict[str, int] = field(default_factory=dict, repr=False)
    by_month: dict[str, int] = field(default_factory=dict, repr=False)  # posted, "2024-05"; "": not known
    first_posted: str = ""  # as `Paper.posted`; "" if unknown
    last_posted: str = ""
    n_without_day: int = 0  # of whose posting only the month is known, from the id
    n_without_update: int = 0  # of whose last change no date is known
    last_updated: str = ""  # ISO date of the latest change; "" if unknown

    @property
    def largest(self) -> list[tuple[str, int]]:
        """The categories with their numbers of papers, the largest first."""
        return sorted(self.by_category.items(), key=lambda item: (-item[1], item[0]))

    @classmethod
    def of(cls, n_papers: int, n_dead: int, counts: Iterable[tuple[str, str, int]]) -> Summary:
        """`counts`: (kind, value, papers), as an index counts them."""
        by_kind: dict[str, dict[str, int]] = {}
        for kind, value, n in counts:
            by_kind.setdefault(kind, {})[value] = n
        posted, updated = by_kind.get("posted", {}), by_kind.get("updated", {})
        by_month: dict[str, int] = {}
        for date, n in sorted(posted.items()):
            by_month[date[:7]] = by_month.get(date[:7], 0) + n
        return cls(
            n_papers,
            n_dead,
            n_withdrawn=sum(by_kind.get("withdrawn", {}).values()),
            by_category=by_kind.get("category", {}),
            by_month=by_month,
            first_posted=min(filter(None, posted), default=""),
            last_posted=max(posted, default=""),
            n_without_day=sum(n for date, n in posted.items() if len(date) == len("2024-05")),
            n_without_update=updated.get("", 0),
            last_updated=max(updated, default=""),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Info:
    """What there is, and what made it."""

    name: str
    generation: int  # commits of the index folder
    summary: Summary
    fingerprint: Fingerprint
    arithmetic: str
    scope: Scope = field(default_factory=Scope)
    source: tuple[str, str] = ("", "")  # "snapshot" or "harvest", and the date up to which it told all changes
    n_segments: int = 0
    size_bytes: dict[str, int] = field(default_factory=dict)  # by file
    ivf: IvfFacts | None = None  # None: there are no IVF lists
    n_unindexed: int = 0  # papers that are not in the lists, and are searched exactly beside them
    has_words: bool = False  # whether there is a lexical index
    graph: GraphFacts | None = None  # None: there is no graph of neighbours
    is_graph_current: bool = True  # else papers have changed since it was made, and it is not used
    map: MapFacts | None = None  # None: there is no map
    is_map_current: bool = True  # else papers have changed since it was made, and it is not shown
    foreign: tuple[str, ...] = ()  # what is in the index folder and not lunacy's

    def as_record(self) -> dict[str, object]:
        """As JSON has it; "folder" may be a path of this machine."""
        summary = self.summary
        return {
            "folder": self.name,
            "papers": summary.n_papers,
            "withdrawn": summary.n_withdrawn,
            "dead_rows": summary.n_dead,
            "first_posted": summary.first_posted or None,
            "last_posted": summary.last_posted or None,
            "posted": summary.by_month,
            "without_day": summary.n_without_day,
            "last_updated": summary.last_updated or None,
            "without_update": summary.n_without_update,
            "categories": summary.by_category,
            "fingerprint": asdict(self.fingerprint),
            "arithmetic": self.arithmetic,
            "scope": asdict(self.scope),
            "source": self.source[0] or None,
            "complete_up_to": self.source[1] or None,
            "generation": self.generation,
            "segments": self.n_segments,
            "size_bytes": self.size_bytes,
            "ivf": self.ivf and {**self.ivf.record(), "papers_beside": self.n_unindexed},
            "lexical": self.has_words,
            "graph": self.graph and {**self.graph.record(), "current": self.is_graph_current},
            "map": self.map and {**self.map.record(), "current": self.is_map_current},
            "foreign": list(self.foreign),
        }

    def __repr__(self) -> str:
        return display.info_text(self)

    def _repr_html_(self) -> str:
        return display.info_html(self)
