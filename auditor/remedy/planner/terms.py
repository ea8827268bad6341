"""When the seats of products can go, by the subscriptions of a tenant."""

from datetime import timedelta

from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.kinds import Term

WINDOW = timedelta(days=7)
"""Under a Microsoft Customer Agreement seats go within seven days of the purchase (Buy or remove licenses, 2024)."""


def terms_of(facts: TenantFacts) -> dict[str, Term]:
    """Return for each product when its seats can go, by its subscriptions that are paid and alive."""
    terms: dict[str, Term] = {}
    for row in facts.subscriptions:
        sku_id, bought, ends = (row["skuId"] or "").lower(), row["createdDateTime"], row["nextLifecycleDateTime"]
        if not sku_id or row["isTrial"] or (row["status"] or "").casefold() not in {"enabled", "warning"}:
            continue
        recent = bought is not None and facts.as_of - WINDOW <= bought <= facts.as_of
        day = None if ends is None else ends.date().isoformat()
        known = terms.get(sku_id, Term(just_bought=False, ends=None))
        days = [found for found in (known.ends, day) if found is not None]
        terms[sku_id] = Term(just_bought=known.just_bought or recent, ends=min(days, default=None))
    return terms
