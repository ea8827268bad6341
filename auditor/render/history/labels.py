"""Trends into the words, rows and small pictures that the terminal and the HTML page share, in one language."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from auditor.domain.trends import Between, Cohorts, Forecast, PolicyTrend, Trends
from auditor.render.text.labels import SEVERITIES, Labels

T = TypeVar("T")
_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """Return a line of bars; a gap where a value is not known, the last value of each stretch where many share one."""
    shown = sampled(values, width)
    known = [value for value in shown if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1
    return "".join(
        " " if value is None else _BARS[round((value - low) / span * (len(_BARS) - 1))] if high > low else _BARS[0]
        for value in shown
    )


def sampled(values: Sequence[T], width: int = 24) -> list[T]:
    """Return at most `width` values: the last of each stretch where many share one."""
    step = max(1, -(-len(values) // width))
    return [values[min(start + step, len(values)) - 1] for start in range(0, len(values), step)]


def change(values: Sequence[int | None], words: Labels) -> str:
    """Return `first → last`; a question mark for what is not known."""
    first, last = ("?" if value is None else words.number(value) for value in (values[0], values[-1]))
    return last if len(values) == 1 or first == last else f"{first} → {last}"


def money_change(first: Decimal, last: Decimal, currency: str, words: Labels) -> str:
    """Return two amounts, a month each; one where they are equal."""
    amounts = words.money(last, currency)
    if first != last:
        amounts = f"{words.money(first, currency)} → {amounts}"
    return words.gettext("{amount} a month").replace("{amount}", amounts)


def spent(trends: Trends, words: Labels) -> str:
    """Return how much there is to tell, and of when."""
    said = words.gettext("nights: {nights}, results: {results}, {first} to {last}")
    return said.format(
        nights=words.number(trends.nights),
        results=words.number(trends.results),
        first=words.date(trends.since),
        last=words.date(trends.until),
    )


def seat_columns(words: Labels) -> tuple[str, ...]:
    """Return the titles of the table of seats."""
    gettext = words.gettext
    return (
        *(
            gettext("Product"),
            gettext("Assigned"),
            gettext("Trend"),
            gettext("Usable"),
            gettext("Spare"),
            gettext("Holders"),
        ),
        gettext("Runs out ({share} interval)").replace("{share}", words.percent("90")),
    )


def policy_columns(words: Labels) -> tuple[str, ...]:
    """Return the titles of the table of policies."""
    gettext = words.gettext
    return (
        *(gettext("Policy"), gettext("Open"), gettext("Trend"), gettext("Waived"), gettext("Came / went")),
        *(gettext("Days open: <7 / <30 / <90 / more"), gettext("Resolved")),
    )


def policy_row(policy: PolicyTrend, words: Labels) -> tuple[str, str, str, str, str, str]:
    """Return the cells of a policy, without its picture."""
    went = f"{words.number(policy.opened)} / {words.number(policy.closed)}"
    ages = " / ".join(map(words.number, policy.ages))
    return (
        *(policy.policy, change(policy.open, words), change(policy.waived, words)),
        *(went, ages, repair(policy, words)),
    )


def runs_out(forecast: Forecast, words: Labels) -> str:
    """Return when seats run out, with the interval, or why nobody can say."""
    if forecast.silent is not None:
        return words.gettext("no forecast: {reason}").replace("{reason}", words.translate(forecast.silent))
    if forecast.earliest is None:
        return words.gettext("not within two years")
    middle = words.gettext("no date likely") if forecast.expected is None else _day(forecast.expected, words)
    first = _day(forecast.earliest, words)
    if forecast.latest is None:
        return words.gettext("{day} ({first} or later)").format(day=middle, first=first)
    return words.gettext("{day} ({first} to {last})").format(day=middle, first=first, last=_day(forecast.latest, words))


def method(forecast: Forecast, words: Labels) -> str:
    """Return how the forecast was made."""
    return words.gettext("Forecast: {method}").replace("{method}", words.translate(forecast.method))


def told_cohorts(cohorts: Cohorts | None, words: Labels) -> str:
    """Return who kept, got, gave back and lost it."""
    if cohorts is None:
        return words.gettext("not known")
    said = words.gettext("{kept} kept, {new} new, {reclaimed} reclaimed, {lapsed} lapsed")
    counts = {name: words.number(getattr(cohorts, name)) for name in ("kept", "new", "reclaimed", "lapsed")}
    return said.format(**counts)


def repair(policy: PolicyTrend, words: Labels) -> str:
    """Return how long mending took."""
    if policy.repair_days is None:
        return words.gettext("none resolved")
    said = words.ngettext(
        "{count} resolved, median {days} days", "{count} resolved, median {days} days", policy.repaired
    )
    return said.replace("{days}", words.number(round(policy.repair_days)))


Grid = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""A title, the titles of the columns, and the rows."""


def compared_nights(told: Between, words: Labels) -> str:
    """Return which two nights are compared."""
    moments = [night or result for night, result in zip(told.nights, told.results, strict=True)]
    first, last = ("?" if at is None else words.instant(at) for at in moments)
    return words.gettext("What changed from {first} to {last}").format(first=first, last=last)


def between_grids(told: Between, words: Labels, *, most: int) -> tuple[Grid, ...]:
    """Return what is new, gone and changed as tables; of findings at most so many."""
    gettext = words.gettext
    seats = [(s.sku, _pair(s.usable, words), _pair(s.consumed, words), _pair(s.spare, words)) for s in told.seats]
    policies = [
        (p.policy, _severity(p.severity.value if p.severity else "", words), _pair(p.open, words),
         _pair(p.waived, words), *("?" if n is None else words.number(n) for n in (p.new, p.gone, p.changed)))
        for p in told.policies
    ]  # fmt: skip
    kinds = {"new": gettext("new"), "gone": gettext("gone"), "changed": gettext("changed")}
    findings = [
        (kinds[f.kind], _severity(f.severity, words), f.policy, f.subject, f.product or "",
         gettext("waived") if f.status == "waived" else "", f.fingerprint[:12])
        for f in told.findings[:most]
    ]  # fmt: skip
    money = [
        (money_change(first, last, currency, words),) for currency, (first, last) in told.money.items() if first != last
    ]
    grids: list[Grid] = [
        (gettext("Money"), (gettext("in open findings"),), money),
        (gettext("Seats"), (gettext("Product"), gettext("Usable"), gettext("Assigned"), gettext("Spare")), seats),
        (
            gettext("Findings by policy"),
            (gettext("Policy"), gettext("Severity"), gettext("Open"), gettext("Waived"), gettext("New"),
             gettext("Gone"), gettext("Changed")),
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


def _severity(word: str, words: Labels) -> str:
    return next((words.gettext(said) for severity, said in SEVERITIES.items() if severity.value == word), word)


def _pair(values: tuple[int | None, int | None], words: Labels) -> str:
    """Return two numbers and their difference; a dash for what is not there, or not known."""
    first, last = values
    told = f"{words.number(first)} → {words.number(last)}"
    if first is None or last is None or first == last:
        return told if first != last else words.number(last)
    return f"{told} ({words.signed(last - first)})"


def _day(day: date, words: Labels) -> str:
    return words.date(datetime(day.year, day.month, day.day, tzinfo=UTC))
