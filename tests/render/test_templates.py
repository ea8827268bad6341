"""Templates call only macros that exist, also in branches that no other test renders."""

import pytest
from jinja2 import nodes

from auditor import resources
from auditor.render.html.report import environment

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
