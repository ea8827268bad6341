"""Retention policies such as `35d,24m`, which decide which nights of a tenant are kept."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Final

from msgspec import Struct

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.snapshot.manifest import format_instant
from auditor.store.commit import Night, PartEntry

_TERM: Final = re.compile("([1-9][0-9]{0,4})([dm])")
_MAX_AMOUNTS: Final = {"d": 36_500, "m": 1_200}
"""A hundred years; dates stay within the range of datetime."""
_MAX_AHEAD: Final = timedelta(days=1)
"""How far in the future a night may be, by the clock."""
_WEEK: Final = timedelta(days=7)
SAMPLE_SIZE: Final = 10
"""Number of latest nights and results whose intervals show how often the store is written."""


class Keep(Struct, frozen=True, kw_only=True):
    """Keeps every night of the last `days` days, and one of each of the last `months` months.

    This is the first complete night of a month, or its first night if none is complete.
    """

    days: int
    months: int

    @property
    def longest(self) -> timedelta:
        """The age beyond which nothing is kept."""
        return timedelta(days=max(self.days, self.months * 31))


class Pruning(Struct, frozen=True, kw_only=True):
    """The changes that a retention policy makes to the nights of one tenant."""

    tenant: str
    kept: tuple[Night, ...]
    deleted: tuple[Night, ...]
    removed: tuple[PartEntry, ...]
    """Objects that no kept night needs."""
    still_needed: tuple[PartEntry, ...]
    """Objects of deleted nights that are kept because kept nights are built on them."""

    @property
    def freed(self) -> int:
        """Bytes that are freed."""
        return sum(entry.size for entry in self.removed)


def parse_keep(text: str) -> Keep:
    """Parse `35d`, `24m` or both with a comma. Raises UsageError for anything else."""
    amounts: dict[str, int] = {}
    for word in text.split(","):
        match = _TERM.fullmatch(word.strip())
        if match is None or match[2] in amounts or int(match[1]) > _MAX_AMOUNTS[match[2]]:
            raise UsageError(
                "keep-wrong",
                Message("'{text}' is not a retention rule", text=text),
                hint=Message("write 35d,24m: every night of 35 days, and one a month for 24 months"),
            )
        amounts[match[2]] = int(match[1])
    return Keep(days=amounts.get("d", 0), months=amounts.get("m", 0))


def prune(nights: Sequence[Night], keep: Keep, now: datetime) -> Pruning:
    """Apply a retention policy to the nights of one tenant; the newest one and the newest complete one are always kept.

    Raises UsageError as `check_not_behind` does.
    """
    ordered = sorted(nights, key=lambda night: night.instant)
    newest = ordered[-1]
    check_not_behind(newest.tenant, newest.instant, now)
    kept_instants = {newest.instant}
    kept_instants.update([night.instant for night in ordered if night.manifest.complete][-1:])
    since = now - timedelta(days=keep.days)
    kept_instants.update(night.instant for night in ordered if night.instant >= since)
    for (year, month), nights_of_month in groupby(ordered, key=lambda night: (night.instant.year, night.instant.month)):
        candidates = list(nights_of_month)
        if (now.year - year) * 12 + now.month - month < keep.months:
            kept_instants.add(next((night for night in candidates if night.manifest.complete), candidates[0]).instant)
    kept = tuple(night for night in ordered if night.instant in kept_instants)
    deleted = tuple(night for night in ordered if night.instant not in kept_instants)
    needed = {entry.name for night in kept for entry in night.parts}
    still_needed = needed & {night.parts[-1].name for night in deleted}
    deleted_objects = sorted({entry.name: entry for night in deleted for entry in night.parts}.items())
    return Pruning(
        tenant=newest.tenant,
        kept=kept,
        deleted=deleted,
        removed=tuple(entry for name, entry in deleted_objects if name not in needed),
        still_needed=tuple(entry for name, entry in deleted_objects if name in still_needed),
    )


def check_not_behind(tenant: str, instant: datetime, now: datetime) -> None:
    """Raise UsageError if the newest night is more than a day ahead of the clock, which must then be wrong."""
    if instant > now + _MAX_AHEAD:
        raise UsageError(
            "keep-clock",
            Message(
                "the newest night of {tenant} is from {instant}, but the clock shows {now}",
                tenant=tenant,
                instant=format_instant(instant),
                now=format_instant(now),
            ),
            hint=Message("correct the clock; nothing was deleted"),
        )


def check_not_ahead(instants: Iterable[datetime], now: datetime) -> None:
    """Raise UsageError if the clock is implausibly far ahead of the newest of all nights and results.

    The limit is three times the median interval of the last ten, but at least seven days. All tenants are considered
    together, so that a tenant that is no longer collected does not matter.
    """
    ordered = sorted(set(instants))[-SAMPLE_SIZE:]
    if not ordered:
        return
    intervals = sorted(later - earlier for earlier, later in pairwise(ordered))
    allowed = max(_WEEK, 3 * intervals[len(intervals) // 2]) if intervals else _WEEK
    if now - ordered[-1] > allowed:
        raise UsageError(
            "keep-clock",
            Message(
                "the newest night or result of the store is from {ordered}, but the clock shows {now}",
                ordered=format_instant(ordered[-1]),
                now=format_instant(now),
            ),
            hint=Message(
                "correct the clock; if it is correct, specify the instant from which ages are "
                "counted with --as-of; nothing was deleted"
            ),
        )
