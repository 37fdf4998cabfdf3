"""Papers, arXiv ids, and the text of a paper that is embedded."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import unquote

from lunacy.categories import CATEGORIES
from lunacy.errors import NotAnId
from lunacy.id_faults import fault_of, impossible

# What is embedded of a paper. Measured: title + abstract finds more of what authors cite than the abstract alone.
RECIPES = ("title+abstract", "abstract")


@dataclass(frozen=True, slots=True)
class Paper:
    """One arXiv paper, as the snapshot has it, with white space squeezed."""

    id: str
    title: str
    abstract: str
    authors: str = ""
    categories: tuple[str, ...] = ()
    submitted: str = ""  # ISO date of the first version, "" if unknown
    updated: str = ""  # ISO date of the last change, "" if unknown
    doi: str = ""
    comments: str = ""  # what the authors tell of it, such as "12 pages" or "Withdrawn"
    names: str = ""  # the authors once more, where they are known otherwise: "Last, First, Jr.; Last, First"
    journal_ref: str = ""  # where it was published, as the authors say: "Mod.Phys.Lett.A6:3591-3600,1991"
    n_versions: int = 0  # 0 if unknown

    @property
    def posted(self) -> str:
        """When arXiv took the paper: the day, as "2024-05-31", or the month where no day is known; see `posted_on`."""
        return posted_on(month_of(self.id), self.submitted)

    @property
    def url(self) -> str:
        """The paper's page on arXiv; "" for a paper whose id is not arXiv's."""
        return f"https://arxiv.org/abs/{self.id}" if canonical_id(self.id) == self.id else ""


_LONG = 200  # characters
_RARE_SPACES = "\t\v\f\r\x1c\x1d\x1e\x1f"  # white space in ASCII, but for the space and the line feed


def squeeze_spaces(text: str) -> str:
    """Runs of white space become one space; nothing else changes (LaTeX stays).

    A long text in ASCII, as nearly all abstracts are, is done without splitting it into its words: half the time.
    """
    if len(text) < _LONG or not text.isascii() or any(map(text.__contains__, _RARE_SPACES)):
        return " ".join(text.split())
    spaced = text.replace("\n", " ").strip()
    while "  " in spaced:
        spaced = spaced.replace("  ", " ")
    return spaced


def embedded_text(paper: Paper, recipe: str) -> str:
    """The text of `paper` that is embedded; `recipe` is one of `RECIPES`."""
    return paper.abstract if recipe == "abstract" else f"{paper.title} {paper.abstract}"


def hash_text(text: str) -> bytes:
    """16 bytes (BLAKE2b) that change when the embedded text does."""
    return blake2b(text.encode(), digest_size=16).digest()


_NEW = r"\d{4}\.\d{5}|(?:0[7-9]|1[0-4])\d\d\.\d{4}"  # five digits since 2015, four before
_PLAIN = re.compile(rf"{_NEW}|[a-z]+(?:-[a-z]+)?/\d{{7}}", re.ASCII)  # already as arXiv writes it
_ARCHIVES = frozenset(category.partition(".")[0] for category in CATEGORIES)
_ID = re.compile(
    rf"""
    (?: (?:https?://)? (?:[\w-]+\.)+[a-z]{{2,}} (?::\d+)? /
        (?: (?!10\.(?!48550/)\d{{4,9}}/) [\w.-]+/ )*?           # arxiv.org/abs/, doi.org/10.48550/, but no other DOI
      | (?:corr,?)? /?(?:abs|pdf|html)/ | (?:doi:)?10\.48550/ | (?:oai:|info:)(?=arxiv) )?
    (?: arxiv (?:\.org|preprint)? [.:/]? )*
    (?P<id> {_NEW}
      | (?P<archive> {"|".join(sorted(_ARCHIVES))}) (?:\.[a-z-]+)?
        (?: / | (?=(?:9[1-9]|0[0-7])(?:0[1-9]|1[0-2])) ) (?P<number>\d{{7}}) )  # hep-th9108006: year and month
    (?:v\d+)?
    (?: \.pdf | \.html )? /? (?: [?\#].* )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_MARGIN = re.compile(r"(\s*\[[\w.-]+\]?)?(\s+\d{1,2}\s+[A-Z][a-z]{2}\s+\d{4})?\s*$")  # of a PDF: [cs.CL] 14 Feb 2018
_LONGEST = 300  # characters; no id in any dress is longer
# What PDFs, word processors and web pages put in the place of ASCII: dashes, full-width forms, marks that do not show.
_ASCII = {
    **dict.fromkeys(map(ord, "\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63"), "-"),
    **dict.fromkeys(map(ord, "\u2044\u2215"), "/"),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")),
}


def canonical_id(text: str) -> str | None:
    """The arXiv id in `text`, in any form a person pastes, as arXiv itself writes it; None if there is none.

    Without version, and without the subject class of old ids: `math.AG/0601001v2` is `math/0601001`
    (https://info.arxiv.org/help/arxiv_identifier.html).
    """
    if _PLAIN.fullmatch(text) and (text[4] == "." or text.partition("/")[0] in _ARCHIVES):
        return text
    bare = _bare(text)
    match = None if re.search(r"\d\s+\d", bare) else _ID.fullmatch("".join(bare.split()))
    if match is None:
        return None
    return f"{match['archive'].lower()}/{match['number']}" if match["archive"] else match["id"]


def _bare(text: str) -> str:
    """`text` without what stands around an id, and in ASCII where it can be; "" where it is too long for one."""
    if len(text) > _LONGEST:
        return ""
    if "%" in text:
        text = unquote(text)
    if not text.isascii():
        text = text.translate(_ASCII)
    return _MARGIN.sub("", text.strip("<>()[]{}\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb,;. \t\r\n"))


def parse_id(text: str) -> str:
    """As `canonical_id`; raises NotAnId, with examples, for anything else."""
    found = canonical_id(text)
    if found is None:
        examples = "1802.05130, arXiv:1802.05130v2, hep-th/9711200 or https://arxiv.org/abs/1802.05130"
        raise NotAnId(f"{why_no_id(text)}{'' if id_fault(text) else f'; write it like {examples}'}")
    return found


_DATED = re.compile(
    r"(?:(?P<archive>[a-z-]+)/)?(?P<year>\d\d)(?P<month>0[1-9]|1[0-2])(?(archive)\d{3}|\.\d{4,5})", re.ASCII
)


def month_of(identifier: str) -> str:
    """The month in which arXiv gave an id, as "2007-04"; "" for one that is not arXiv's."""
    number = identifier[-3:]  # the month is before it, and the same for a thousand papers
    return _month_of(f"{identifier[:-3]}000" if number.isascii() and number.isdigit() else identifier)


@lru_cache(maxsize=2**14)
def _month_of(identifier: str) -> str:
    match = _DATED.fullmatch(identifier)
    if match is None:
        return ""
    year = int(match["year"])
    if match["archive"]:  # from August 1991 to March 2007
        return f"{1900 + year if year > 90 else 2000 + year}-{match['month']}"
    return f"{2000 + year}-{match['month']}"


@lru_cache(maxsize=2**15)
def posted_on(month: str, submitted: str) -> str:
    """The day of the first version, moved into the month of the id where it lies outside; the month where it is "".

    The month of an id is that of its announcement: what was submitted on the last evening of a month is in the next.
    "" without both.
    """
    if not month or not submitted or submitted.startswith(month):
        return submitted or month
    if submitted < month:
        return f"{month}-01"
    return f"{month}-{monthrange(int(month[:4]), int(month[5:]))[1]}"


def id_fault(text: str) -> str:
    """What is wrong with an id, or with a text that was meant for one; "" where nothing is, or it does not look so."""
    identifier = canonical_id(text)
    return fault_of(_bare(text), _ARCHIVES) if identifier is None else impossible(identifier)


def why_no_id(text: str) -> str:
    """What to say of a text in which `canonical_id` finds nothing."""
    fault = id_fault(text)
    return f"{squeeze_spaces(text)[:60]!r} is not an arXiv id{': ' if fault else ''}{fault}"
