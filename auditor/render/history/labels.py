"""Formats trends as the texts and rows that the terminal and the HTML page share."""

from collections.abc import Sequence
from decimal import Decimal

from auditor.domain.enums import Severity
from auditor.domain.money import sum_by_currency
from auditor.domain.trends import Between, Cohorts, Forecast, PolicyTrend, SeatTrend, Trends
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.result.ranking import tenant_order


def change(values: Sequence[int | None], l10n: Labels) -> str:
    """Return `first → last`, or one number if they are equal; unknown values are question marks."""
    first, last = ("?" if value is None else l10n.number(value) for value in (values[0], values[-1]))
    return last if len(values) == 1 or first == last else f"{first} → {last}"


def money_change(first: Decimal, last: Decimal, currency: str, l10n: Labels) -> str:
    """Return the first and last monthly amount, or one if they are equal."""
    amounts = l10n.money(last, currency)
    if first != last:
        amounts = f"{l10n.money(first, currency)} → {amounts}"
    return l10n.gettext("{money} a month", money=amounts)


def in_reading_order(trends: Sequence[Trends]) -> list[Trends]:
    """Return the trends of tenants in the order of the report: by the open findings of the latest result."""
    return sorted(
        trends,
        key=lambda tenant: tenant_order(
            failed=False,
            counts=tenant.open[-1][1] if tenant.open else {},
            complete=not tenant.not_evaluated,
            name=tenant.tenant,
        ),
    )


def tenant_table(trends: Sequence[Trends], l10n: Labels) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and rows of a table of tenants with their first and last values.

    Without several tenants or any result there are no rows, without prices there is no cost.
    """
    gettext = l10n.gettext
    columns = (
        gettext("Tenant"),
        gettext("Open findings"),
        gettext("Critical and high"),
        gettext("Cost of open findings"),
    )
    rows: list[tuple[str, ...]] = []
    for tenant in trends if len(trends) > 1 and any(tenant.open for tenant in trends) else ():
        numbers = (change(values, l10n) if values else "" for values in open_counts(tenant))
        money = (money_change(sums[0][1], sums[-1][1], currency, l10n) for currency, sums in tenant.money.items())
        rows.append((tenant.title, *numbers, "; ".join(money)))
    width = 4 if any(row[-1] for row in rows) else 3
    return columns[:width], [row[:width] for row in rows]


def total_row(trends: Sequence[Trends], l10n: Labels) -> tuple[str, ...]:
    """Return the last row of the table of tenants: the sums of their last values, and of their costs by currency."""
    latest = [tenant for tenant in trends if tenant.open]
    counts = zip(*(open_counts(tenant) for tenant in latest), strict=True)
    sums = sum_by_currency(
        {currency: values[-1][1] for currency, values in tenant.money.items() if values[-1][1]} for tenant in latest
    )
    return (
        l10n.gettext("All tenants together"),
        *(l10n.number(sum(values[-1] for values in column)) for column in counts),
        "; ".join(money_change(value, value, currency, l10n) for currency, value in sums.items()),
    )


def open_counts(trends: Trends) -> tuple[list[int], list[int]]:
    """Return the number of open findings in each result, and that of the critical and high ones."""
    counts = [by_severity for _, by_severity, _, _ in trends.open]
    worst = [by_severity[Severity.CRITICAL] + by_severity[Severity.HIGH] for by_severity in counts]
    return [sum(by_severity.values()) for by_severity in counts], worst


def period_text(trends: Trends, l10n: Labels) -> str:
    """Return the numbers of nights and results, and the first and last day, or the only one."""
    first, last = l10n.date(trends.since), l10n.date(trends.until)
    days = first if first == last else l10n.gettext("{first} to {last}", first=first, last=last)
    nights, results = l10n.number(trends.nights), l10n.number(trends.results)
    return l10n.gettext("nights: {nights}, results: {results}, {days}", nights=nights, results=results, days=days)


def seat_columns(l10n: Labels) -> tuple[str, ...]:
    """Return the column titles of the table of seats."""
    gettext = l10n.gettext
    return (
        *(gettext("Product"), gettext("Assigned"), gettext("Trend"), gettext("Usable"), gettext("Spare")),
        gettext("Licensed users"),
        gettext("Runs out ({share} interval)", share=l10n.percent(Decimal("0.9"))),
    )


def is_notable(seat: SeatTrend) -> bool:
    """Return whether a number of seats changed, or seats are missing or will run out."""
    changed = any(len(set(values)) > 1 for values in (seat.usable, seat.consumed, seat.spare))
    missing = seat.spare[-1] is None or seat.spare[-1] < 0
    return changed or missing or seat.forecast.earliest is not None


def is_changed(policy: PolicyTrend) -> bool:
    """Return whether findings of a policy appeared or disappeared, or the number of its waived findings changed."""
    counts_differ = len(set(policy.open)) > 1 or len(set(policy.waived)) > 1
    return counts_differ or bool(policy.opened or policy.closed)


def spare_text(seat: SeatTrend, l10n: Labels) -> str:
    """Return the change of the spare seats; a dash for a product that is not assigned to people, such as storage."""
    return change(seat.spare, l10n) if seat.for_people else l10n.number(None)


def policy_columns(l10n: Labels) -> tuple[str, ...]:
    """Return the column titles of the table of policies."""
    gettext = l10n.gettext
    return (
        *(gettext("Policy"), gettext("Open"), gettext("Trend"), gettext("Waived"), gettext("New / fixed")),
        *(gettext("Days open: <7 / <30 / <90 / more"), gettext("Fixed")),
    )


def policy_row(policy: PolicyTrend, l10n: Labels) -> tuple[str, str, str, str, str, str]:
    """Return the cells of a policy, without the chart: its translated title, or its id without one, and its figures."""
    new_and_fixed = f"{l10n.number(policy.opened)} / {l10n.number(policy.closed)}"
    ages = " / ".join(map(l10n.number, policy.ages))
    return (
        *(l10n.policy(policy.title or "") or policy.policy, change(policy.open, l10n), change(policy.waived, l10n)),
        *(new_and_fixed, ages, repair(policy, l10n)),
    )


def runs_out(forecast: Forecast, l10n: Labels) -> str:
    """Return when seats run out, with the prediction interval, or why there is no forecast."""
    if forecast.silent is not None:
        return l10n.gettext("no forecast: {reason}", reason=l10n.translate(forecast.silent))
    if forecast.earliest is None:
        return l10n.gettext("not within two years")
    expected = l10n.gettext("no likely date") if forecast.expected is None else l10n.date(forecast.expected)
    first = l10n.date(forecast.earliest)
    if forecast.latest is None:
        return l10n.gettext("{day} ({first} or later)", day=expected, first=first)
    return l10n.gettext("{day} ({first} to {last})", day=expected, first=first, last=l10n.date(forecast.latest))


def method(forecast: Forecast, l10n: Labels) -> str:
    """Return the forecasting method, in words."""
    return l10n.gettext("Forecast: {method}", method=l10n.translate(forecast.method))


def cohorts_text(cohorts: Cohorts | None, l10n: Labels) -> str:
    """Return the numbers of holders: kept, new, reclaimed (the account exists) and lapsed (it is gone)."""
    if cohorts is None:
        return l10n.gettext("not known")
    counts = {name: l10n.number(getattr(cohorts, name)) for name in ("kept", "new", "reclaimed", "lapsed")}
    return l10n.gettext("{kept} kept, {new} new, {reclaimed} reclaimed, {lapsed} lapsed", **counts)


def repair(policy: PolicyTrend, l10n: Labels) -> str:
    """Return how many findings were fixed, and the median time in days."""
    if policy.repair_days is None:
        return l10n.gettext("none fixed")
    days = round(policy.repair_days)
    fixed = l10n.number(policy.repaired)
    return l10n.plural("{fixed} fixed, median {count} day", "{fixed} fixed, median {count} days", days, fixed=fixed)


Grid = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, column titles, rows."""


