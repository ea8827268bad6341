"""AUDITOR_* variables: below the flag, above the default, and refused like the flag."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.cli.arguments.environment import fill_in
from auditor.cli.arguments.options import instant
from auditor.domain.errors import UsageError
from tests.builders.service.command_line import AS_OF, call, expect


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--as-of", type=instant)
    parser.add_argument("--snapshot", action="append", type=Path, default=[])
    parser.add_argument("--redact", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--size", choices=("small", "large"), default="small")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--tenants", type=Path)
    parser.add_argument("--send", action="store_true")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--dry-run", action="store_true")
    end.add_argument("--delete", action="store_true")
    found = parser.parse_args(arguments)
    fill_in(parser, found, arguments)
    return found


def test_the_environment_fills_what_no_flag_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_AS_OF", "2026-11-20")
    monkeypatch.setenv("AUDITOR_SNAPSHOT", "one, two")
    monkeypatch.setenv("AUDITOR_REDACT", "Yes")
    monkeypatch.setenv("AUDITOR_VERBOSE", "1")
    monkeypatch.setenv("AUDITOR_SIZE", "large")
    found = parsed()
    assert found.as_of == datetime(2026, 11, 20, tzinfo=UTC)
    assert found.snapshot == [Path("one"), Path("two")]
    assert (found.redact, found.verbose, found.size) == (True, 1, "large")


def test_a_flag_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_AS_OF", "2026-11-20")
    monkeypatch.setenv("AUDITOR_SNAPSHOT", "one")
    found = parsed("--as-of", "2026-01-01", "--snapshot", "flag")
    assert found.as_of == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.snapshot == [Path("flag")]
    monkeypatch.setenv("AUDITOR_SIZE", "large")
    assert parsed("--size", "small").size == "small"
    assert parsed("--size=small").size == "small"


def test_a_flag_goes_before_variables_that_it_excludes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_DELETE", "1")
    monkeypatch.setenv("AUDITOR_SNAPSHOT", "nights")
    monkeypatch.setenv("AUDITOR_TENANTS", "tenants.yaml")
    found = parsed("--dry-run", "--demo")
    assert (found.dry_run, found.delete) == (True, False)
    assert (found.demo, found.snapshot, found.tenants) == (True, [], None)
    assert parsed("--tenants", "mine.yaml").snapshot == []
    assert parsed("--tenants", "mine.yaml", "--send").snapshot == [Path("nights")]


@pytest.mark.slow
def test_what_is_looked_at_is_what_the_flag_says(tmp_path: Path) -> None:
    ran = expect(
        1,
        "audit",
        "--demo",
        "--as-of",
        AS_OF,
        "-f",
        "json",
        cwd=tmp_path,
        AUDITOR_TENANTS="x",
        AUDITOR_SNAPSHOT="y",
    )
    ran = call("audit", "--snapshot", "none", cwd=tmp_path, AUDITOR_DEMO="1", AUDITOR_TENANTS="x")
    assert "[snapshot-missing]" in ran.err


@pytest.mark.parametrize(("name", "value"), [("AS_OF", "soon"), ("REDACT", "perhaps"), ("SIZE", "huge")])
def test_what_the_flag_would_refuse_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"AUDITOR_{name}", value)
    with pytest.raises(UsageError, match=f"AUDITOR_{name}"):
        parsed()


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["audit", "--engine", "duck"], "'duck' is not one of local, spark"),
        (["explain", "SPE_E3", "--cloud", "azure"], "'azure' is not one of worldwide, usgov"),
        (["init", "x", "--agreement", "ea"], "'ea' is not one of mca, mosa"),
    ],
)
def test_what_an_option_may_say_is_listed_where_a_word_is_none_of_it(
    arguments: list[str], known: str, tmp_path: Path
) -> None:
    ran = call(*arguments, cwd=tmp_path)
    assert (ran.code, known in ran.err) == (2, True)
    assert "ist keines von" in call(*arguments, "--locale", "de", cwd=tmp_path).err
    assert not list(tmp_path.iterdir())
