r"""A draft in LaTeX: its title, abstract and date, and its references, from \bibitem, a .bbl or the .bib it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from lunacy.bibtex import MARKUP
from lunacy.references.bibtex import references_of_bibtex
from lunacy.references.lines import lines_at
from lunacy.references.plain import reference_of_text
from lunacy.references.reference import Draft, Reference, reference_of
from lunacy.unicode import to_unicode

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_INPUT = re.compile(r"\\(?:input|include|subfile)\s*\{([^{}]+)\}|\\input\s+([^\s{}\\]+)")
_DEEPEST, _MOST_FILES = 10, 500
_BRACED = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_BIBITEM = re.compile(rf"\\bibitem\s*(?:\[(?:[^\[\]{{}}]|{_BRACED})*\])?\s*\{{([^{{}}]*)\}}")
_END = re.compile(r"\\end\s*\{thebibliography\}")
_BIBLIOGRAPHY = re.compile(r"\\(?:bibliography|addbibresource|addglobalbib)\s*(?:\[[^\]]*\])?\s*\{([^{}]+)\}")
_CITE = re.compile(r"\\[a-zA-Z]{0,20}cite[a-zA-Z]{0,20}\*?\s*((?:\[[^\]]*\]\s*){0,2})((?:\{[^{}]*\}\s*)+)")
_ENTRY = re.compile(r"\\entry\{([^{}]*)\}\{[^{}]*\}")
_BBL_FIELD = re.compile(r"\\(?:field|strng)\{([a-z]+)\}\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_BBL_VERB = re.compile(r"\\verb\{([a-z]+)\}\s*\\verb ([^\n]*)")
_BBL_FAMILY = re.compile(r"family=\{((?:[^{}]|\{[^{}]*\})*)\}")
_ABSTRACT, _ABSTRACT_END = (re.compile(rf"\\{word}\s*\{{abstract\}}") for word in ("begin", "end"))
_ARRANGING = re.compile(
    r"""\\(?:(?:bibinfo|bibfield|BibitemShut)\s*\{[^{}]*\}|newblock|bibnamefont|bibfnamefont|natexlab|BibitemOpen|Eprint|eprint
    |href@noop|href|url|doi|path|em|emph|textit|textbf|sl|it|bf|enquote|citenamefont|translation|NoStop|urlprefix)(?![a-zA-Z])""",
    re.VERBOSE,
)
_MONTHS = "january february march april may june july august september october november december".split()
_DATE = re.compile(rf"(?:(\d{{1,2}})\w*\s+)?({'|'.join(_MONTHS)})\s+(?:(\d{{1,2}})\w*,?\s+)?(\d{{4}})", re.IGNORECASE)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)(?:-(\d\d))?(?!\d)")


def read_latex(path: Path, read: Callable[[Path], str]) -> Draft:
    """The draft in `path` with the files that it names. `read`: gives the text of a file."""
    notes: list[str] = []
    text = "\n".join(_with_inputs(path, path.parent, read, notes, 0, set()))
    begin = _ABSTRACT.search(text)
    end = _ABSTRACT_END.search(text, begin.end()) if begin else None
    abstract = text[begin.end() : end.start()] if begin and end else _argument(text, "abstract")
    return Draft(
        tuple(_references(path, text, read, notes)),
        MARKUP.sub("", to_unicode(" ".join(_argument(text, "title").split()))),
        " ".join(abstract.split()),
        date_in(_argument(text, "date")),
        tuple(notes),
    )


def references_of_bbl(text: str) -> list[Reference]:
    r"""The references of a .bbl: of BibTeX's, by \bibitem, or of biber's, by \entry."""
    entries = list(_ENTRY.finditer(text))
    if not entries:
        return _bibitems(text)
    ends = [*(one.start() for one in entries[1:]), len(text)]
    found = []
    for entry, end, line in zip(entries, ends, lines_at(text, (one.start() for one in entries)), strict=True):
        body = text[entry.end() : end]
        fields: dict[str, str] = {}
        for name, value in [*_BBL_FIELD.findall(body), *_BBL_VERB.findall(body)]:
            fields.setdefault(name, value.strip())
        title = ": ".join(filter(None, [fields.get("title", ""), fields.get("subtitle", "")]))
        plain = {name: MARKUP.sub("", value) for name, value in fields.items()} | {"title": title}
        plain.setdefault("journal", plain.get("journaltitle", ""))
        family = _BBL_FAMILY.search(body)
        found.append(reference_of(f"line {line}", entry[1], plain, surname=family[1] if family else ""))
    return found


def date_in(text: str) -> str:
    """The first date in a text: "2020-05-31", "2020-05" or "2020"; "" where there is none."""
    if match := _ISO.search(text):
        return "-".join(filter(None, match.groups()))
    if match := _DATE.search(text):
        day = match[1] or match[3]
        month = _MONTHS.index(match[2].lower()) + 1
        return f"{match[4]}-{month:02}" + (f"-{int(day):02}" if day else "")
    year = re.fullmatch(r"\s*(\d{4})\s*", text)
    return year[1] if year else ""


def _references(path: Path, text: str, read: Callable[[Path], str], notes: list[str]) -> list[Reference]:
    """Those in the text; else of the .bbl beside it, which has just what is cited; else cited ones of the .bib."""
    if _BIBITEM.search(text):
        return _bibitems(text)
    bbl = path.with_suffix(".bbl")
    if (content := _content(bbl, read)) is not None:
        return references_of_bbl(content)
    named = [name.strip() for match in _BIBLIOGRAPHY.findall(text) for name in match.split(",")]
    found: list[Reference] = []
    for name in named:
        file = path.parent / (name if name.endswith(".bib") else f"{name}.bib")
        content = _content(file, read)
        if content is None:
            notes.append(f"{path.name} names {file.name}, which is not there")
        else:
            found += references_of_bibtex(content)
    cited = {key.strip() for match in _CITE.finditer(text) for key in re.split(r"[{},]", match[2])} - {""}
    if "*" in cited or not cited:
        return found
    lacking = cited - {one.key for one in found}
    if found and lacking:
        notes.append(f"{len(lacking):,} keys are cited that no .bib has: {', '.join(sorted(lacking)[:5])}")
    return [one for one in found if one.key in cited]


def _bibitems(text: str) -> list[Reference]:
    r"""A reference for each \bibitem."""
    matches = list(_BIBITEM.finditer(text))
    ends = [*(one.start() for one in matches[1:]), len(text)]
    found = []
    for match, end, line in zip(matches, ends, lines_at(text, (one.start() for one in matches)), strict=bool(matches)):
        body = text[match.end() : end]
        if ended := _END.search(body):
            body = body[: ended.start()]
        found.append(reference_of_text(f"line {line}", match[1].strip(), _plain(body)))
    return found


def _plain(body: str) -> str:
    """A reference without braces and the commands that arrange it, with the letters that TeX stands for."""
    body = _ARRANGING.sub(" ", to_unicode(body))
    body = body.replace("``", " ").replace("''", " ").replace("~", " ")
    return " ".join(MARKUP.sub("", body.replace("}{", " ")).split())


def _with_inputs(
    path: Path, root: Path, read: Callable[[Path], str], notes: list[str], depth: int, seen: set[Path]
) -> Iterator[str]:
    r"""The text of a file without comments, with that of the files it takes in by \input."""
    seen.add(path)
    text = "\n".join(_COMMENT.sub(r"\1", line) for line in read(path).splitlines())
    start = 0
    for match in _INPUT.finditer(text):
        yield text[start : match.start()]
        start = match.end()
        name = (match[1] or match[2]).strip()
        files = [root / name, root / f"{name}.tex"] if Path(name).suffix else [root / f"{name}.tex", root / name]
        file = next((one for one in files if one.is_file()), None)
        if file is None:
            notes.append(f"{path.name} takes in {name}, which is not there")
        elif file not in seen and depth < _DEEPEST and len(seen) < _MOST_FILES and file.suffix != ".bbl":
            yield from _with_inputs(file, root, read, notes, depth + 1, seen)
        elif file.suffix == ".bbl":
            yield read(file)
    yield text[start:]


def _content(path: Path, read: Callable[[Path], str]) -> str | None:
    return read(path) if path.is_file() else None


def _argument(text: str, command: str) -> str:
    r"""What stands in the braces of the first \command{...}; "" where there is none."""
    match = re.search(rf"\\{command}\s*(?:\[[^\]]*\])?\s*\{{", text)
    if match is None:
        return ""
    depth = 1
    for brace in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, match.end()):
        depth += (brace[0] == "{") - (brace[0] == "}")
        if not depth:
            return text[match.end() : brace.start()]
    return ""
