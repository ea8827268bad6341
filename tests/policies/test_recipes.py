"""The recipes of docs/recipes.md: sound policies, tests that pass, reports that say what the page quotes."""

import json
from pathlib import Path

import pytest

from tests.builders.service.command_line import call, expect
from tests.policies.recipes import PAGE, recipes, rewritten


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the policies and tests of the recipes in `policies/`, and of those that extend in `extending/`."""
    root = tmp_path_factory.mktemp("recipes")
    for name in ("policies", "extending"):
        (root / name).mkdir()
    for number, recipe in enumerate(recipes(PAGE.read_text(encoding="utf-8"))):
        name = "extending" if "\nextends:" in recipe.policy else "policies"
        (root / name / f"recipe-{number}.yaml").write_text(recipe.policy, encoding="utf-8")
        (root / name / f"recipe-{number}_test.yaml").write_text(recipe.test, encoding="utf-8")
    return root


@pytest.mark.slow
def test_each_stands_alone_and_the_page_quotes_its_report() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = list(recipes(page))
    assert len(found) == 21
    assert rewritten(page) == page, "python -m tests.policies.recipes"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["policies", "extending"])
def test_they_are_valid_and_their_tests_pass(folder: Path, name: str) -> None:
    ran = expect(0, "validate", "--strict", name, cwd=folder)
    ran = call("test", name, cwd=folder)
    assert ran.code == 0, ran.err + ran.text


@pytest.mark.slow
def test_the_demo_is_audited_with_them(folder: Path) -> None:
    ran = call("audit", "--demo", "-f", "json", "--as-of", "2026-11-20T02:17:00Z", "policies", cwd=folder)
    assert ran.code in {1, 3}, ran.err
    result = json.loads((folder / "out" / "result.json").read_text(encoding="utf-8"))
    contoso = next(tenant for tenant in result["tenants"] if tenant["name"] == "contoso")
    outcomes = {policy["id"]: policy["status"] for policy in contoso["policies"]}
    assert len(outcomes) == 19, "all but the one about the fleet"
    assert {name for name, outcome in outcomes.items() if outcome == "fail"} >= {"guests-unpaid", "one-office"}
    assert list(outcomes.values()).count("not-evaluated") < 6
