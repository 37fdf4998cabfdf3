r"""TeX in titles and names -> the characters that it stands for: Schr\"odinger, Bi$_{2}$ -> Schrödinger, Bi₂.

For display alone. What has no plain form stays as it was written: a fraction, a macro of somebody's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lunacy.tex import LETTERS

_LONGEST = 200  # characters of a formula
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi omicron pi rho sigma tau upsilon phi chi psi"
)
_FUNCTIONS = "arg cos cosh cot csc det dim exp gcd hom inf ker lim ln log max min mod sec sin sinh sup tan tanh"
SYMBOLS = {  # macros of formulas, as LaTeX and amssymb have them
    **{name: unicodedata.lookup(f"GREEK SMALL LETTER {name}") for name in _GREEK.split()},
    **{name.title(): unicodedata.lookup(f"GREEK CAPITAL LETTER {name}") for name in _GREEK.split()},
    **{name: name for name in _FUNCTIONS.split()},
    **dict(
        pair.split("=", 1)
        for pair in "lambda=λ Lambda=Λ omega=ω Omega=Ω varepsilon=ε vartheta=ϑ varphi=φ varrho=ϱ varsigma=ς varpi=ϖ "
        "to=→ rightarrow=→ longrightarrow=→ leftarrow=← leftrightarrow=↔ Rightarrow=⇒ Leftrightarrow=⇔ mapsto=↦ "
        "uparrow=↑ downarrow=↓ infty=∞ times=× pm=± mp=∓ cdot=· circ=∘ ast=* star=⋆ bullet=• div=÷ "
        "sim=∼ simeq=≃ approx=≈ cong=≅ equiv=≡ propto=∝ neq=≠ ne=≠ leq=≤ le=≤ geq=≥ ge=≥ leqslant=⩽ geqslant=⩾ "
        "ll=≪ gg=≫ lesssim=≲ gtrsim=≳ in=∈ notin=∉ ni=∋ subset=⊂ supset=⊃ subseteq=⊆ supseteq=⊇ cup=∪ cap=∩ "
        "setminus=∖ emptyset=∅ forall=∀ exists=∃ neg=¬ wedge=∧ vee=∨ oplus=⊕ ominus=⊖ otimes=⊗ odot=⊙ rtimes=⋊ "
        "ltimes=⋉ partial=∂ nabla=∇ sum=∑ prod=∏ int=∫ hbar=ℏ ell=ℓ aleph=ℵ wp=℘ prime=′ dagger=† ddagger=‡ perp=⊥ "
        "parallel=∥ mid=| vert=| Vert=‖ angle=∠ triangle=△ Box=□ square=□ langle=⟨ rangle=⟩ lceil=⌈ rceil=⌉ lfloor=⌊ "
        "rfloor=⌋ ldots=… dots=… cdots=⋯".split()
    ),
}  # fmt: skip
_HABITS = dict(  # what many authors define
    pair.split("=")
    for pair in "deg=° degree=° R=ℝ RR=ℝ Real=ℝ C=ℂ CC=ℂ N=ℕ NN=ℕ Q=ℚ QQ=ℚ Z=ℤ ZZ=ℤ bR=ℝ bbR=ℝ IR=ℝ bC=ℂ bZ=ℤ FF=𝔽 "
    "al=α eps=ε ep=ε ga=γ Ga=Γ la=λ La=Λ om=ω Om=Ω ra=→ dag=† lsim=≲ gsim=≳ GeV=GeV MeV=MeV TeV=TeV".split()
)
MACROS = {**SYMBOLS, **_HABITS}
CHARACTERS = {
    **dict(zip("{}_%&#$", "{}_%&#$", strict=True)), "|": "‖", ",": " ", ";": " ", ":": " ", " ": " ", "!": "", "/": "",
}  # fmt: skip
_IGNORED = frozenset("left right big Big bigl bigr displaystyle textstyle limits nolimits".split())
_FONTS = frozenset(
    "mathrm mathit mathbf mathsf mathtt mathcal mathscr mathfrak boldsymbol bm pmb operatorname mathop ensuremath "
    "text textrm textit textbf textsf texttt textsc textnormal mbox hbox emph".split()
)
_SWITCHES = frozenset("rm it bf sf tt sl sc em cal frak boldmath unboldmath normalfont".split())
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_MATH_ACCENTS = {
    "grave": "\u0300", "acute": "\u0301", "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303",
    "widetilde": "\u0303", "bar": "\u0304", "breve": "\u0306", "dot": "\u0307",
    "ddot": "\u0308", "check": "\u030c", "vec": "\u20d7", "underline": "\u0332",
}  # fmt: skip
_RAISED = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ*′†∘°.,/",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ*′†°°.,/",
)
_LOWERED = str.maketrans("0123456789+-−=()aehijklmnoprstuvxβγρφχ.,/", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ.,/")
_DOUBLE_STRUCK = {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}

# In $ or \( \), or set apart by $$ or \[ \]. Not "$5 and $10", a digit behind each, nor words between two stray $.
_STRAY = r"\d[^$]*\$\d | (?=[^$]*[a-z]{2}) (?:\s[^$\\^_]*|[^$\\^_]*\s)\$"
FORMULA = re.compile(
    rf"""(?<!\\)(?: \$\$(?P<display>[^$]+)\$\$ | \$(?!{_STRAY})(?P<inline>(?:\\.|[^$\\])+)\$
    | \\\((?P<bracket>(?:[^$\\]|\\[^()])+)\\\) | \\\[(?P<square>(?:[^$\\]|\\[^\[\]])+)\\\] )""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL)
