"""Templates -> HTML: everything is escaped, and a name that a template lacks is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from lunacy.serve.mathml import tex_to_html

_ENVIRONMENT = Environment(
    loader=PackageLoader("lunacy.serve"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["tex"] = tex_to_html


def render(template: str, **values: object) -> str:
    """The page that `template` makes of `values`."""
    return _ENVIRONMENT.get_template(template).render(values)
