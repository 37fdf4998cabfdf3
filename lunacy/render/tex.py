"""Text as LaTeX can set it and BibTeX can read it: special characters escaped, formulas in dollars, braces in pairs."""

from __future__ import annotations

import re

from lunacy.display import harmless
from lunacy.unicode import SYMBOLS

_NAMES: dict[str, str] = {}  # of characters that LaTeX knows by macros
for name, char in SYMBOLS.items():
    if not char.isascii():
        _NAMES.setdefault(char, name)
_GROUP = r"\{(?:[^{}]|\{[^{}]*\})*\}"
_ARGUMENT = rf"(?:{_GROUP}|\\[a-zA-Z]+|[^\s\\{{}}])"
_DOLLAR = re.compile(r"(?<!\\)\$|(?<!\\)\\[()]")
_OUTSIDE = re.compile(
    rf"""
      (?P<kept> \\[^a-zA-Z] )  # an accent, or escaped already
    | (?P<formula> \\ (?: (?:bar|hat|tilde|vec|overline|sqrt|math(?:cal|bb|rm|bf|frak|scr)) (?![a-zA-Z]) \s* {_ARGUMENT}
        | (?:deg|{"|".join(SYMBOLS)}) (?![a-zA-Z]) ) | \^ {_ARGUMENT} | _ (?: {_GROUP} | \\[a-zA-Z]+ ) )
    | (?P<macro> \\[a-zA-Z]+ )
    | (?P<char> [{"".join(_NAMES)}] )
    | (?P<special> [&%\#_^] )
    """,
    re.VERBOSE | re.DOTALL,
)
_INSIDE = re.compile(rf"\\.|[%#]|(?P<char>[{''.join(_NAMES)}])", re.DOTALL)
_TELLING = re.compile(r"[^ -~]|[\\{}$&%#_^]")  # without one, text is TeX already
_TWO_FORMULAS = re.compile(r"(?<!\\)\$\$")


def clean(text: str) -> str:
    """Without control characters, and marks that hide or reorder text: TeX stops at them."""
    return harmless(text).replace("\N{REPLACEMENT CHARACTER}", "")


def to_tex(text: str) -> str:
    """A title, or a name, as LaTeX for a BibTeX field."""
    if not _TELLING.search(text):
        return text
    parts = _DOLLAR.split(clean(text))
    if len(parts) % 2:
        text = "$".join(_inside(part) if place % 2 else _outside(part) for place, part in enumerate(parts))
    else:  # a stray dollar: there is no telling what is a formula
        text = r"\$".join(map(_outside, parts))
    text = _paired(text)
    return f"{text} " if text.endswith("\\") else text  # which would take the brace behind it


def _outside(text: str) -> str:
    """Outside formulas: what belongs into one becomes one."""
    return _TWO_FORMULAS.sub("", _OUTSIDE.sub(_outside_part, text))


def _outside_part(match: re.Match[str]) -> str:
    if match["formula"]:
        return f"${_inside(match[0])}$"
    if match["char"]:
        return f"$\\{_NAMES[match[0]]}$"
    if match["special"]:
        return r"\^{}" if match[0] == "^" else f"\\{match[0]}"
    return match[0]


def _inside(text: str) -> str:
    return _INSIDE.sub(_inside_part, text)


def _inside_part(match: re.Match[str]) -> str:
    if match["char"]:
        return f"\\{_NAMES[match[0]]} "
    return match[0] if match[0].startswith("\\") else f"\\{match[0]}"


def _paired(text: str) -> str:
    """`text` without the braces that have no partner.

    BibTeX counts the braces behind a backslash, others do not: so they are paired for themselves.
    """
    waiting: dict[bool, list[int]] = {False: [], True: []}
    lonely = set()
    for place, char in enumerate(text):
        mine = waiting[text[place - 1 : place] == "\\"]
        if char == "{":
            mine.append(place)
        elif char == "}" and mine:
            mine.pop()
        elif char == "}":
            lonely.add(place)
    lonely.update(waiting[False], waiting[True])
    kept = "".join("\0" if place in lonely else char for place, char in enumerate(text)) if lonely else text
    return re.sub(r"(?<!\\)((?:\\\\)*)\\?\0", r"\1", kept)