_LETTER = r"(?:\\(?P<dotless>[ij])(?![a-zA-Z])\s*|(?P<letter>[^\W\d_]))"
_ACCENT = re.compile(
    rf"""(?P<open>\{{\s*)? \\(?: (?P<mark>["'`^~=.]) (?:\s+(?=[a-z]))? | (?P<name>[uvHcdbkr])(?![a-zA-Z])\s* )
    (?P<braced>\{{\s*)? {_LETTER} (?(braced)\s*\}}) (?(open)\s*\}})""",
    re.VERBOSE,
)
_NAMED_LETTER = re.compile(
    rf"(?P<open>\{{\s*)?\\(?P<name>{'|'.join(sorted(LETTERS, key=len, reverse=True))})(?![a-zA-Z])(?:\{{\}}|\s+)?"
    r"(?(open)\s*\})"
)
_FONT = re.compile(r"\\(?:text(?:it|bf|rm|sf|tt|sc|sl|normal|up)|emph|mbox)\s*\{([^{}\\]*)\}")
_SWITCH = re.compile(r"\{\\(?:it|bf|rm|em|sf|sl|tt|sc)\s+([^{}\\]*)\}")
_SCRIPT = re.compile(r"\\text(?P<which>super|sub)script\{(?P<what>[^{}\\]*)\}")
_MACRO = re.compile(r"(?P<open>\{)?\\(?P<name>[a-zA-Z]+)(?:\{\})?(?(open)\})")
_LINE_END = re.compile(r"\s*\\\\(?:\[[^\]]{0,20}\])?\s*")
_ESCAPED = re.compile(r"\\([%&#_$]|(?<![a-zA-Z]\\) )")


class _NotSimpleError(Exception):
    """A formula that characters in a row cannot show."""


def to_unicode(text: str) -> str:
    """`text` with the characters that its TeX stands for, as far as it is simple; the rest stays as it is."""
    if "\\" not in text and "$" not in text:
        return text
    parts, start = [], 0
    for match in FORMULA.finditer(text):
        parts += [_words(text[start : match.start()]), _formula(match[match.lastgroup or 0], match[0])]
        start = match.end()
    return unicodedata.normalize("NFC", "".join([*parts, _words(text[start:])]))


