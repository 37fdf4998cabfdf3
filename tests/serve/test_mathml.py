"""Titles and abstracts as HTML: formulas as MathML, and nothing that runs, hides, spreads or takes long."""

from __future__ import annotations

import time
from itertools import pairwise
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunacy.serve.page.mathml import tex_to_html
from tests.bench.formulas import render
from tests.serve.markup import assert_only_formulas

SHOWN = {
    # without letters: characters
    r"H$_2$O, $10^{-3}$ and 5$\%$, Schr\"odinger": "H₂O, 10⁻³ and 5%, Schrödinger",
    "costs of $5 and $10, {a} & <b>": "costs of $5 and $10, {a} &amp; &lt;b&gt;",
    # with letters: MathML
    "$x$-ray": "<math><mi>x</mi></math>-ray",
    r"\(C^*\)": "<math><msup><mi>C</mi><mo>*</mo></msup></math>",
    r"\[ \frac{a}{b} \]": '<math display="block"><mfrac><mi>a</mi><mi>b</mi></mfrac></math>',
    r"$x \text{ if } y$": "<math><mrow><mi>x</mi><mtext>\xa0if\xa0</mtext><mi>y</mi></mrow></math>",
    # fonts, which browsers would not show
    r"$\mathbb{CP}$": "<math><mrow><mi>ℂ</mi><mi>ℙ</mi></mrow></math>",
    r"$\boldsymbol{\alpha} {\cal H}$": "<math><mrow><mi>𝜶</mi><mi>ℋ</mi></mrow></math>",
    r"$\mathrm{d}$": '<math><mi mathvariant="normal">d</mi></math>',
    # habits of arXiv
    r"$\R\eps$ $\Cal F$ $\GeV$": "<math><mrow><mi>ℝ</mi><mi>ε</mi></mrow></math> <math><mi>ℱ</mi></math> "
    "<math><mi>GeV</mi></math>",
    r"$\mathbb{% R}$ $x5%$": "<math><mi>ℝ</mi></math> <math><mrow><mi>x</mi><mn>5</mn><mi>%</mi></mrow></math>",
    r"$\bigl\{ x \ $": '<math><mrow><mo stretchy="true" fence="true" minsize="1.2em" maxsize="1.2em">{</mo><mi>x</mi>'
    "<mtext>\xa0</mtext></mrow></math>",
    r"$\myown$": r"<math><mi>\myown</mi></math>",
    # what latex2mathml refuses
    r"$a} \left($ and <": r"<code>$a} \left($</code> and &lt;",
    "": "",
}


@pytest.mark.parametrize("tex", SHOWN)
def test_tex_is_shown_as_html(tex: str) -> None:
    assert tex_to_html(tex) == SHOWN[tex]
    assert_only_formulas(SHOWN[tex])


ILL = [
    r"$\text{<script>alert(1)</script>}$",
    r"$\mbox{<svg/onload=alert(1)>}$",
    r"$\hbox{<img src=x onerror=alert(1)>}$",
    r"$\href{javascript:alert(1)}{x}$",
    r"$\class{x onload=alert(1)}{y}$",
    r"$\style{position:fixed;inset:0}{y}$",
    r'$\color{red" onmouseover="alert(1)}{y}$',
    r'$\hspace{1em" onclick="alert(1)}$',
    r"$\unicode{x3c}script\unicode{x3e}$",
    r"$\unicode{<script>}$",
    r"$\operatorname{a</mo><script>alert(1)</script>}$",
    r"$\verb|<script>alert(1)</script>|$",
    r"$\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
    r"$\text{&#x3c;script&#x3e;}$",
    "$<script>alert(1)</script>$",
    "$</math><script>alert(1)</script>$",
    r"$\begin{array}{<b>}x\end{array}$",
    r"$\tag{<b>}x$",
    r"$\genfrac<>{1px}{0}{a}{b}$",
    "$\\text{\u202e\x00\x1b\ud800}$",
]


@pytest.mark.parametrize("tex", ILL)
def test_a_formula_adds_no_element_and_no_attribute_that_runs_or_links(tex: str) -> None:
    html = tex_to_html(tex)
    seen = assert_only_formulas(html)
    assert all("(" not in value and ":" not in value for _tag, _name, value in seen.values)
    assert not {*"\u202e\x00\x1b\ud800"} & {*html}


@pytest.mark.parametrize("size", ["99em", "1000pt", "-9em", "100px"])
def test_no_formula_reaches_far_beyond_its_place(size: str) -> None:
    html = tex_to_html(rf"$\hspace{{{size}}} \rule{{{size}}}{{{size}}} \raise{{{size}}}{{x}} \Huge y$")
    assert not assert_only_formulas(html).values


# Each would be a lot of work for latex2mathml, for us or for a browser
BOMBS = {
    "nested groups": "$" + "{" * 900 + "x" + "}" * 900 + "$",
    "nested fractions": "$" + r"\frac{a}{" * 200 + "x" + "}" * 200 + "$",
    "nested roots": "$" + r"\sqrt" * 390 + "x$",
    "powers of powers": "$" + "x^{" * 400 + "x" + "}" * 400 + "$",
    "styles": "$" + r"\displaystyle " * 140 + "x$",
    "primes": "$x" + "'" * 1990 + "$",
    "macros that double": "$" + "".join(rf"\def\{a}{{\{b}\{b}}}" for a, b in pairwise(ascii_lowercase)) + r"\a$",
    "operators that double": "$" + r"\sideset{_a^b}{}{" * 110 + "x" + "}" * 110 + "$",
    "logos": "$" + r"\LaTeX" * 330 + "$",
    "a name with stars": r"$\operatorname{" + "a" + " *" * 990 + "$",
    "open environments": "$" + r"\begin{matrix}" * 140 + "$",
    "a million characters": "$" + "x+" * 100_000 + "$",
    "ten thousand formulas": r"$\LaTeX$ " * 10_000,
    "dollars": "$" * 50_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_formula_takes_little_time_and_stays_small(name: str) -> None:
    started = time.process_time()
    html = tex_to_html(BOMBS[name])
    assert time.process_time() - started < 2
    seen = assert_only_formulas(html)
    assert seen.deepest <= 60
    assert sum(seen.elements.values()) <= 30_000


PIECES = (
    r"$ $$ \( \) { } ^ _ & ' \\ \text{ \mbox{ \frac \sqrt[ \left( \right) \begin{array} \end{array} \not \hspace \rule "
)
PIECES += r"\genfrac \sideset \over \limits \unicode \color \href \def \a # 1 % < > x \alpha \mathbb \verb| [ ] 2em"


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PIECES.split(), " "]), max_size=30))
def test_no_tex_breaks_it(pieces: list[str]) -> None:
    assert_only_formulas(tex_to_html("$" + "".join(pieces) + "$"))


@pytest.mark.slow
def test_every_title_and_abstract_of_the_sample_is_shown() -> None:
    figures = render()
    assert figures.n_papers == 2_000
    assert figures.n_formulas > 2_500
    assert figures.n_as_source <= figures.n_formulas * 0.002
