"""Groups tenants' recipients into one envelope per reader, and decides whether there is a reason to send it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar, assert_never

from msgspec import Struct

from auditor.app.recipients.filters import fits
from auditor.domain.enums import Severity
from auditor.domain.result.model import PolicyHeader, Result
from auditor.domain.settings import Attach, Channel, Digest, Recipient, Send, Tenant, channel_of, same_recipient
from auditor.result.aggregate import changes

T = TypeVar("T")
_MONDAY: Final = 0


class MailReason(StrEnum):
    """Why a mail is sent."""

    EVENT = "event"
    WEEKLY = "weekly"


class Envelope(Struct, frozen=True, kw_only=True):
    """The settings of one reader, from all tenants: a reader of two tenants gets one mail."""

    address: str
    locale: str
    portions: tuple[tuple[str, Recipient], ...]
    """(tenant, entry); a tenant occurs twice if two entries name the reader, and either may include a finding."""

    @property
    def channel(self) -> Channel:
        """The kind of channel that the address belongs to."""
        return channel_of(self.address)[0]

    @property
    def tenants(self) -> frozenset[str]:
        """Names of the tenants that this reader may see."""
        return frozenset(name for name, _ in self.portions)

    @property
    def digest(self) -> Digest:
        """Weekly if any entry says so."""
        weekly = any(entry.digest is Digest.WEEKLY for _, entry in self.portions)
        return Digest.WEEKLY if weekly else Digest.NEVER

    @property
    def attach(self) -> Attach:
        """The first attachment that any entry names."""
        return next((entry.attach for _, entry in self.portions if entry.attach is not Attach.NONE), Attach.NONE)

    def includes(self, tenant: str, severity: Severity, header: PolicyHeader | None) -> bool:
        """Return whether this reader gets findings of a severity and policy; `tenant` is empty for the fleet."""
        return any(fits(entry, severity, header) for name, entry in self.portions if tenant in {name, ""})

    def includes_owners(self, tenant: str, owners: Iterable[str]) -> bool:
        """Return whether this reader gets an action of some owners that has no findings."""
        action_owners = set(map(str.casefold, owners))
        return any(
            name == tenant
            and entry.severities is entry.tags is None
            and (entry.owners is None or not action_owners.isdisjoint(map(str.casefold, entry.owners)))
            for name, entry in self.portions
        )

    def scope(self) -> tuple[tuple[Severity, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the severities, owners and tags that filter the content; each is empty if there is no such filter."""
        entries = [entry for _, entry in self.portions]
        return (
            _union([entry.severities for entry in entries]),
            _union([entry.owners for entry in entries]),
            _union([entry.tags for entry in entries]),
        )


def envelopes(tenants: Sequence[Tenant], audited: Collection[str], *, fallback: str) -> tuple[Envelope, ...]:
    """Return an envelope for each address, sorted by address; `fallback` is the language if no entry specifies one."""
    by_address: dict[str, list[tuple[Tenant, Recipient]]] = {}
    for tenant in tenants:
        if tenant.name in audited:
            for entry in tenant.recipients:
                by_address.setdefault(same_recipient(entry.address), []).append((tenant, entry))
    return tuple(
        Envelope(
            address=entries[0][1].address,
            locale=next(
                filter(None, (*(entry.locale for _, entry in entries), *(tenant.locale for tenant, _ in entries))),
                fallback,
            ),
            portions=tuple((tenant.name, entry) for tenant, entry in entries),
        )
        for _, entries in sorted(by_address.items())
    )


def channel_envelopes(addresses: Iterable[str], result: Result, *, fallback: str) -> Iterator[Envelope]:
    """Yield an envelope for each channel that only the command line specifies; it gets all findings of all tenants."""
    locales = {tenant.locale for tenant in result.tenants if tenant.locale}
    for address in addresses:
        yield Envelope(
            address=address,
            locale=next(iter(locales)) if len(locales) == 1 else fallback,
            portions=tuple((tenant.name, Recipient(address=address)) for tenant in result.tenants),
        )


def reason(send: Send, result: Result, envelope: Envelope, *, weekly_sent: bool) -> MailReason | None:
    """Return the reason for mailing the reader's part of the result; None if there is none.

    An incomplete audit is always a reason.
    """
    match send:
        case Send.ALWAYS:
            due = True
        case Send.FAILURES:
            due = any(result.summary.open.values()) or not result.complete
        case Send.CHANGED:
            since = changes(result.tenants, result.fleet)
            changed = since.new or since.reopened or since.fixed
            due = result.run.previous is None or bool(changed) or not result.complete
        case _:
            assert_never(send)
    if due:
        return MailReason.EVENT
    weekly = envelope.digest is Digest.WEEKLY and result.run.as_of.astimezone(UTC).weekday() == _MONDAY
    return MailReason.WEEKLY if weekly and not weekly_sent else None


def week_of(instant: datetime) -> str:
    """Return the ISO week of an instant in UTC, such as `2026-W47`."""
    year, week, _ = instant.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02}"


def _union(choices: Sequence[tuple[T, ...] | None]) -> tuple[T, ...]:
    """Return the distinct values of all filters, in order; empty if one of them is None, and so matches everything."""
    if any(choice is None for choice in choices):
        return ()
    return tuple(dict.fromkeys(item for choice in choices if choice is not None for item in choice))