def _words(text: str) -> str:
    """Outside formulas."""
    if "\\" not in text:
        return text
    text = _ACCENT.sub(_accented, _LINE_END.sub(" ", text))
    text = _NAMED_LETTER.sub(lambda match: LETTERS[match["name"]], text)
    text = _SCRIPT.sub(_script, text)
    text = _SWITCH.sub(r"\1", _FONT.sub(r"\1", text))
    text = _MACRO.sub(lambda match: MACROS.get(match["name"], match[0]), text)
    return _ESCAPED.sub(r"\1", text)


def _accented(match: re.Match[str]) -> str:
    return (match["letter"] or match["dotless"]) + _ACCENTS[match["mark"] or match["name"]]


def _script(match: re.Match[str]) -> str:
    return _moved("^" if match["which"] == "super" else "_", match["what"])


def _formula(formula: str, written: str) -> str:
    """The `formula` in characters; else as it was `written`, with its dollars."""
    if len(formula) > _LONGEST:
        return written
    tokens = iter(_TOKEN.findall(formula))
    try:
        return " ".join("".join(_pieces(tokens)).split())
    except _NotSimpleError:
        return written


def _pieces(tokens: Iterator[str], end: str = "") -> Iterator[str]:
    """What the tokens say, until `end`, a closing brace; "": the end of the formula."""
    for token in tokens:
        if token == end:
            return
        yield _piece(token, tokens)
    if end:
        raise _NotSimpleError


def _piece(part: str, tokens: Iterator[str]) -> str:
    """What a part says, with its argument."""
    if part in ("^", "_", "\\sp", "\\sb"):
        return _moved("^" if part in ("^", "\\sp") else "_", _argument(tokens))
    if part == "{":
        return "".join(_pieces(tokens, "}"))
    if part in "}&":
        raise _NotSimpleError
    if not part.startswith("\\"):
        return {"~": " ", "'": "′"}.get(part, part)
    name = part[1:]
    if name in _FONTS:
        return _argument(tokens)
    if name in ("mathbb", "Bbb"):
        return "".join(_double_struck(letter) for letter in _argument(tokens))
    if name == "overline":
        return "".join(f"{letter}\u0305" for letter in _argument(tokens))
    if name in _MATH_ACCENTS:
        return _one_letter(_argument(tokens)) + _MATH_ACCENTS[name]
    if name == "sqrt":
        under = _argument(tokens)
        return f"√{under}" if under.isalnum() and (len(under) == 1 or under.isdigit()) else f"√({under})"
    if name in _IGNORED or name in _SWITCHES:
        return ""
    found = MACROS.get(name, CHARACTERS.get(name))
    if found is None:
        raise _NotSimpleError
    return found


def _argument(tokens: Iterator[str]) -> str:
    for token in tokens:
        if not token.isspace():
            return _piece(token, tokens).strip()
    raise _NotSimpleError


def _moved(where: str, what: str) -> str:
    """`what`, raised or lowered; behind a ^ or _ where Unicode has not all of it there."""
    if where == "^" and what in ("*", "′", "′′", "†", "⋆"):
        return what
    table, letters = _RAISED if where == "^" else _LOWERED, what.replace(" ", "")
    if all(ord(letter) in table for letter in letters):
        return letters.translate(table)
    if {*"^_{}"} & {*what}:
        raise _NotSimpleError
    return where + (what if len(what) == 1 else f"{{{what}}}")


def _one_letter(text: str) -> str:
    if len(text) != 1:
        raise _NotSimpleError
    return text


def _double_struck(letter: str) -> str:
    if letter in _DOUBLE_STRUCK:
        return _DOUBLE_STRUCK[letter]
    if letter.isascii() and letter.isupper():
        return unicodedata.lookup(f"MATHEMATICAL DOUBLE-STRUCK CAPITAL {letter}")
    return letter
