"""Replaces names of tenants and part numbers in trends, comparisons and episodes by display names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace

from auditor.catalogue import Catalogue
from auditor.domain.trends import Between, Episode, FindingBetween, SeatsBetween, SeatTrend, Trends

SeatNumbers = TypeVar("SeatNumbers", SeatTrend, SeatsBetween)


def titled(trends: Sequence[Trends], titles: Mapping[str, str], catalogue: Catalogue) -> list[Trends]:
    """Return trends with display names; `titles` are those of tenants by name.

    Products are in the order of their names; those with equal names also show their part number.
    """
    return [
        replace(trend, display_name=titles[trend.tenant], seats=_with_titles(trend.seats, catalogue))
        for trend in trends
    ]


def titled_between(between: Sequence[Between], trends: Sequence[Trends], catalogue: Catalogue) -> list[Between]:
    """Return comparisons with display names; `trends` are those of the same tenants and nights."""
    titles = {
        trend.tenant: {policy.policy: policy.title for policy in trend.policies if policy.title} for trend in trends
    }
    return [
        replace(
            diff,
            policy_titles=titles.get(diff.tenant, {}),
            seats=_with_titles(diff.seats, catalogue),
            findings=tuple(replace(finding, product=_product(catalogue, finding)) for finding in diff.findings),
        )
        for diff in between
    ]


def titled_episodes(episodes: Sequence[Episode], catalogue: Catalogue) -> tuple[Episode, ...]:
    """Return episodes with display names."""
    return tuple(replace(episode, product=_product(catalogue, episode)) for episode in episodes)


def _with_titles(seats: Sequence[SeatNumbers], catalogue: Catalogue) -> tuple[SeatNumbers, ...]:
    names = {
        seat.sku_id: product.name if (product := catalogue.product(seat.sku_id)) is not None else seat.sku
        for seat in seats
    }
    name_counts = Counter(names.values())

    def title(seat: SeatNumbers) -> str:
        name = names[seat.sku_id]
        return f"{name} ({seat.sku})" if name_counts[name] > 1 and name != seat.sku else name

    named = [replace(seat, sku=title(seat)) for seat in seats]
    return tuple(sorted(named, key=lambda seat: seat.sku.casefold()))


def _product(catalogue: Catalogue, finding: Episode | FindingBetween) -> str | None:
    """Return the name of the product of a finding; None if the product is the subject of the finding."""
    part = finding.product
    if part is None or part == finding.subject_id:
        return None
    name = catalogue.title(part)
    return None if name == finding.subject else name
