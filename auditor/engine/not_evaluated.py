"""Collects why a policy could not be evaluated: the missing facts, and a reason for each."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message, detailed, truncated
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.snapshot.schema import SOURCE_OF_COLUMN

_MAX_PRODUCTS: Final = 3
"""Maximum number of products that a reason names."""
_TRIAL_UNKNOWN: Final = Message("it is not known whether every subscription of a SKU is a trial")


class NotEvaluated(Struct):
    """Everything that keeps a policy from being evaluated."""

    missing: list[str] = field(default_factory=list)
    reasons: list[Message] = field(default_factory=list)

    def add(self, fact: str, reason: Message) -> None:
        """Add a missing fact and its reason; duplicates are ignored."""
        if fact not in self.missing:
            self.missing.append(fact)
        if reason not in self.reasons:
            self.reasons.append(reason)

    def add_all(self, other: "NotEvaluated | None") -> None:
        """Add all facts and reasons of `other`; None has none."""
        if other is not None:
            self.missing.extend(fact for fact in other.missing if fact not in self.missing)
            self.reasons.extend(reason for reason in other.reasons if reason not in self.reasons)


def unread_source(facts: TenantFacts, source: Source) -> NotEvaluated | None:
    """Return why a source was not read completely; None if it was."""
    coverage = facts.coverage(source)
    if coverage.status is SourceStatus.COMPLETE:
        return None
    reason = detailed(incomplete(source, coverage.status), coverage.reason)
    return NotEvaluated(missing=[source.value], reasons=[reason])


def listed_products(skus: Iterable[SkuFact]) -> str:
    """Return the first products by name, for a reason."""
    return ", ".join(truncated(sorted(sku.label for sku in skus), _MAX_PRODUCTS))


def unknown_names(facts: TenantFacts) -> NotEvaluated | None:
    """Return which products of the tenant have no known part number, so that any name may refer to them."""
    nameless = [sku for sku in facts.skus if sku.owned and sku.name_may_be_any]
    if not nameless:
        return None
    reason = Message(
        "neither the tenant nor the product catalogue has the part number of {products}; update the catalogue with"
        " `auditor products update`",
        products=listed_products(nameless),
    )
    return NotEvaluated(missing=["subscribedSkus.skuPartNumber"], reasons=[reason])


def unknown_services(facts: TenantFacts) -> NotEvaluated | None:
    """Return which products have services that are not known; None if there are none."""
    products = [sku for sku in facts.skus if sku.plans is None]
    if not products:
        return None
    reason = Message(
        "neither the tenant nor the product catalogue has the services of {products}; update the catalogue with"
        " `auditor products update`",
        products=listed_products(products),
    )
    return NotEvaluated(missing=["subscribedSkus"], reasons=[reason])


def unknown_membership(facts: TenantFacts) -> NotEvaluated:
    """Return why it is not known whether SKUs of the tenant are in a set: by name or service, or in the set `trial`."""
    gaps = NotEvaluated()
    gaps.add_all(unknown_names(facts))
    gaps.add_all(unknown_services(facts))
    if not gaps.reasons or facts.status(Source.SUBSCRIPTIONS) is not SourceStatus.COMPLETE:
        gaps.add_all(unknown_trials(facts))
    return gaps


def unknown_trials(facts: TenantFacts) -> NotEvaluated:
    """Return why it is not known whether SKUs are in the set `trial`."""
    unread = unread_source(facts, Source.SUBSCRIPTIONS)
    return unread or NotEvaluated(missing=[Source.SUBSCRIPTIONS.value], reasons=[_TRIAL_UNKNOWN])


def incomplete(source: Source, status: SourceStatus) -> Message:
    """Return how much of a source was read, for any status but complete."""
    title = source_title(source)
    match status:
        case SourceStatus.PARTIAL:
            return Message("{source}: only partly read", source=title)
        case SourceStatus.DENIED:
            return Message("{source}: could not be read, permission denied", source=title)
        case SourceStatus.UNAVAILABLE:
            return Message("{source}: not available in this tenant", source=title)
        case _:
            return Message("{source}: not collected", source=title)


def source_title(source: Source) -> Message:
    """Return the title of a source, as a value in a reason."""
    return Message(SOURCE_TITLES[source])


def uncollected_property(facts: TenantFacts, name: str) -> NotEvaluated | None:
    """Return why a property of users is not known; None if it was collected."""
    if facts.is_requested(name):
        return None
    reason = Message("the property {name} of users was not collected; collect the snapshot again", name=name)
    return NotEvaluated(missing=[f"users.{name}"], reasons=[reason])


def missing_report_column(facts: TenantFacts, column: str) -> NotEvaluated | None:
    """Return why a column of a usage report is not known; None if the report has it."""
    source = SOURCE_OF_COLUMN[column]
    if unknown := unread_source(facts, source):
        return unknown
    if column in facts.coverage(source).asked:
        return None
    reason = Message(
        "{source}: Microsoft's report had no column for {column}; collect again",
        source=source_title(source),
        column=column,
    )
    return NotEvaluated(missing=[f"{source}.{column}"], reasons=[reason])
