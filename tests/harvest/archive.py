"""A made archive: papers, the lines that Kaggle's dataset has of them, and arXiv's records of them in each format.

The records have the layout of arXiv's own server: that since March 2025 (https://github.com/arXiv/oaipmh), or that of
before (export.arxiv.org/oai2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

OAI = 'xmlns="http://www.openarchives.org/OAI/2.0/"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
LICENSE = "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
FORMATS = ("arXivRaw", "arXiv", "oai_dc")
GROUPS = {"cs": "cs", "math": "math", "stat": "stat", "q-bio": "q-bio"}


@dataclass(frozen=True)
class Entry:
    """A paper of the archive."""

    id: str
    title: str
    abstract: str
    authors: tuple[tuple[str, str], ...] = (("Ada", "Lovelace"), ("Alan", "Turing"))
    categories: tuple[str, ...] = ("cs.CL", "cs.LG")
    datestamp: str = "2026-11-20"
    versions: tuple[str, ...] = ("Mon, 2 Nov 2026 19:18:42 GMT",)
    source_type: str = "D"
    comments: str = ""
    journal_ref: str = ""
    doi: str = ""
    is_deleted: bool = False


def paper(n: int, **fields: Any) -> Entry:
    """The paper 2611.n, unless `fields` say otherwise."""
    made = {
        "id": f"2611.{n:05}",
        "title": f"On the {n}th thing &  <other>\n  things",
        "abstract": f"  We show that $a_{{{n}}} < b$ & more.\nIt is so.\n",
    }
    return Entry(**{**made, **fields})


def kaggle(entry: Entry) -> dict[str, Any]:
    """The line of Kaggle's dataset."""
    names = [f"{first} {last}" for first, last in entry.authors]
    return {
        "id": entry.id,
        "submitter": "Ada Lovelace",
        "authors": ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1],
        "title": entry.title,
        "comments": entry.comments or None,
        "journal-ref": entry.journal_ref or None,
        "doi": entry.doi or None,
        "report-no": None,
        "categories": " ".join(entry.categories),
        "license": LICENSE,
        "abstract": entry.abstract,
        "versions": [{"version": f"v{n}", "created": day} for n, day in enumerate(entry.versions, 1)],
        "update_date": entry.datestamp,
        "authors_parsed": [[last, first, ""] for first, last in entry.authors],
    }


def sets_of(entry: Entry, *, is_new: bool) -> list[str]:
    """The sets of a record: categories since 2025, archives before."""
    sets = []
    for category in entry.categories:
        archive, _, end = category.partition(".")
        group = GROUPS.get(archive, "physics")
        before = archive if group == archive else f"{group}:{archive}"
        sets.append(f"{group}:{archive}" + (f":{end}" if end else "") if is_new else before)
    return list(dict.fromkeys(sets))


def record(entry: Entry, form: str = "arXivRaw", *, is_new: bool = True) -> str:
    """The record in a format, in the layout since 2025 or before."""
    status = ' status="deleted"' if entry.is_deleted else ""
    specs = "".join(f"\n <setSpec>{one}</setSpec>" for one in sets_of(entry, is_new=is_new))
    metadata = {"arXivRaw": _raw, "arXiv": _arxiv, "oai_dc": _dc}[form](entry, is_new)
    return (
        f"<record>\n<header{status}>\n <identifier>oai:arXiv.org:{entry.id}</identifier>\n"
        f" <datestamp>{entry.datestamp}</datestamp>{specs}\n</header>\n"
        + ("" if entry.is_deleted else f"<metadata>\n{metadata}</metadata>\n")
        + "</record>\n"
    )


def _element(name: str, text: str, indent: str = "\n ") -> str:
    return f"{indent}<{name}>{escape(text)}</{name}>" if text else ""


def _common(entry: Entry) -> str:
    return (
        _element("comments", entry.comments)
        + _element("journal-ref", entry.journal_ref)
        + _element("doi", entry.doi)
        + _element("license", LICENSE)
        + _element("abstract", entry.abstract)
    )


def _begin(form: str, is_new: bool) -> str:
    where = "https://oaipmh.arxiv.org" if is_new else "http://arxiv.org"
    space = f"http://arxiv.org/OAI/{form}/"
    return f'<{form} xmlns="{space}" {XSI} xsi:schemaLocation="{space} {where}/OAI/{form}.xsd">'


