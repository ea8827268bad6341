"""The recipes of docs/recipes.md: valid policies, passing tests, and reports as quoted on the page."""

import json
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, call, expect
from tests.policies.recipes import PAGE, recipes, rewritten

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipes that extend a policy set in `extending/`, and all others in `policies/`."""
    root = tmp_path_factory.mktemp("recipes")
    for name in ("policies", "extending"):
        (root / name).mkdir()
    for number, recipe in enumerate(recipes(PAGE.read_text(encoding="utf-8"))):
        name = "extending" if "\nextends:" in recipe.policy else "policies"
        (root / name / f"recipe-{number}.yaml").write_text(recipe.policy, encoding="utf-8")
        (root / name / f"recipe-{number}_test.yaml").write_text(recipe.test, encoding="utf-8")
    return root


def test_page_has_nine_recipes_with_their_current_reports() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(list(recipes(page))) == 9
    assert rewritten(page) == page, "python -m tests.policies.recipes"


@pytest.mark.parametrize("name", ["policies", "extending"])
def test_recipes_are_valid_and_their_tests_pass(folder: Path, name: str) -> None:
    completed = expect(0, "validate", "--strict", "--as-of", AS_OF, name, cwd=folder)
    completed = call("test", name, cwd=folder)
    assert completed.code == 0, completed.err + completed.text


def test_demo_is_audited_with_the_recipes(folder: Path) -> None:
    completed = call("audit", "--demo", "-f", "json", "--as-of", "2026-11-20T02:17:00Z", "policies", cwd=folder)
    assert completed.code in {1, 3}, completed.err
    result = json.loads((folder / "out" / "result.json").read_text(encoding="utf-8"))
    contoso = next(tenant for tenant in result["tenants"] if tenant["name"] == "contoso")
    outcomes = {policy["id"]: policy["status"] for policy in contoso["policies"]}
    assert len(outcomes) == 8, "all recipes in policies/"
    assert {name for name, outcome in outcomes.items() if outcome == "fail"} >= {"frontline-f3-only", "monthly-budget"}
    assert list(outcomes.values()).count("not-evaluated") < 2
