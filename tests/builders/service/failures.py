"""Exceptions of six kinds for one of three tenants, raised by a public function of a stage, and what has to come of it."""

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.builders.service.command_line import Ran

NAMES: Final = ("contoso", "fabrikam", "woodgrove")
FAILING: Final = "fabrikam"
POLICY = """\
version: 1
policies:
- {id: leavers, severity: medium, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
- {id: spare, severity: low, seats: {of: paid, spare: {min: 1}}}
- {id: stores, severity: low, users: {memberOf: Stores}, assignments: {require: [SPE_F1]}}
- {id: idle, severity: low, users: {inactiveFor: 90d}, assignments: {of: paid, allow: []}}
"""
SENTENCE = "a-secret-that-an-exception-quotes"


KINDS: dict[str, Callable[[], BaseException]] = {
    "Exception": lambda: Exception(SENTENCE),
    "ExceptionGroup": lambda: ExceptionGroup(SENTENCE, [ValueError(SENTENCE)]),
    "OSError": lambda: OSError(5, "Input/output error", SENTENCE),
    "UnicodeError": lambda: UnicodeEncodeError("ascii", SENTENCE, 0, 1, SENTENCE),
    "MemoryError": MemoryError,
    "SystemExit": lambda: SystemExit(0),
}


def made(kind: str) -> BaseException:
    """An exception of a kind, new each time: what was raised once carries its traceback."""
    return KINDS[kind]()


kinds = pytest.mark.parametrize("kind", KINDS)


def names_in(*values: object) -> bool:
    """Whether an argument is about the failing tenant."""
    return any(FAILING in str(value)[:100_000] if isinstance(value, Path | str) else _bears(value) for value in values)


def _bears(value: object) -> bool:
    for path in (
        "name", "tenant", "manifest.tenant", "facts.manifest.tenant", "tenant.name", "graph.tenant.name",
        "plan.facts.manifest.tenant", "bound.facts.manifest.tenant", "_tenant.name", "known.tenant.name",
    ):  # fmt: skip
        found: Any = value
        for part in path.split("."):
            found = getattr(found, part, None)
        if found == FAILING:
            return True
    return False


def failing(monkeypatch: pytest.MonkeyPatch, phase: str, kind: str) -> None:
    """Let a public function of a module, or a method of a class, raise for the failing tenant."""
    owner, _, name = phase.rpartition(".")
    module, _, held = owner.partition(":")
    where: Any = __import__(module, fromlist=["x"])
    where = functools.reduce(getattr, held.split("."), where) if held else where
    real = getattr(where, name)
    if inspect.iscoroutinefunction(real):

        async def awaited(*args: Any, **more: Any) -> Any:
            if names_in(*args):
                raise made(kind)
            return await real(*args, **more)

        monkeypatch.setattr(where, name, awaited)
        return

    def called(*args: Any, **more: Any) -> Any:
        if names_in(*args):
            raise made(kind)
        return real(*args, **more)

    monkeypatch.setattr(where, name, called)


def assert_contained(ran: Ran, folder: Path, kind: str) -> None:
    """The failing tenant is told as such, the others as ever, and nothing is quoted."""
    assert ran.code == 3, ran.err
    document = json.loads((folder / "out" / "result.json").read_text())
    by_name = {tenant["name"]: tenant for tenant in document["tenants"]}
    assert set(by_name) == set(NAMES)
    assert not by_name[FAILING]["complete"]
    assert by_name[FAILING]["findings"] == []
    assert {outcome["status"] for outcome in by_name[FAILING]["policies"]} <= {"not-evaluated"}
    (reason,) = {source["reason"] for source in by_name[FAILING]["sources"]}
    assert "\n" not in reason
    if kind not in {"OSError", "MemoryError"}:
        assert "bug" in reason
    for name in set(NAMES) - {FAILING}:
        assert any(outcome["status"] in {"pass", "fail"} for outcome in by_name[name]["policies"]), by_name[name]
    assert SENTENCE not in ran.err + ran.text + json.dumps(document)
