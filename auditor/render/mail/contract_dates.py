"""Builds the lines of a mail about contract dates."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.render.mail.view import UpcomingDate
from auditor.render.text.evidence.contracts import contract_dates, contract_seats
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import single_line

ENDED: Final = timedelta(days=30)
"""How long an ended contract is still listed."""


def contracts_of(findings: Iterable[Finding]) -> frozenset[str]:
    """Return the ids of the contracts that open findings name."""
    contract_findings = (
        finding for finding in findings if finding.status is Status.OPEN and finding.check.startswith("contract.")
    )
    return frozenset(
        name
        for finding in contract_findings
        for name in (finding.detail, *(finding.evidence.get("contracts") or ()))
        if name
    )


def contract_renewals(
    tenant: TenantResult,
    title: str,
    within: timedelta,
    today: date,
    l10n: Labels,
    *,
    named: frozenset[str] | None,
) -> Iterator[tuple[str, datetime, UpcomingDate]]:
    """Yield (key, instant, line) for each upcoming notice date and end of a contract, and each end in the last 30 days.

    `title` is the tenant's title, empty if there is only one tenant. `today` is the day of the audit in UTC. `named`
    are the ids of the contracts that may be shown, None for all.
    """
    for contract in tenant.contracts or ():
        if named is not None and contract.id not in named:
            continue
        seats = [] if contract.seats is None else [contract_seats(contract.seats, l10n)]
        for contract_date in contract_dates(contract, today, l10n):
            earliest = timedelta() if contract_date.check == "contract.notice" else -ENDED
            if earliest <= contract_date.occurs_at.date() - today <= within:
                yield (
                    f"{contract_date.check} {contract.id}",
                    contract_date.occurs_at,
                    UpcomingDate(
                        name=single_line(f"{contract.name} ({contract.id})", 80),
                        tenant=title,
                        date=l10n.date(contract_date.occurs_at),
                        consequence=contract_date.consequence,
                        summary=l10n.joined([contract_date.label, *seats]),
                    ),
                )
