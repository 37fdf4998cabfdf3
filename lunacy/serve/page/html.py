"""Templates -> HTML: everything is escaped, and a name that a template lacks is an error."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lunacy.authors import authors
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.serve.page.mathml import tex_to_html
from lunacy.unicode import to_unicode
from lunacy.withdrawn import is_withdrawn

_BEGINNING = 240  # characters of an abstract that is not opened
_MONTHS = "January February March April May June July August September October November December".split()


def render(template: str, **values: object) -> str:
    """The page that `template` makes of `values`."""
    return _environment().get_template(template).render(values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lunacy.serve.page"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,  # an upgrade beside a running server changes files that its code does not fit
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "beginning": beginning,
        "bar": bar,
        "count": count,
        "day": day,
        "plain_title": plain_title,
        "names": names,
        "plain": harmless,
        "sentence": sentence,
        "quoted": lambda text: quote(text, safe="/"),
        "tex": tex_to_html,
        "withdrawn": is_withdrawn,
    }
    return environment


def names(paper: Paper) -> list[str]:
    """The authors, as they write themselves."""
    return [one.name for one in authors(paper)]


def beginning(text: str) -> str:
    """The first words of an abstract, and an ellipsis; a formula is not cut. The whole, where little would be left."""
    if len(text) <= _BEGINNING * 1.2:
        return text
    cut = text[:_BEGINNING].rpartition(" ")[0] or text[:_BEGINNING]
    if cut.replace("\\$", "").count("$") % 2:
        cut = cut.rpartition("$")[0]
    return f"{cut.rstrip(' ,;:')} …"


def bar(share: float) -> Markup:
    """A line that is as long as `share`, from 0 to 1; whoever cannot see it has the number beside it."""
    length = round(100 * min(max(share, 0.0), 1.0), 1)
    return Markup(
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="4" rx="2"/><rect class="fill" width="{}" height="4" rx="2"/></svg>'
    ).format(length)


def count(n: int, noun: str, plural: str = "") -> str:
    """ "1 paper", "2,000 papers"."""
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"


def day(date: str) -> str:
    """An ISO date as one reads it: "31 May 2024", "May 2024"."""
    year, *rest = date.split("-")
    month = _MONTHS[int(rest[0]) - 1] if rest else ""
    return " ".join(filter(None, [rest[1].lstrip("0") if len(rest) > 1 else "", month, year]))


def plain_title(text: str) -> str:
    """A title where no markup can be: with characters in the place of TeX."""
    return harmless(to_unicode(text))


def sentence(text: str) -> str:
    """What is told, as a sentence: an id at its beginning stays as it is."""
    first, space, rest = harmless(text).partition(" ")
    return f"{first.capitalize() if first.isalpha() and first.islower() else first}{space}{rest}."
