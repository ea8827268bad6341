"""Reads the recipes of docs/recipes.md, and updates the report of each: `python -m tests.policies.recipes`."""

import re
from collections.abc import Iterator

from msgspec import Struct

from auditor.app.audit.pipeline import audit
from auditor.app.policy_files import installed_base
from auditor.app.policy_tests.fixtures import fixture_dates, fixture_snapshot
from auditor.catalogue import builtin
from auditor.domain.enums import Status
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.display_names import named_product
from auditor.policy.loader import load
from auditor.policy.nodes import instant
from auditor.policy.yaml.reader import parse
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.evidence.facts import product_and_set_names
from auditor.render.text.labels import Labels
from tests.builders.result.actions import with_actions
from tests.package.tree import ROOT

PAGE = ROOT / "docs" / "recipes.md"
SECTION = re.compile(r"^## (?P<title>.+)\n(?P<body>(?:(?!^## ).*\n?)*)", re.MULTILINE)
BLOCK = re.compile(r"```yaml\n(.*?)```\n", re.DOTALL)
REPORT = re.compile(r"\nThe report says:\n\n```text\n.*?```\n", re.DOTALL)


class Recipe(Struct, frozen=True, kw_only=True):
    """A recipe: a section of the page."""

    title: str
    policy: str
    test: str


def recipes(page: str) -> Iterator[Recipe]:
    """Yield the recipes of a page."""
    for section in SECTION.finditer(page):
        policy, test = BLOCK.findall(section["body"])
        yield Recipe(title=section["title"], policy=policy, test=test)


def reported(recipe: Recipe) -> str:
    """Return the report's findings and actions for the tenants of the recipe's first test, as text."""
    policies = load([("recipe.yaml", recipe.policy.encode())], bases=installed_base).policies
    tests = parse(recipe.test.encode(), file="recipe_test.yaml").value
    assert isinstance(tests, dict)
    test = tests["tests"][0]
    as_of, catalogue = instant(test["asOf"]), builtin()
    assert as_of is not None
    tenants = test.get("tenants") or [{"name": "contoso", **test["given"]}]
    states = [fixture_snapshot(tenant["name"], tenant, catalogue, as_of) for tenant in tenants]
    earlier = {tenant["name"]: fixture_dates(tenant, catalogue) for tenant in tenants}
    result = with_actions(audit(states, policies, catalogue, as_of, earlier=earlier), policies)
    return "".join(f"{line}\n" for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    l10n = Labels("en")
    results: list[TenantResult | FleetResult] = [*result.tenants, result.fleet]
    for scope_result in results:
        names = product_and_set_names(scope_result, l10n) if isinstance(scope_result, TenantResult) else {}
        for finding in scope_result.findings:
            about = (finding.subject.name or finding.subject.id, named_product(finding, names))
            waived = "" if finding.status is Status.OPEN else f" ({finding.status})"
            yield f"{' · '.join(dict.fromkeys(filter(None, about)))}: {l10n.check(finding.check)}{waived}"
            yield f"    {evidence_text(finding, l10n)}"
        for action in scope_result.actions:
            yield f"What to do: {action.title}"


def rewritten(page: str) -> str:
    """Return the page with the current reports."""

    def with_report(section: re.Match[str]) -> str:
        (recipe,) = recipes(section[0])
        body = REPORT.sub("", section[0]).rstrip("\n")
        return f"{body}\n\nThe report says:\n\n```text\n{reported(recipe)}```\n\n"

    return SECTION.sub(with_report, page).rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
