"""Templates: what is put into them is escaped, what they lack is an error, and nothing else makes HTML."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup, escape

from gardens.report.html.page import page
from gardens.report.html.templating import asset, render
from gardens.report.observe.view import View
from gardens.report.presentation import Presentation, Section
from nimdsl.program import Program
from simulate import run

FOLDER = Path(__file__).parents[3] / "gardens/report/html"
NASTY = "<script>alert('x')</script>\" onload=\"y"


def test_text_is_escaped_and_markup_is_not() -> None:
    facts = {NASTY: NASTY, "safe": Markup("<b>bold</b>")}
    shown = render("provenance", facts=facts)
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34; onload=&#34;y") == 2
    assert "<b>bold</b>" in shown


def test_lines_of_a_template_leave_nothing_between_elements() -> None:
    assert render("provenance", facts={"a": "b\n c"}) == (
        '<dl class="facts"><div><dt>a</dt><dd><code>b\n c</code></dd></div></dl>'
    )


def test_what_a_template_lacks_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("provenance")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("templates/*.html")), ids=lambda path: path.stem)
def test_templates_trust_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"\|\s*safe\b|autoescape", text) == []
    attributes = re.findall(r"=\{\{", text)
    assert attributes == [], "an attribute without quotes could be left"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_python_writes_no_element(path: Path) -> None:
    """Markup is made by templates only; two files of our own are taken as they are."""
    text = path.read_text(encoding="utf-8")
    code = re.sub(r'"""[^"]*"""', "", text, flags=re.DOTALL)
    assert re.findall(r"</?[a-z]+[ >]", code) == []
    assert re.findall(r"Markup\((?!\)|asset|f\"\{palette|_environment)", code) == []


def test_assets_are_read_as_they_are() -> None:
    assert "--line" in asset("page.css")


def test_a_part_of_another_package_is_text_but_for_its_markup(
    shipped: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = Markup("<p>{}</p>").format(NASTY)
    section = Section("strange", NASTY, body, NASTY)
    presentation = Presentation(sections=lambda observers: [section])
    monkeypatch.setattr("gardens.report.html.page.presentation_of", lambda kind: presentation)
    monkeypatch.setattr(View, "of_kinds", lambda self: {"strange": {}})
    shown = page(View(), run(shipped, "spark").summary)
    assert "<script>alert" not in shown
    assert '" onload=' not in shown
    escaped = str(escape(NASTY))
    assert f'<section id="strange"><h2>{escaped}' in shown
    assert f"<p>{escaped}</p>" in shown
    assert shown.count(escaped) >= 3
