"""AUDITOR_* variables: below the flag, above the default, and refused like the flag."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.cli.environment import fill_in
from auditor.cli.options import instant
from auditor.domain.errors import UsageError


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--as-of", type=instant)
    parser.add_argument("--snapshot", action="append", type=Path, default=[])
    parser.add_argument("--redact", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--size", choices=("small", "large"), default="small")
    found = parser.parse_args(words)
    fill_in(parser, found)
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


@pytest.mark.parametrize(("name", "value"), [("AS_OF", "soon"), ("REDACT", "perhaps"), ("SIZE", "huge")])
def test_what_the_flag_would_refuse_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"AUDITOR_{name}", value)
    with pytest.raises(UsageError, match=f"AUDITOR_{name}"):
        parsed()
