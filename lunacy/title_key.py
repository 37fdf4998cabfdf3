r"""A title as it is compared with others: its letters and digits, whatever case, accents, TeX and punctuation it has.

`Schr\"odinger's $\beta$-decay`, `Schrödinger's β-decay` and `SCHRODINGERS BETA DECAY` are one.
"""

from __future__ import annotations

import re
import unicodedata

from lunacy.letters import letters
from lunacy.tex import LETTERS, without_tex
from lunacy.unicode import to_unicode

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega"
).split()
_NAMES = {f"GREEK SMALL LETTER {name.replace('lambda', 'lamda').upper()}": name for name in _GREEK}
_SPELLED_OUT = {ord(unicodedata.lookup(letter)): name for letter, name in _NAMES.items()}
_MACROS = {  # whose name, or another word, is read; that of others is not
    **{name: name for name in _GREEK},
    **{f"var{name}": name for name in _GREEK},
    **{name: name for name in "cos sin tan cot cosh sinh tanh exp log ln lim max min sup inf det dim ker mod".split()},
    **{name: f"\\{name}" for name in (*LETTERS, *"acute grave dot ddot hat tilde check breve bar mathring".split())},
    "ell": "l",
    "hbar": "h",
}
_MACRO = re.compile(r"\\([a-zA-Z]{2,})")
_NO_LETTER = re.compile(r"[\W_]+")


def title_key(title: str) -> str:
    """The letters and digits of `title`: in lower case, without accents, Greek ones spelled out."""
    title = to_unicode(title)  # as it is shown, and so copied
    if "\\" in title:  # what cannot be shown otherwise
        title = without_tex(_MACRO.sub(_macro, title))
    if not title.isascii():
        title = letters(unicodedata.normalize("NFKD", title)).casefold().translate(_SPELLED_OUT)
    return _NO_LETTER.sub("", title).lower()


def _macro(match: re.Match[str]) -> str:
    name = match[1]
    return f"{_MACROS.get(name) or _MACROS.get(name.lower(), '')} "
