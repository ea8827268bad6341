"""The products that a tenant owns, evaluated one by one against a set."""

from collections.abc import Iterator

import numpy as np

from auditor.domain.enums import Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.result.model import ProductReference, Subject
from auditor.engine.coverage import NotEvaluated, unread
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import SkuFact


def owned(scope: TenantScope, violation: Mask) -> Iterator[ObjectFinding]:
    """Report every SKU of a mask of which the tenant owns usable seats, those of the whole company included."""
    facts = scope.facts
    for number in np.flatnonzero(violation.maybe).tolist():
        sku = facts.skus[number]
        if not sku.owned or (sku.usable is not None and sku.usable <= 0):
            continue
        if violation.unknown[number]:
            scope.unknown.take(unread(facts, Source.SUBSCRIPTIONS) or _TRIAL_UNKNOWN)
        elif sku.usable is None:
            scope.unknown.add(
                "subscribedSkus",
                Message("Graph gave no seat numbers for {product}", product=sku.part_number or sku.sku_id),
            )
        else:
            yield _finding(scope, sku, sku.usable)


def _finding(scope: TenantScope, sku: SkuFact, usable: int) -> ObjectFinding:
    return scope.finding(
        Subject(type=SubjectType.PRODUCT, id=sku.sku_id, name=scope.facts.title(sku)),
        product=ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number),
        evidence={
            "appliesTo": sku.applies_to,
            "capabilityStatus": sku.capability_status,
            "enabled": sku.enabled,
            "warning": sku.warning,
            "consumed": sku.consumed,
            "usable": usable,
        },
        money=scope.price(sku, usable),
    )


_TRIAL_UNKNOWN = NotEvaluated(
    missing=["subscriptions"], reasons=[Message("whether every subscription of a SKU is a trial is not known")]
)
