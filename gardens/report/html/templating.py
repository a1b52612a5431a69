"""The one door to the templates: values in, safe HTML out.

In a template the end of a line and the indentation of the next mean nothing, so that nothing comes
between two elements by accident; a space that matters is written within a line.

The law: whatever is no :class:`markupsafe.Markup` is escaped when it is put into a template, so that
nothing else on a page need be, and what cannot be seen is written out; a name that a template does
not know is an error.  Functions of :mod:`gardens.report.words` are filters under their own names.  Not
here: what is shown (the modules beside this one), how it looks (``page.css``).
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import jinja2
from markupsafe import Markup

from gardens.report import words
from nimdsl.base.printable import visible
from nimdsl.base.words import counted

_BREAK = re.compile(r"\n\s*")
_FILTERS = ("clock", "lifeforce", "number", "seconds", "share", "span")


def render(name: str, /, **values: object) -> Markup:
    """The template ``templates/<name>.html`` with these values."""
    return Markup(_environment().get_template(f"{name}.html").render(values))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_seen,
        auto_reload=False,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters["grouped"] = "{:,}".format
    environment.filters["counted"] = counted
    environment.filters.update({name: getattr(words, name) for name in _FILTERS})
    return environment


def _seen(value: object) -> object:
    """What cannot be seen in text of others is written out, and cannot turn the order of letters around."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return visible(str(value), keep="\n") if is_text else value


def _template(name: str) -> str:
    return _BREAK.sub("", asset(f"templates/{name}"))


def asset(path: str) -> str:
    """A file of this package, as it is."""
    return resources.files("gardens.report.html").joinpath(path).read_text(encoding="utf-8")
