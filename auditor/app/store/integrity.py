"""Checks which nights and results of a store are complete, and what objects belong to none."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar

from msgspec import Struct

from auditor.app.locations import store_at
from auditor.app.store.commands import known_tenants
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.history.result_log import Entry, Ledger, since_checkpoint
from auditor.store.commit import Night, damaged
from auditor.store.plans import change_log_names, read_change_log
from auditor.store.store import Store

_NUMBER: Final = re.compile("[^/]+/(?:results|findings)/([0-9]{6,})[-.][^/]*")
"""An object of a result; the first digits show which."""
Item = TypeVar("Item")


class Checked(Struct, frozen=True, kw_only=True):
    """The outcome of checking one night or result."""

    tenant: str
    kind: Literal["night", "result", "change-log", "remains", "temporary"]
    """Kind of the object.

    Remains are objects whose night or result has no other object; a temporary file belongs to a writer that was killed
    or is still running.
    """
    found: Night | Entry | None
    """None where the commit itself is damaged or lost."""
    wrong: Message | None
    """What is missing or damaged; None for what is whole."""
    name: str | None = None
    """The name of a temporary file or of a log of changes."""


def check(where: Path | str, tenants: Sequence[str] = ()) -> Iterator[Checked]:
    """Check every object of nights and results against its digest; each is read once.

    Raises UsageError for an unknown tenant, and SnapshotError for a night or result of a newer version.
    """
    store = store_at(where).require()
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
                wrong = _wrong(partial(read_change_log, store.backend), name)
                yield Checked(tenant=tenant, kind="change-log", found=None, wrong=wrong, name=name)
    for name in store.backend.temporary():
        tenant = name.partition("/")[0]
        if not tenants or tenant in tenants:
            yield Checked(tenant=tenant, kind="temporary", found=None, wrong=None, name=name)


def _nights(store: Store, tenant: str, names: Sequence[str]) -> Iterator[Checked]:
    wrong_parts: dict[str, Message | None] = {}
    commits = list(store.commits(tenant))
    for _, night in commits:
        if isinstance(night, SnapshotError):
            yield Checked(tenant=tenant, kind="night", found=None, wrong=_harm(night))
            continue
        for entry in night.parts:
            if entry.name not in wrong_parts:
                wrong_parts[entry.name] = _wrong(store.check, entry)
        wrong = next((w for w in (wrong_parts[e.name] for e in night.parts) if w is not None), None)
        yield Checked(tenant=tenant, kind="night", found=night, wrong=wrong)
    if not commits and any(name.startswith(f"{tenant}/parts/") for name in names):
        # Retention keeps the newest night of every tenant.
        lost = damaged(f"{store.address}/{tenant}/nights", Message("has no commit, but has parts of nights"))
        yield Checked(tenant=tenant, kind="remains", found=None, wrong=lost.message)


def _results(store: Store, tenant: str, names: Sequence[str]) -> Iterator[Checked]:
    ledger = Ledger(store.backend, tenant)
    commits = list(ledger.commits())
    existing = {name for name in names if name.startswith(f"{tenant}/findings/")}
    if not commits and existing:
        lost = damaged(f"{store.address}/{tenant}/results", Message("has no commit, but has findings of results"))
        yield Checked(tenant=tenant, kind="remains", found=None, wrong=lost.message)
        return
    needed = {entry.number for entry in since_checkpoint([e for _, e in commits if isinstance(e, Entry)])}
    # Retention deletes findings from the oldest on, so none after the first remaining ones may be missing.
    retained = False
    for _, entry in commits:
        if isinstance(entry, SnapshotError):
            yield Checked(tenant=tenant, kind="result", found=None, wrong=_harm(entry))
            continue
        retained = retained or entry.events in existing or entry.number in needed
        yield Checked(
            tenant=tenant, kind="result", found=entry, wrong=_wrong(ledger.check, entry) if retained else None
        )
    for number in _lost({name for name, _ in commits}, existing):
        lost = damaged(
            f"{store.address}/{ledger.commit_name(number)}", Message("is missing: results are numbered without gaps")
        )
        yield Checked(tenant=tenant, kind="result", found=None, wrong=lost.message)


def _lost(commits: set[str], findings: set[str]) -> list[int]:
    """Return the numbers of results that must have existed: those below any other, except for one being written."""
    recorded, existing = (
        {int(match[1]) for match in map(_NUMBER.fullmatch, names) if match is not None} for names in (commits, findings)
    )
    # Findings are written before their commit: the next number may be that of a writer that has not ended, or never
    # did.
    return [number for number in range(1, max(recorded | existing, default=0)) if number not in recorded]


def _wrong(check: Callable[[Item], object], entry: Item) -> Message | None:
    try:
        check(entry)
    except SnapshotError as error:
        return _harm(error)
    return None


def _harm(error: SnapshotError) -> Message:
    """Return what is damaged; anything else that went wrong is raised."""
    if error.slug != "store-damaged":
        raise error
    return error.message
