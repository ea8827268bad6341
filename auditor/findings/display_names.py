"""Names of the product and the detail of a finding for people."""

from collections.abc import Mapping
from functools import lru_cache

from auditor.catalogue import builtin
from auditor.checks.check import Detail
from auditor.checks.registry import detail_of
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding, ProductReference
from auditor.domain.translation import Localizer
from auditor.guidance.portal_names import property_name, state_name


def product_name(product: ProductReference | None, names: Mapping[str, str]) -> str | None:
    """Return the readable name of a product or set: the tenant's name for it, else Microsoft's for the part number.

    `names` are those of products by casefolded skuId and part number, and those of product sets by the set as written.
    A reference with a skuId is never a set, even if its part number is the name of one.
    """
    if product is None:
        return None
    sku_id, part_number = product.sku_id, product.sku_part_number
    if sku_id is not None:
        name = names.get(sku_id.casefold())
    else:
        name = None if part_number is None else names.get(part_number) or names.get(part_number.casefold())
    return name or (product_title(part_number) if part_number else sku_id)


def part_name(part_number: str, names: Mapping[str, str]) -> str:
    """Return the tenant's name for a part number, which is never a set; else what `names` has for this text."""
    return names.get(part_number.casefold()) or names.get(part_number, part_number)


def named_product(finding: Finding, names: Mapping[str, str]) -> str | None:
    """Return the name of a finding's product; for a pool, its products or the product to buy."""
    product = finding.product
    if product is not None and product.sku_id is None and finding.subject.type is SubjectType.PRODUCT:
        return finding.subject.name or finding.subject.id
    return product_name(product, names)


@lru_cache(maxsize=4096)
def product_title(part_number: str) -> str:
    """Return Microsoft's name for a part number; the part number itself if there is no name, or more than one."""
    return builtin().title(part_number)


def detail_label(check: str, detail: str, names: Mapping[str, str], l10n: Localizer) -> str:
    """Return the detail of a finding in words; `names` are those of products, as for `product_name`."""
    match detail_of(check):
        case Detail.ERROR:
            # The group after the @ is already part of the evidence, in the assignment path.
            return detail.partition("@")[0]
        case Detail.PRODUCTS:
            return " + ".join(names.get(part.casefold()) or product_title(part) for part in detail.split("+"))
        case Detail.PROPERTY:
            return property_name(l10n.gettext, detail)
        case Detail.SERVICE:
            return builtin().plan_title(detail)
        case Detail.STATE:
            return state_name(l10n.gettext, detail)
        case _:
            return detail
