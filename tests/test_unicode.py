"""TeX shown in Unicode: what is simple, what stays, and that nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lunacy.unicode import to_unicode

SHOWN = {
    # accents and letters, in all the ways that people write them
    r"Schr\"odinger": "Schrödinger",
    r"Schr{\"o}dinger and Schr\"{o}dinger": "Schrödinger and Schrödinger",
    r"repr\'esentations \'a la Erd\H{o}s, Erd\H os": "représentations á la Erdős, Erdős",
    r"Kęstutis \v{C}esnavi\v{c}ius, K\k{e}stutis": "Kęstutis Česnavičius, Kęstutis",
    r"Mart\'{\i}nez and \'\i, na\"{\i}ve": "Martínez and í, naïve",
    r"{\O}ystein M{\o}ller, \L{}ukasz, \AA rhus, Stra{\ss}e, {\ae}ther": "Øystein Møller, Łukasz, Århus, Straße, æther",
    r"Fran\c{c}ois, \~n, \^{e}, \`{a}, \.{Z}, \=a, \u{g}": "François, ñ, ê, à, Ż, ā, ğ",
    # formulas
    r"Bi$_{2}$Sr$_{2}$CaCu$_2$O$_{8+x}$": "Bi₂Sr₂CaCu₂O₈₊ₓ",
    r"$\alpha$, \beta and {\lambda}-terms": "α, β and λ-terms",
    r"$L^p$ and $L^{2}$ on $\mathbb{R}^n \times \mathbb Z$": "Lᵖ and L² on ℝⁿ × ℤ",
    r"$\mathcal{N}=4$ and ${\cal O}(\alpha_s^2)$": "N=4 and O(αₛ²)",
    r"$B^0 \to \bar{D} \pi^+$ at $\sqrt{s}=13$ TeV": "B⁰ → D̄ π⁺ at √s=13 TeV",
    r"$C^*$-algebras at 360$^\circ$": "C*-algebras at 360°",
    r"K$_{0.4}$ and $^{6,7}$Li": "K₀.₄ and ⁶,⁷Li",
    r"$x$$\sim$1/8, $$y$$, \(q\)-functions, \[ z \]": "x∼1/8, y, q-functions, z",
    r"$SU(2)\times U(1)$, $f(R)$, $N\geq 3$": "SU(2)× U(1), f(R), N≥ 3",
    r"$A_{FB}$, $H_c$, $L^\infty$, $C^{1,\alpha}$": "A_{FB}, H_c, L^∞, C^{1,α}",
    r"\emph{Gaia} and {\it Kepler}, H\textsubscript{2}O, 5\% \& \$3": "Gaia and Kepler, H₂O, 5% & $3",
    r"An operator \\ with two lines": "An operator with two lines",
    # what is not simple stays, beside what is
    r"$\frac{1}{2}$ and $\alpha$": r"$\frac{1}{2}$ and α",
    r"\cite{x}, \foo{\bar} and $\myown_2$": r"\cite{x}, \foo{\bar} and $\myown_2$",
    r"a dollar of $5 and $10, or 3 $ more": "a dollar of $5 and $10, or 3 $ more",
    r"D\bar{D}$ mixing, $x^{y^{z}}$, $a}$, ${a$": r"D\bar{D}$ mixing, x^{yᶻ}, $a}$, ${a$",
    "at 5$ a piece, $x$ and $ N = 1 $": "at 5$ a piece, x and N = 1",
    "Sets {1, 2}, a_b, 5 ~ 6, C:/x": "Sets {1, 2}, a_b, 5 ~ 6, C:/x",
    "": "",
}


@pytest.mark.parametrize("tex", SHOWN)
def test_simple_tex_is_shown_as_its_characters(tex: str) -> None:
    assert to_unicode(tex) == SHOWN[tex]


PIECES = [
    "$",
    "\\",
    "{",
    "}",
    "^",
    "_",
    " ",
    "a",
    "2",
    "α",
    '"',
    "'",
    "\\alpha ",
    "\\frac",
    "\\'",
    "\\mathbb",
    "\\sqrt",
]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_no_tex_breaks_it(pieces: list[str]) -> None:
    to_unicode("".join(pieces))


@pytest.mark.parametrize("piece", ["$", "\\(", "{", "\\'", "\\emph{", "${", "$^", "\\\\[", "\\[", "$ a", "$a "])
def test_long_nonsense_is_read_once(piece: str) -> None:
    """Neither too deep nor in squared time."""
    assert len(to_unicode(piece * 50_000)) <= len(piece) * 50_000
