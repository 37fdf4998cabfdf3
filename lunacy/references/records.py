"""References as reference managers export them: RIS, CSL-JSON, and Zotero's RDF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import orjson

from lunacy.errors import ListError
from lunacy.references.reference import Reference, reference_of

_TAG = re.compile(r"^\ufeff?([A-Z][A-Z0-9])  ?- ?(.*)$")
_OF_RIS = {
    "title": ("TI", "T1"),
    "year": ("PY", "Y1", "DA"),
    "doi": ("DO",),
    "url": ("UR", "L1", "L2", "LK"),
    "journal": ("JO", "T2", "JF", "J2"),
    "number": ("AN", "M1", "C1", "C7", "SP"),
    "publisher": ("PB",),
    "note": ("N1",),
}
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC, _TERMS = "{http://purl.org/dc/elements/1.1/}", "{http://purl.org/dc/terms/}"
_FOAF, _BIB = "{http://xmlns.com/foaf/0.1/}", "{http://purl.org/net/biblio#}"
_ZOTERO = "{http://www.zotero.org/namespaces/export#}"


def references_of_ris(text: str) -> list[Reference]:
    """A reference for each record: TY begins it, ER ends it."""
    found = []
    tags: dict[str, list[str]] = {}
    first = last = ""
    for number, line in enumerate(text.splitlines(), 1):
        match = _TAG.match(line.rstrip())
        if match is None:
            if last and line.strip():
                tags[last][-1] += f" {line.strip()}"  # a long value goes on
            continue
        last = match[1]
        if last == "TY" or not tags:
            first = f"line {number}"
        if last in ("TY", "ER") and "TY" in tags:
            found.append(_of_tags(first, tags))
            tags = {}
        if last == "ER":
            tags, last = {}, ""
        else:
            tags.setdefault(last, []).append(match[2].strip())
    return [*found, _of_tags(first, tags)] if "TY" in tags else found


def _of_tags(where: str, tags: Mapping[str, list[str]]) -> Reference:
    fields = {name: next((" ".join(tags[tag]) for tag in some if tag in tags), "") for name, some in _OF_RIS.items()}
    author = next((tags[tag][0] for tag in ("AU", "A1") if tag in tags), "")
    return reference_of(where, next(iter(tags.get("ID", [])), ""), fields, surname=author.partition(",")[0])


def references_of_csl(items: list[Any], name: str) -> list[Reference]:
    """A reference for each item of CSL-JSON. Raises ListError for what is none."""
    found = []
    for place, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise ListError(f"{name}, item {place}: not an object, as CSL-JSON has them")
        author = next(iter(item.get("author") or []), None)
        author = author if isinstance(author, dict) else {}
        fields = {
            "title": item.get("title"),
            "doi": item.get("DOI"),
            "url": item.get("URL"),
            "journal": item.get("container-title"),
            "number": item.get("number"),
            "volume": item.get("archive_location"),
            "note": item.get("note"),
            "year": orjson.dumps(item.get("issued")).decode(),
        }
        texts = {key: value for key, value in fields.items() if isinstance(value, str)}
        surname = author.get("family") or author.get("literal") or ""
        found.append(reference_of(f"item {place}", str(item.get("id", "")), texts, surname=str(surname)))
    return found


def is_csl(value: Any) -> bool:
    """Whether it is a list of items of CSL-JSON, and not one of ids."""
    known = ("DOI", "issued", "container-title", "author", "type")
    return isinstance(value, list) and any(isinstance(one, dict) and any(key in one for key in known) for one in value)


def references_of_zotero(raw: bytes, name: str) -> list[Reference]:
    """A reference for each item of Zotero's RDF. Raises ListError for what is none."""
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 (expat bounds what entities may expand to)
    except ElementTree.ParseError as error:
        raise ListError(f"{name}: not XML: {error}; export it from Zotero once more") from None
    if root.tag != f"{_RDF}RDF":
        raise ListError(f"{name}: XML, but not RDF as Zotero exports it; give BibTeX, RIS or CSL-JSON")
    items = [one for one in root if one.find(f"{_ZOTERO}itemType") is not None and _text(one, f"{_DC}title")]
    kinds = ("attachment", "note", "annotation")
    items = [one for one in items if _text(one, f"{_ZOTERO}itemType") not in kinds]
    return [_of_item(f"item {place}", item) for place, item in enumerate(items, 1)]


def _of_item(where: str, item: ElementTree.Element) -> Reference:
    identifiers = [" ".join(one.itertext()) for one in item.iter(f"{_DC}identifier")]
    journal = next((_text(one, f"{_DC}title") for one in item.iter() if one.tag.startswith(f"{_BIB}Journal")), "")
    fields = {
        "title": _text(item, f"{_DC}title"),
        "year": _text(item, f"{_DC}date"),
        "doi": next((one for one in map(str.strip, identifiers) if one.upper().startswith("DOI")), ""),
        "url": next((one for one in map(str.strip, identifiers) if one.startswith("http")), ""),
        "journal": journal,
        "number": _text(item, f"{_ZOTERO}archiveLocation") or _text(item, f"{_BIB}number"),
        "note": " ".join(filter(None, [_text(item, f"{_DC}description"), *identifiers])),
    }
    people = item.find(f"{_BIB}authors")
    surname = "" if people is None else next((one.text or "" for one in people.iter(f"{_FOAF}surname")), "")
    return reference_of(where, "", fields, surname=surname)


def _text(element: ElementTree.Element, tag: str) -> str:
    found = element.find(tag)
    return "" if found is None else " ".join(" ".join(found.itertext()).split())
