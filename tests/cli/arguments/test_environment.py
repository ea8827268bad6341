"""AUDITOR_* variables: they override defaults, are overridden by options, and are validated like options."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.cli.arguments.environment import DIFFERENT, OPTIONS, fill_in
from auditor.cli.arguments.options import instant
from auditor.cli.main import COMMANDS, command_parser
from auditor.domain.errors import UsageError
from tests.builders.service.command_line import AS_OF, call, expect


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--as-of", type=instant)
    parser.add_argument("--snapshot", action="append", type=Path, default=[])
    parser.add_argument("--redact", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--engine", choices=("small", "large"), default="small")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--tenants", type=Path)
    parser.add_argument("--send", action="store_true")
    exclusive = parser.add_mutually_exclusive_group()
    exclusive.add_argument("--quiet", action="store_true")
    exclusive.add_argument("--names", action="store_true")
    options = parser.parse_args(arguments)
    fill_in("audit", parser, options, arguments)
    return options


def test_environment_variables_set_options_that_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_AS_OF", "2026-11-20")
    monkeypatch.setenv("AUDITOR_SNAPSHOT", "one, two")
    monkeypatch.setenv("AUDITOR_REDACT", "Yes")
    monkeypatch.setenv("AUDITOR_VERBOSE", "1")
    monkeypatch.setenv("AUDITOR_ENGINE", "large")
    options = parsed()
    assert options.as_of == datetime(2026, 11, 20, tzinfo=UTC)
    assert options.snapshot == [Path("one"), Path("two")]
    assert (options.redact, options.verbose, options.engine) == (True, 1, "large")


def test_given_option_overrides_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_AS_OF", "2026-11-20")
    monkeypatch.setenv("AUDITOR_SNAPSHOT", "one")
    options = parsed("--as-of", "2026-01-01", "--snapshot", "flag")
    assert options.as_of == datetime(2026, 1, 1, tzinfo=UTC)
    assert options.snapshot == [Path("flag")]
    monkeypatch.setenv("AUDITOR_ENGINE", "large")
    assert parsed("--engine", "small").engine == "small"
    assert parsed("--engine=small").engine == "small"


def test_given_option_overrides_variables_of_options_that_it_excludes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_NAMES", "1")
    monkeypatch.setenv("AUDITOR_SNAPSHOT", "nights")
    monkeypatch.setenv("AUDITOR_TENANTS", "tenants.yaml")
    options = parsed("--quiet", "--demo")
    assert (options.quiet, options.names) == (True, False)
    assert (options.demo, options.snapshot, options.tenants) == (True, [], None)
    assert parsed("--tenants", "mine.yaml").snapshot == []
    assert parsed("--tenants", "mine.yaml", "--send").snapshot == [Path("nights")]


@pytest.mark.slow
def test_demo_and_snapshot_options_override_variables_of_other_tenant_sources(tmp_path: Path) -> None:
    variables = {"AUDITOR_TENANTS": "x", "AUDITOR_SNAPSHOT": "y"}
    expect(1, "audit", "--demo", "--as-of", AS_OF, "-f", "json", cwd=tmp_path, **variables)
    completed = call("audit", "--snapshot", "none", cwd=tmp_path, AUDITOR_DEMO="1", AUDITOR_TENANTS="x")
    assert "[snapshot-missing]" in completed.err


@pytest.mark.parametrize("command", ["audit", "collect", "doctor", "plan", "send"])
def test_tenants_file_in_an_environment_variable_is_read_by_every_command(command: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("version: 2\n")
    (tmp_path / "result.json").write_text("{}")
    arguments = [command, *(["result.json"] if command == "send" else [])]
    completed = expect(2, *arguments, cwd=tmp_path, AUDITOR_TENANTS="mine.yaml")
    assert "mine.yaml:1:10: error[tenants-version]" in completed.err
    completed = expect(2, *arguments, "--tenants", "none.yaml", cwd=tmp_path, AUDITOR_TENANTS="mine.yaml")
    assert "none.yaml" in completed.err


@pytest.mark.parametrize(("name", "value"), [("AS_OF", "soon"), ("REDACT", "perhaps"), ("ENGINE", "huge")])
def test_invalid_value_in_an_environment_variable_is_an_error(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"AUDITOR_{name}", value)
    with pytest.raises(UsageError, match=f"AUDITOR_{name}"):
        parsed()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit", "--engine", "duck"], "'duck' is not one of local, spark"),
        (["explain", "SPE_E3", "--cloud", "azure"], "'azure' is not one of worldwide, usgov"),
        (["init", "x", "--agreement", "ea"], "'ea' is not one of mca, mosa"),
    ],
)
def test_invalid_choice_lists_the_valid_choices(arguments: list[str], message: str, tmp_path: Path) -> None:
    completed = call(*arguments, cwd=tmp_path)
    assert (completed.code, message in completed.err) == (2, True)
    assert "ist keines von" in call(*arguments, "--locale", "de", cwd=tmp_path).err
    assert not list(tmp_path.iterdir())


def declarations(command: str) -> dict[str, tuple[object, ...]]:
    """Return what the options of a command accept, by name."""
    _, parser = command_parser(command)
    return {
        option[2:]: (
            type(action),
            action.nargs,
            getattr(action.type, "__name__", None),
            isinstance(action.default, list),
        )
        for action in parser.arguments()
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_variables_set_only_options_that_accept_the_same_values_as_those_of_audit(command: str) -> None:
    audit = declarations("audit")
    assert audit.keys() == OPTIONS
    shared = declarations(command).keys() & audit.keys()
    with_variable = {name for name in shared if command not in DIFFERENT.get(name, ())}
    assert {name: declarations(command)[name] for name in with_variable} == {
        name: audit[name] for name in with_variable
    }


def test_variables_for_audits_do_not_affect_options_of_other_commands_with_another_meaning(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("skuPartNumber,price,currency\nSPE_E3,35.70,EUR\n")
    variables = {"AUDITOR_OUTPUT": "out", "AUDITOR_PLAN": "out/plan.json", "AUDITOR_FORMAT": "html,json,terminal"}
    expect(0, "prices", "import", "prices.csv", cwd=tmp_path, **variables)
    assert (tmp_path / "policies" / "prices.yaml").is_file()
    expect(0, "products", "exchange", cwd=tmp_path, **variables)
    assert "[tenants-missing]" in call("collect", cwd=tmp_path, **variables).err
    assert "[snapshot-missing]" in call("history", "nothing", cwd=tmp_path, **variables).err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policies", "prices.csv"]