def compared_nights(between: Between, l10n: Labels) -> str:
    """Return a heading that names the two compared nights."""
    instants = [night or result for night, result in zip(between.nights, between.results, strict=True)]
    first, last = ("?" if instant is None else l10n.instant(instant) for instant in instants)
    return l10n.gettext("What changed from {first} to {last}", first=first, last=last)


def between_grids(between: Between, l10n: Labels, *, most: int) -> tuple[Grid, ...]:
    """Return the new, fixed and changed items as tables; at most `most` findings."""
    gettext = l10n.gettext
    removed = gettext("policy removed")
    seats = [(s.sku, _pair(s.usable, l10n), _pair(s.consumed, l10n),
              _pair(s.spare, l10n) if s.for_people else l10n.number(None)) for s in between.seats]  # fmt: skip
    policies = [
        (_policy(p.policy, between, l10n), _severity(p.severity or "", l10n), _pair(p.open, l10n),
         _pair(p.waived, l10n), _count(p.new, l10n),
         removed if p.policy in between.removed else _count(p.gone, l10n), _count(p.changed, l10n))
        for p in between.policies
    ]  # fmt: skip
    kinds = {"new": gettext("new"), "gone": gettext("fixed"), "changed": gettext("changed")}
    findings = [
        (removed if f.policy in between.removed else kinds[f.kind], _severity(f.severity, l10n),
         _policy(f.policy, between, l10n), f.subject, f.product or "",
         gettext(f.status) if f.status in {"waived", "report-only"} else "", f.fingerprint[:12])
        for f in between.findings[:most]
    ]  # fmt: skip
    money = [
        (money_change(first, last, currency, l10n),)
        for currency, (first, last) in between.money.items()
        if first != last
    ]
    grids: list[Grid] = [
        (gettext("Cost"), (gettext("in open findings"),), money),
        (gettext("Seats"), (gettext("Product"), gettext("Usable"), gettext("Assigned"), gettext("Spare")), seats),
        (
            gettext("Findings by policy"),
            (gettext("Policy"), gettext("Severity"), gettext("Open"), gettext("Waived"), gettext("New"),
             gettext("Fixed"), gettext("Changed")),
            policies,
        ),
        (
            gettext("Findings"),
            (gettext("Change"), gettext("Severity"), gettext("Policy"), gettext("Who or what"), gettext("Product"),
             gettext("State"), gettext("Finding")),
            findings,
        ),
    ]  # fmt: skip
    return tuple(grid for grid in grids if grid[2])


def _policy(policy: str, between: Between, l10n: Labels) -> str:
    return l10n.policy(between.policy_titles.get(policy, "")) or policy


def _severity(name: str, l10n: Labels) -> str:
    return l10n.gettext(SEVERITIES[Severity(name)]) if name in SEVERITIES else name


def _count(count: int | None, l10n: Labels) -> str:
    return "?" if count is None else l10n.number(count)


def _pair(values: tuple[int | None, int | None], l10n: Labels) -> str:
    """Return two numbers and their difference; missing or unknown numbers are dashes."""
    first, last = values
    text = f"{l10n.number(first)} → {l10n.number(last)}"
    if first is None or last is None or first == last:
        return text if first != last else l10n.number(last)
    return f"{text} ({l10n.signed(last - first)})"
