"""An error as a page: what is wrong, the field filled in, and a way on."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from lunacy.paper import canonical_id, id_fault
from lunacy.serve.errors import Problem
from lunacy.serve.page.address import Address, root_of
from lunacy.serve.page.form import FILTERS, form_of
from lunacy.serve.page.html import render, sentence

_HEADINGS = {
    "Busy": "One moment, please",
    "ModelError": "Texts cannot be read just now",
    "NotAnId": "That is no paper of the index",
    "NoMap": "There is no map yet",
    "NotFound": "There is no such page",
    "InternalError": "The server failed",
    "ListError": "Your reading lists cannot be read",
    "TokenRequired": "This server asks for its token",
    "UnknownCategory": "There is no such category",
    "UnknownPaper": "That paper is not in the index",
    "UsageError": "That cannot be asked",
}
_ADVICE = {
    "Busy": "This page asks again by itself.",
    "ModelError": "Papers of the index can be asked for by their id, link or title.",
    "NotAnId": "Give an arXiv id, a link or a title, or ask for the words as a text.",
    "TokenRequired": "Whoever started it knows the token. This browser is asked for it once a month.",
    "UnknownPaper": "Put its title or its abstract into the field: a text need not be of the index.",
}
_OF_LISTS = ("Busy", "ListError", "LunacyError", "NotAnId", "UsageError")  # where a list was to be changed
_TELLS_ITSELF = (
    "NoMap",
    "UnknownHost",
    "ForeignOrigin",
    "ForeignProxy",
    "BodyTooSlow",
    "BodyTooLarge",
)  # whose hint is for people too
_ASKS_AGAIN_S = "2"


def problem_page(request: Request, problem: Problem) -> Response:
    """The page that tells `problem` to a person; it needs no index."""
    address, root = Address.of(request.query_params.multi_items()), root_of(request)
    is_change = request.method == "POST" and problem.type in _OF_LISTS
    asks_again = problem.type == "Busy" and not is_change
    html = render(
        "problem.html",
        root=root,
        info=None,
        own=None,
        map_url="",
        form=form_of(address, wrong=_wrong(problem, address)),
        problem=problem,
        message=problem.message.partition("; ask again")[0],  # the page does so itself
        heading="Nothing was changed" if is_change else _HEADINGS.get(problem.type, "That went wrong"),
        advice="" if is_change else _advice(problem),
        asks_again=asks_again,
        ways=[("Back", address.url(request.url.path))] if is_change else list(_ways_on(problem, address, root)),
    )
    headers = dict(problem.headers)
    if asks_again:  # the browser does, without a script
        headers["Refresh"] = headers.get("Retry-After", _ASKS_AGAIN_S)
    return HTMLResponse(html, problem.status, headers)


def _advice(problem: Problem) -> str:
    return _ADVICE.get(problem.type) or (sentence(problem.hint) if problem.type in _TELLS_ITSELF else "")


def _wrong(problem: Problem, address: Address) -> str:
    """The filter that the message names first; "" where it is about something else."""
    if problem.type == "UnknownCategory":
        return "category"
    words = problem.message.split(" ", 2)[:2]
    return next((name for name in FILTERS if name in words and address.first(name)), "")


def _ways_on(problem: Problem, address: Address, root: str) -> Iterator[tuple[str, str]]:
    """What to do next: words and URL."""
    page = f"{root}/similar"
    if problem.type in ("UnknownPaper", "NotAnId"):
        yield from _without_lacking(problem, address, page)
    elif problem.type == "UnknownCategory":
        yield "Ask in all categories", address.minus("category").url(page)
    elif problem.type == "ModelError":  # words need no model, but an index of them
        yield "Ask by words alone", address.set("rank", "lexical").url(page)
    elif problem.type == "UsageError":
        bare = Address(tuple(item for item in address.items if item[0] in ("id", "text", "index")))
        if bare != address and (bare.all("id") or bare.first("text")):
            yield "Ask without conditions", bare.url(page)
    yield "Start anew", f"{root}/"


def _without_lacking(problem: Problem, address: Address, page: str) -> Iterator[tuple[str, str]]:
    """For the paper that the index lacks, which the message names."""
    name, lacking = next(
        (item for item in address.items if item[0] in ("id", "not") and _names(item[1], problem)), ("", "")
    )
    rest = address.minus(name, lacking)
    if canonical_id(lacking) and not id_fault(lacking):
        yield f"Read {lacking} on arXiv", f"https://arxiv.org/abs/{lacking}"
    elif lacking and name == "id" and not id_fault(lacking):
        yield "Ask for these words as a text", rest.set("text", f"{lacking} {address.first('text')}").url(page)
    if rest != address and (rest.all("id") or rest.first("text")):
        yield f"Ask without {lacking}", rest.url(page)


def _names(value: str, problem: Problem) -> bool:
    return problem.message.startswith((value, repr(value[:40])[:-1]))
