"""Checks which nights and results of a store are complete, and finds objects that belong to none of them."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar

from msgspec import Struct

from auditor.app.locations import store_at
from auditor.app.store.nights import known_tenants
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.history.logged_result import LoggedResult, since_checkpoint
from auditor.history.result_log import ResultLog
from auditor.store.commit import Night, damaged
from auditor.store.plans import change_log_names, read_change_log
from auditor.store.store import Store

_RESULT_OBJECT: Final = re.compile("[^/]+/(?:results|findings)/([0-9]{6,})[-.][^/]*")
"""The name of an object of a result; the group is the number of the result."""
Item = TypeVar("Item")


class IntegrityCheck(Struct, frozen=True, kw_only=True):
    """The outcome of checking one night or result."""

    tenant: str
    kind: Literal["night", "result", "change-log", "remains", "temporary"]
    """Kind of the object.

    Remains are objects without the commit of their night or result; a temporary file belongs to a writer that was
    killed or is still running.
    """
    found: Night | LoggedResult | None
    """None if the commit itself is damaged or missing."""
    wrong: Message | None
    """What is missing or damaged; None if it is complete."""
    name: str | None = None
    """The name of a temporary file or of a log of changes."""


def check(location: Path | str, tenants: Sequence[str] = ()) -> Iterator[IntegrityCheck]:
    """Check every object of nights and results against its digest, reading each once.

    Raises UsageError for an unknown tenant, and SnapshotError for a night or result of a newer version.
    """
    store = store_at(location).require()
    by_tenant: dict[str, list[str]] = {}
    for name in store.backend.names(""):
        tenant, separator, _ = name.partition("/")
        if separator:
            by_tenant.setdefault(tenant, []).append(name)
    known_tenants(tenants, by_tenant.keys())
    for tenant, names in by_tenant.items():
        if not tenants or tenant in tenants:
            yield from _nights(store, tenant, names)
            yield from _results(store, tenant, names)
            for name in change_log_names(store.backend, tenant):
                damage = _damage_of(partial(read_change_log, store.backend), name)
                yield IntegrityCheck(tenant=tenant, kind="change-log", found=None, wrong=damage, name=name)
    for name in store.backend.temporary():
        tenant = name.partition("/")[0]
        if not tenants or tenant in tenants:
            yield IntegrityCheck(tenant=tenant, kind="temporary", found=None, wrong=None, name=name)


def _nights(store: Store, tenant: str, names: Sequence[str]) -> Iterator[IntegrityCheck]:
    damage_by_part: dict[str, Message | None] = {}
    commits = list(store.commits(tenant))
    for _, night in commits:
        if isinstance(night, SnapshotError):
            yield IntegrityCheck(tenant=tenant, kind="night", found=None, wrong=_damage_message(night))
            continue
        for entry in night.parts:
            if entry.name not in damage_by_part:
                damage_by_part[entry.name] = _damage_of(store.check, entry)
        damage = next((w for w in (damage_by_part[e.name] for e in night.parts) if w is not None), None)
        yield IntegrityCheck(tenant=tenant, kind="night", found=night, wrong=damage)
    if not commits and any(name.startswith(f"{tenant}/parts/") for name in names):
        # Parts without any commit are damage, because retention keeps the newest night of every tenant.
        error = damaged(f"{store.address}/{tenant}/nights", Message("has no commit, but has parts of nights"))
        yield IntegrityCheck(tenant=tenant, kind="remains", found=None, wrong=error.message)


def _results(store: Store, tenant: str, names: Sequence[str]) -> Iterator[IntegrityCheck]:
    result_log = ResultLog(store.backend, tenant)
    commits = list(result_log.commits())
    existing = {name for name in names if name.startswith(f"{tenant}/findings/")}
    if not commits and existing:
        error = damaged(f"{store.address}/{tenant}/results", Message("has no commit, but has findings of results"))
        yield IntegrityCheck(tenant=tenant, kind="remains", found=None, wrong=error.message)
        return
    needed = {entry.number for entry in since_checkpoint([e for _, e in commits if isinstance(e, LoggedResult)])}
    # Retention deletes findings starting with the oldest, so that after the first existing one none may be missing.
    retained = False
    for _, entry in commits:
        if isinstance(entry, SnapshotError):
            yield IntegrityCheck(tenant=tenant, kind="result", found=None, wrong=_damage_message(entry))
            continue
        retained = retained or entry.events in existing or entry.number in needed
        yield IntegrityCheck(
            tenant=tenant, kind="result", found=entry, wrong=_damage_of(result_log.check, entry) if retained else None
        )
    for number in _missing_numbers({name for name, _ in commits}, existing):
        error = damaged(
            f"{store.address}/{result_log.commit_name(number)}",
            Message("is missing: results are numbered without gaps"),
        )
        yield IntegrityCheck(tenant=tenant, kind="result", found=None, wrong=error.message)


def _missing_numbers(commits: set[str], findings: set[str]) -> list[int]:
    """Return the numbers of missing results: those below the highest number that have no commit."""
    recorded, existing = (
        {int(match[1]) for match in map(_RESULT_OBJECT.fullmatch, names) if match is not None}
        for names in (commits, findings)
    )
    # Findings are written before their commit: the highest number may belong to a writer that is still running or was
    # killed.
    return [number for number in range(1, max(recorded | existing, default=0)) if number not in recorded]


def _damage_of(check: Callable[[Item], object], entry: Item) -> Message | None:
    try:
        check(entry)
    except SnapshotError as error:
        return _damage_message(error)
    return None


def _damage_message(error: SnapshotError) -> Message:
    """Return the message of a damaged object; any other error is raised."""
    if error.slug != "store-damaged":
        raise error
    return error.message
