"""HTML as a browser takes it apart: elements with their attributes and text, by the parser of the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = frozenset("area base br col embed hr img input link meta source track wbr".split())


@dataclass
class Element:
    """One element; `text` is all that stands within."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list[Element] = field(default_factory=list)  # its ancestors, the nearest last

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.all: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, inside=list(self.open))
        self.all.append(element)
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append(Element(tag, {name: value or "" for name, value in attrs}, inside=list(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text += data


class Page:
    """A page; it fails on an element that is not closed, or closed twice."""

    def __init__(self, html: str) -> None:
        reader = _Reader()
        reader.feed(html)
        reader.close()
        assert not reader.open, [one.tag for one in reader.open]
        self.elements = reader.all

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements with that tag whose attributes have these values; `class_`: among its classes."""
        return [one for one in self.elements if one.tag == tag and _has(one, attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only one."""
        [found] = self.all(tag, **attributes)
        return found

    def by_id(self, name: str) -> Element:
        """The element with that id."""
        [found] = [one for one in self.elements if one.attributes.get("id") == name]
        return found

    def links(self, text: str) -> list[str]:
        """Where the links lead whose text is `text`."""
        return [one["href"] for one in self.all("a") if one.text.strip() == text]


def _has(one: Element, attributes: dict[str, str]) -> bool:
    return all(
        value in one.attributes.get("class", "").split() if name == "class_" else one.attributes.get(name) == value
        for name, value in attributes.items()
    )
