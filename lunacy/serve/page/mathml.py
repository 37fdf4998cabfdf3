r"""A title or an abstract -> HTML that shows its TeX, and runs nothing.

Formulas are MathML, which every browser draws, so that no script is needed. One without letters (H$_2$O, $10^{-3}$) is
plain characters, which break at the end of a line and can be searched for; letters are in italics, as in print.

latex2mathml escapes nothing (`\text{<script>}`) and lets TeX set links and styles (`\href`, `\style`), so what it makes
is copied element by element: `_ELEMENTS` and `_ATTRIBUTES` say what may pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

from lunacy.display import harmless
from lunacy.serve.page.math_letters import LETTERS
from lunacy.unicode import CHARACTERS, FORMULA, MACROS, to_unicode

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Of 80,000 formulas of arXiv the longest has 734 characters, the largest 380 elements, the deepest 14 levels. Browsers
# hang on 900 levels, and take seconds for 50,000 elements.
_LONGEST = 2_000  # characters of a formula
_LONGEST_KEPT = 200  # characters of a formula that is remembered
_LONGEST_TOGETHER = 10_000  # characters of all formulas of a text
_MOST_ELEMENTS = 1_000  # of a formula
_DEEPEST = 60

_TOKENS = frozenset("mi mn mo mtext".split())
_ELEMENTS = _TOKENS | frozenset(
    "math mrow mfrac msqrt mroot mstyle mspace mpadded mphantom menclose msub msup msubsup munder mover munderover "
    "mtable mtr mtd".split()
)
_ATTRIBUTES = frozenset(
    "accent columnalign columnlines columnspacing depth displaystyle fence form height largeop linethickness lspace "
    "maxsize minsize movablelimits notation rowlines rowspacing rspace scriptlevel stretchy voffset width".split()
)
_VALUE = re.compile(r"[a-z ]{1,60}|\+?\d?(?:\.\d{1,4})?(?:em|ex|px|pt)?")  # neither huge nor over what stands before
# Macros that define macros, or double their argument: a formula of 300 characters could say 2 ** 30 terms.
_MULTIPLIES = re.compile(r"\\(?:def|newcommand|newenvironment|DeclareMathOperator|sideset)(?![a-zA-Z])")
_SPELLINGS = {  # of macros that take an argument
    "sp": "^", "sb": "_", "Cal": r"\mathcal", "EuScript": r"\mathcal", "bb": r"\mathbb", "mc": r"\mathcal",
    "mf": r"\mathfrak", "mr": r"\mathrm", "wt": r"\widetilde", "wh": r"\widehat", "ov": r"\overline",
}  # fmt: skip
_SPELLED = re.compile(rf"\\({'|'.join(_SPELLINGS)})(?![a-zA-Z])")
_COMMENT = re.compile(r"(?<![\\\d])%|(?<=\\\\)%")  # where a line ended
_SPACES = re.compile(r"\s+")
_PERCENT = re.compile(r"(?<=\d)%")


class _NotShownError(Exception):
    """A formula that cannot be MathML, or had better not."""


def tex_to_html(text: str) -> Markup:
    """`text` as HTML: formulas as MathML, accents and the like as their characters, the rest escaped.

    A formula that cannot be shown stands as it was written, in <code>.
    """
    return Markup("").join(_parts(text))


def _parts(text: str) -> Iterator[Markup]:
    start, n_left = 0, _LONGEST_TOGETHER
    for match in FORMULA.finditer(text):
        yield _plain(text[start : match.start()])
        n_left -= len(match[0])
        yield _formula(match[0], match[match.lastgroup or 0], match.lastgroup in ("display", "square"), n_left >= 0)
        start = match.end()
    yield _plain(text[start:])


def _plain(text: str) -> Markup:
    return escape(harmless(to_unicode(text)))


def _formula(written: str, formula: str, is_display: bool, may_be_mathml: bool) -> Markup:
    characters = to_unicode(written)
    if not any(one.isalpha() or one in "$\\^_{}" for one in characters):
        return escape(harmless(characters))
    if may_be_mathml and len(formula) <= _LONGEST:
        try:
            return (_mathml if len(formula) > _LONGEST_KEPT else _kept_mathml)(formula, is_display)
        except _NotShownError:
            pass
    return Markup("<code>{}</code>").format(harmless(written))


def _mathml(formula: str, is_display: bool) -> Markup:
    """Raises _NotShownError."""
    if _MULTIPLIES.search(formula):
        raise _NotShownError
    formula = _SPELLED.sub(lambda match: _SPELLINGS[match[1]], _PERCENT.sub(r"\%", _COMMENT.sub("", formula)))
    try:
        tree = convert_to_element(_SPACES.sub(" ", formula), display="block" if is_display else "inline")
    except Exception as error:  # its own errors have no common root, and it lets through many others
        raise _NotShownError from error
    if sum(1 for _ in tree.iter()) > _MOST_ELEMENTS:
        raise _NotShownError
    tree.attrib = {"display": "block"} if is_display else {}
    return Markup(_copy(tree, 0))  # noqa: S704 (escaped below, piece by piece)


_kept_mathml = lru_cache(maxsize=2_048)(_mathml)  # half a megabyte as a rule, 20 at most


def _copy(element: Element, depth: int) -> str:
    """What an element may say in HTML. Raises _NotShownError."""
    tag = element.tag
    if tag not in _ELEMENTS or depth > _DEEPEST:
        raise _NotShownError
    if tag == "mrow" and len(element) == 1:
        return _copy(element[0], depth + 1)
    variant = element.get("mathvariant", "")
    attributes = "".join(
        f' {name}="{value}"' for name, value in element.items() if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    if tag == "math":
        attributes = ' display="block"' if element.get("display") else ""
    if tag not in _TOKENS:
        return f"<{tag}{attributes}>{''.join(_copy(child, depth + 1) for child in element)}</{tag}>"
    written = element.text or ""
    text = harmless(unescape(written))
    if written.startswith("&") and text.isascii() and text.isalpha():
        variant = "normal"  # \mathrm of one letter
    if text.startswith("\\"):
        name, variant = text[1:], ""
        text = MACROS.get(name, CHARACTERS.get(name, text if name else ""))
    if variant == "normal" and tag == "mi":
        attributes += ' mathvariant="normal"'
    elif tag != "mtext":
        text = "".join(LETTERS.get((variant, letter), letter) for letter in text)
    return f"<{tag}{attributes}>{escape(text)}</{tag}>"
