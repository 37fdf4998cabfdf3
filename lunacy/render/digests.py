"""Digests as text: for the terminal and mails, as Markdown, and as an HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from lunacy.authors import first_authors
from lunacy.digest import Digest, Item
from lunacy.display import harmless, html_text
from lunacy.render.markdown import markdown_link, markdown_text
from lunacy.render.table import listed
from lunacy.render.wrapping import width_of, wrapped
from lunacy.unicode import to_unicode

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem }
li { margin: 0 0 1.2rem } p { margin: .2rem 0; overflow-wrap: anywhere } summary { cursor: pointer }
.facts, .note { font-size: .9rem; opacity: .8 }
"""


def digest_table(digests: Sequence[Digest], *, width: int, styled: bool) -> Iterator[str]:
    """A heading for each list, and its papers, a few lines each."""
    for place, one in enumerate(digests):
        lines = [*([""] if place else []), harmless(f"{one.name}: {one.summary}")]
        id_width = max((width_of(item.paper.id) for item in one.items), default=0)
        for rank, item in enumerate(one.items, 1):
            more = [*_copies(item), item.why]
            lines += listed(item.paper, f"{rank:3}  {item.score:6.2f}  ", id_width, width, more, styled=styled)
        lines += [f"     {line}" for note in one.notes for line in wrapped(harmless(note), width - 5)]
        yield "\n".join(lines) + "\n"


def digest_markdown(digests: Sequence[Digest]) -> Iterator[str]:
    """A heading for each list, and its papers as a numbered list of links."""
    for place, one in enumerate(digests):
        lines = [f"## {markdown_text(one.name)}", "", f"{markdown_text(one.summary)}.", ""]
        for rank, item in enumerate(one.items, 1):
            facts = [first_authors(item.paper), item.paper.posted, " ".join(item.paper.categories), item.why]
            told = "; ".join(markdown_text(fact) for fact in [*facts, *_copies(item)] if fact)
            lines.append(f"{rank}. {markdown_link(item.paper)}: {told}")
        lines += [line for note in one.notes for line in ("", f"*{markdown_text(note)}*")]
        yield ("\n" if place else "") + "\n".join(lines) + "\n"


def digest_html(digests: Sequence[Digest]) -> Iterator[str]:
    """A whole page, with its style in it: no script, and nothing that is fetched."""
    title = f"New papers: {', '.join(one.name for one in digests)}"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>New papers</h1>\n"
    )
    for one in digests:
        yield f"<section>\n<h2>{html_text(one.name)}</h2>\n<p>{html_text(one.summary)}.</p>\n"
        if one.items:
            yield "<ol>\n"
            yield from map(_html_item, one.items)
            yield "</ol>\n"
        yield from (f'<p class="note">{html_text(note)}</p>\n' for note in one.notes)
        yield "</section>\n"
    yield "</main>\n</body>\n</html>\n"


def _html_item(item: Item) -> str:
    paper = item.paper
    title = html_text(to_unicode(paper.title))
    head = f'<a href="{escape(paper.url)}">{title}</a>' if paper.url else f"{title} ({html_text(paper.id)})"
    facts = [to_unicode(paper.authors), paper.posted, " ".join(paper.categories), *_copies(item)]
    lines = [f"<li>\n<p><strong>{head}</strong></p>"]
    lines.append(f'<p class="facts">{" · ".join(html_text(fact) for fact in facts if fact)}</p>')
    lines.append(f'<p class="facts">{html_text(item.why)}: {html_text(to_unicode(item.near.title))}</p>')
    if paper.abstract:
        lines.append(f"<details><summary>Abstract</summary><p>{html_text(to_unicode(paper.abstract))}</p></details>")
    return "\n".join([*lines, "</li>\n"])


def _copies(item: Item) -> list[str]:
    return [f"with {' '.join(item.copies)}"] if item.copies else []
