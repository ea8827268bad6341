"""Raises exceptions of six kinds for six of eight tenants in a public function of a stage, and checks the outcome."""

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


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the user have no home folder, as a user of a container without an account."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)


def made(kind: str) -> BaseException:
    """Return a new exception of a kind; one that was raised before keeps its traceback."""
    return KINDS[kind]()


BREAKING: Final = dict(zip((FAILING, "adatum", "litware", "northwind", "proseware", "tailspin"), KINDS, strict=True))
"""A tenant for each kind of exception."""
NAMES: Final = ("contoso", *BREAKING, "woodgrove")


def names_in(name: str, values: Collection[object]) -> bool:
    """Return whether an argument is about a tenant."""
    return any(
        name in str(value)[:100_000] if isinstance(value, Path | str) else _has_name(value, name) for value in values
    )


def _has_name(value: object, name: str) -> bool:
    for path in (
        "name", "tenant", "manifest.tenant", "facts.manifest.tenant", "tenant.name", "graph.tenant.name",
        "plan.facts.manifest.tenant", "bound.facts.manifest.tenant", "_tenant.name", "known.tenant.name",
    ):  # fmt: skip
        attribute: Any = value
        for part in path.split("."):
            attribute = getattr(attribute, part, None)
        if attribute == name:
            return True
    return False


def failing(monkeypatch: pytest.MonkeyPatch, phase: str, breaking: Mapping[str, str] = BREAKING) -> None:
    """Patch a public function of a module, or a method of a class, to raise an exception of a kind for each tenant."""
    owner, _, name = phase.rpartition(".")
    module, _, class_path = owner.partition(":")
    target: Any = __import__(module, fromlist=["x"])
    target = functools.reduce(getattr, class_path.split("."), target) if class_path else target
    original = getattr(target, name)

    def raise_for(values: Collection[object]) -> None:
        for tenant, kind in breaking.items():
            if names_in(tenant, values):
                raise made(kind)

    if inspect.iscoroutinefunction(original):

        async def awaited(*args: Any, **options: Any) -> Any:
            raise_for(args)
            return await original(*args, **options)

        monkeypatch.setattr(target, name, awaited)
        return

    def called(*args: Any, **options: Any) -> Any:
        raise_for(args)
        return original(*args, **options)

    monkeypatch.setattr(target, name, called)


def assert_contained(
    ran: Ran, folder: Path, breaking: Mapping[str, str] = BREAKING, names: Collection[str] = NAMES
) -> None:
    """Check that failing tenants are reported as such, the others as usual, and that no exception is quoted."""
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
