"""Templates and the pages without scripts that they make."""

import pytest
from jinja2 import nodes
from markupsafe import Markup

from auditor import resources
from auditor.render.html.report import environment
from auditor.render.static_page import table

FOLDER = resources.reports() / "templates"
TEMPLATES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".jinja"))


def parsed(name: str) -> nodes.Template:
    return environment("en").parse((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_macros_of_imported_templates_exist(name: str) -> None:
    template = parsed(name)
    imported = {node.target: str(node.template.value) for node in template.find_all(nodes.Import)}  # type: ignore[attr-defined]
    used = {
        (node.node.name, node.attr)
        for node in template.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name in imported
    }
    assert bool(used) == bool(imported)
    for target, macro in sorted(used):
        exported = {node.name for node in parsed(imported[target]).find_all(nodes.Macro)}
        assert macro in exported, f"{name} uses {macro}, which {imported[target]} does not define"


_TITLES = ("Product", "Assigned", "Cost", "Users", "Trend", "Note")
_ROWS = (
    ("Visio 2", "146 → 147", "−1\u202f309,15 kr", "11 kept, 0 new", Markup("<svg/>"), ""),
    ("Power BI", "–", "", "–", Markup("<svg/>"), "–"),
)


def test_columns_of_figures_are_marked_in_head_and_body() -> None:
    head, _, body = str(table(_TITLES, _ROWS)).partition("<tbody>")
    assert head.count('<th scope="col" class="n">') == 2
    for title, cells in (("Assigned", ("146 → 147", "–")), ("Cost", ("−1\u202f309,15 kr", ""))):
        assert f'<th scope="col" class="n">{title}</th>' in head
        for cell in cells:
            assert f'<td class="n" data-label="{title}">{cell}</td>' in body


def test_words_charts_and_columns_without_a_digit_are_not_marked() -> None:
    text = str(table(_TITLES, _ROWS))
    for title in ("Users", "Trend", "Note"):
        assert f'<th scope="col">{title}</th>' in text
        assert f'<td class="n" data-label="{title}">' not in text
    assert text.count('<th scope="row">') == 2
