"""Formats the detail of a finding for people: names of products, services, properties and states."""

from collections.abc import Mapping

from auditor.catalogue import builtin
from auditor.checks.check import Detail
from auditor.checks.registry import detail_of
from auditor.domain.result.finding import ProductReference
from auditor.guidance.portal_names import property_name, state_name
from auditor.render.text.evidence.facts import product_name
from auditor.render.text.labels import Labels


def detail_label(check: str, detail: str, names: Mapping[str, str], l10n: Labels) -> str:
    """Return the detail of a finding in words; `names` maps skuIds and part numbers to the tenant's product names."""
    match detail_of(check):
        case Detail.ERROR:
            # The group after the @ is already part of the evidence, in the assignment path.
            return detail.partition("@")[0]
        case Detail.PRODUCTS:
            parts = (ProductReference(sku_id=None, sku_part_number=part) for part in detail.split("+"))
            return " + ".join(product_name(part, names) or "" for part in parts)
        case Detail.PROPERTY:
            return property_name(l10n.gettext, detail)
        case Detail.SERVICE:
            return builtin().plan_title(detail)
        case Detail.STATE:
            return state_name(l10n.gettext, detail)
        case _:
            return detail
