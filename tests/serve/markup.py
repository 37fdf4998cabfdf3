"""HTML as an independent parser sees it: which elements it has, with which attributes, and what it says."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

MATHML = frozenset(
    "math mi mn mo mtext mspace mrow mfrac msqrt mroot mstyle mpadded mphantom menclose msub msup msubsup munder mover "
    "munderover mtable mtr mtd".split()
)
MATHML_ATTRIBUTES = frozenset(
    "accent columnalign columnlines columnspacing depth display displaystyle fence form height largeop linethickness "
    "lspace mathvariant maxsize minsize movablelimits notation rowlines rowspacing rspace scriptlevel stretchy voffset "
    "width".split()
)
_OURS = re.compile(r"/(?![/\\])|[?#]|data:,$")
_EMPTY = frozenset("area base br col embed hr img input link meta source track wbr".split())


class Markup(HTMLParser):
    """Elements, attributes, the deepest nesting and the text of a piece of HTML; every element must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[tuple[str, tuple[str, ...]]] = Counter()  # (element, its attributes' names)
        self.values: list[tuple[str, str, str]] = []  # (element, attribute, value)
        self.deepest = 0
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "elements that nobody closes"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag, tuple(sorted(name for name, _ in attrs))] += 1
        self.values += [(tag, name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self._open.append(tag)
            self.deepest = max(self.deepest, len(self._open))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    handle_pi = unknown_decl = handle_comment

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"

    def apart_from_formulas(self) -> Counter[tuple[str, tuple[str, ...]]]:
        """The elements that no formula is made of."""
        return Counter({key: n for key, n in self.elements.items() if key[0] not in MATHML and key != ("code", ())})

    def assert_leads_nowhere_else(self) -> None:
        """Nothing is loaded or sent but from and to the server itself; links lead there, to arXiv or to a DOI."""
        for tag, name, value in self.values:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("style", "srcdoc", "http-equiv", "ping"), (tag, name)
            if name in ("src", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href") or (
                name == "href" and tag != "a"
            ):
                assert _OURS.match(value), (tag, name, value)
            elif name == "href":
                assert _OURS.match(value) or value.startswith(("https://arxiv.org/", "https://doi.org/")), value


def assert_only_formulas(html: str) -> Markup:
    """`html` has no element but those of MathML and <code>, and no attribute but those that draw."""
    seen = Markup(html)
    for tag, names in seen.elements:
        assert tag in MATHML or (tag == "code" and not names), (tag, html)
        assert MATHML_ATTRIBUTES.issuperset(names), (names, html)
    return seen
