"""Exceptions of six kinds for six tenants of eight, raised by a public function of a stage, and what has to come of it."""

import functools
import inspect
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.builders.service.command_line import Ran

FAILING: Final = "fabrikam"
THREE: Final = ("contoso", FAILING, "woodgrove")
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


BREAKING: Final = dict(zip((FAILING, "adatum", "litware", "northwind", "proseware", "tailspin"), KINDS, strict=True))
"""A tenant for each kind of exception."""
NAMES: Final = ("contoso", *BREAKING, "woodgrove")


def names_in(name: str, values: Collection[object]) -> bool:
    """Whether an argument is about a tenant."""
    return any(name in str(each)[:100_000] if isinstance(each, Path | str) else _bears(each, name) for each in values)


def _bears(value: object, name: str) -> bool:
    for path in (
        "name", "tenant", "manifest.tenant", "facts.manifest.tenant", "tenant.name", "graph.tenant.name",
        "plan.facts.manifest.tenant", "bound.facts.manifest.tenant", "_tenant.name", "known.tenant.name",
    ):  # fmt: skip
        found: Any = value
        for part in path.split("."):
            found = getattr(found, part, None)
        if found == name:
            return True
    return False


def failing(monkeypatch: pytest.MonkeyPatch, phase: str, breaking: Mapping[str, str] = BREAKING) -> None:
    """Let a public function of a module, or a method of a class, raise for tenants an exception of their kind."""
    owner, _, name = phase.rpartition(".")
    module, _, held = owner.partition(":")
    where: Any = __import__(module, fromlist=["x"])
    where = functools.reduce(getattr, held.split("."), where) if held else where
    real = getattr(where, name)

    def raise_for(values: Collection[object]) -> None:
        for tenant, kind in breaking.items():
            if names_in(tenant, values):
                raise made(kind)

    if inspect.iscoroutinefunction(real):

        async def awaited(*args: Any, **more: Any) -> Any:
            raise_for(args)
            return await real(*args, **more)

        monkeypatch.setattr(where, name, awaited)
        return

    def called(*args: Any, **more: Any) -> Any:
        raise_for(args)
        return real(*args, **more)

    monkeypatch.setattr(where, name, called)


def assert_contained(
    ran: Ran, folder: Path, breaking: Mapping[str, str] = BREAKING, names: Collection[str] = NAMES
) -> None:
    """The failing tenants are told as such, the others as ever, and nothing is quoted."""
    assert ran.code == 3, ran.err
    document = json.loads((folder / "out" / "result.json").read_text())
    by_name = {tenant["name"]: tenant for tenant in document["tenants"]}
    assert set(by_name) == set(names)
    for name, kind in breaking.items():
        assert not by_name[name]["complete"], name
        assert by_name[name]["findings"] == []
        assert {outcome["status"] for outcome in by_name[name]["policies"]} <= {"not-evaluated"}
        (reason,) = {source["reason"] for source in by_name[name]["sources"]}
        assert "\n" not in reason
        if kind not in {"OSError", "MemoryError"}:
            assert "bug" in reason
    for name in set(names) - set(breaking):
        assert any(outcome["status"] in {"pass", "fail"} for outcome in by_name[name]["policies"]), by_name[name]
    assert SENTENCE not in ran.err + ran.text + json.dumps(document)