def _raw(entry: Entry, is_new: bool) -> str:
    line = kaggle(entry)
    versions = ""
    for one in line["versions"]:
        is_last = one == line["versions"][-1]
        versions += (
            f'<version version="{one["version"]}"><date>{one["created"]}</date><size>12kb</size>'
            f"<source_type>{entry.source_type if is_last else 'D'}</source_type></version>"
        )
    return (
        _begin("arXivRaw", is_new)
        + _element("id", entry.id)
        + _element("submitter", line["submitter"])
        + versions
        + _element("title", entry.title)
        + _element("authors", line["authors"])
        + _element("categories", line["categories"])
        + _common(entry)
        + "\n</arXivRaw>"
    )


def _arxiv(entry: Entry, is_new: bool) -> str:
    days = [_iso(one) for one in entry.versions]
    authors = "".join(
        f"<author><keyname>{escape(last)}</keyname>{_element('forenames', first, '')}</author>"
        for first, last in entry.authors
    )
    return (
        _begin("arXiv", is_new)
        + _element("id", entry.id)
        + _element("created", days[-1] if is_new else days[0])
        + ("" if is_new or len(days) == 1 else _element("updated", days[-1]))
        + f"<authors>{authors}</authors>"
        + _element("title", entry.title)
        + _element("categories", " ".join(entry.categories))
        + _common(entry)
        + "</arXiv>\n"
    )


SUBJECTS = {  # as arXiv names them, in these few
    "cs.CL": ("Computation and Language", "Computer Science"),
    "cs.LG": ("Machine Learning", "Computer Science"),
    "math.AG": ("Algebraic Geometry", "Mathematics"),
    "hep-th": ("High Energy Physics - Theory", ""),
}


def _dc(entry: Entry, is_new: bool) -> str:
    space = "http://www.openarchives.org/OAI/2.0/oai_dc/"
    days = list(dict.fromkeys(_iso(one) for one in (entry.versions[0], entry.versions[-1])))
    subjects = [SUBJECTS[one] for one in entry.categories]
    comment = entry.comments if is_new or not entry.comments else f"Comment: {entry.comments}"
    return (
        f'<oai_dc:dc xmlns:oai_dc="{space}" xmlns:dc="http://purl.org/dc/elements/1.1/" {XSI}>'
        + _element("dc:title", entry.title)
        + "".join(_element("dc:creator", f"{last}, {first}") for first, last in entry.authors)
        + "".join(
            _element("dc:subject", name if is_new or not archive else f"{archive} - {name}")
            for name, archive in subjects
        )
        + _element("dc:description", entry.abstract)
        + _element("dc:description", comment)
        + "".join(_element("dc:date", day) for day in days)
        + _element("dc:type", "text")
        + (_element("dc:identifier", f"https://arxiv.org/abs/{entry.id}") if is_new else "")
        + _element("dc:identifier", f"http://arxiv.org/abs/{entry.id}")
        + _element("dc:identifier", entry.journal_ref)
        + (_element("dc:identifier", f"doi:{entry.doi}") if entry.doi else "")
        + "</oai_dc:dc>"
    )


def _iso(created: str) -> str:
    _weekday, day, month, year, *_ = created.replace(",", "").split()
    number = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split().index(month) + 1
    return f"{year}-{number:02}-{int(day):02}"


def reply(body: str, day: str = "2026-11-26", verb: str = "ListRecords") -> bytes:
    """A whole reply."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<OAI-PMH {OAI} {XSI}\n xsi:schemaLocation="
        '"http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
        f"<responseDate>{day}T04:05:06Z</responseDate>\n"
        f'<request verb="{verb}">http://oaipmh.arxiv.org/oai</request>\n{body}</OAI-PMH>\n'
    ).encode()


def list_reply(
    entries: Sequence[Entry],
    token: str | None = None,
    *,
    form: str = "arXivRaw",
    is_new: bool = True,
    day: str = "2026-11-26",
) -> bytes:
    """A page of a list; `token`: None for a list of one page, "" on the last of several."""
    end = "" if token is None else "<resumptionToken/>"
    if token:
        end = f"<resumptionToken expirationDate='2026-11-27T00:00:00Z'>{escape(token)}</resumptionToken>"
    records = "".join(record(one, form, is_new=is_new) for one in entries)
    return reply(f"<ListRecords>\n{records}{end}</ListRecords>\n", day)


def error_reply(code: str, text: str = "It is so.", day: str = "2026-11-26") -> bytes:
    """An error, as the protocol tells it."""
    return reply(f"<error code='{code}'>{escape(text)}</error>\n", day)
