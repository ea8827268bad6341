"""A finding's evidence into the few facts that every report shows, whichever check raised it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from auditor.domain.result import Finding, TenantResult

SEAT_FACTS: Final = ("enabled", "warning", "suspended", "lockedOut", "consumed", "usable", "spare", "adjust")
"""Whole numbers of seats, in the order in which people read them."""
_PATHS: Final = ("assignmentPaths", "paths", "path", "licenseAssignmentStates")
_SIGN_INS: Final = ("lastSuccessfulSignInDateTime", "lastSignInDateTime", "lastNonInteractiveSignInDateTime")
_NEVER: Final = "0001-01-01"


def last_sign_in(evidence: Mapping[str, Any]) -> str | None:
    """Return the latest sign-in that the evidence tells, as written; None where it tells none."""
    told = evidence.get("lastSignIn")
    if isinstance(told, str) and told:
        return told
    nested = evidence.get("signInActivity")
    places = (evidence, nested) if isinstance(nested, Mapping) else (evidence,)
    stamps = [place[name] for place in places for name in _SIGN_INS if isinstance(place.get(name), str)]
    known = [stamp for stamp in stamps if stamp and not stamp.startswith(_NEVER)]
    return max(known, default=None)


def paths(evidence: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the assignment paths in words: `direct`, or the group, each once."""
    told = next((evidence[name] for name in _PATHS if evidence.get(name)), ())
    found = (told,) if isinstance(told, str | Mapping) else tuple(told)
    return tuple(dict.fromkeys(_path(each) for each in found))


def product_name(finding: Finding, names: Mapping[str, str]) -> str | None:
    """Return the product's name for people, the name that the tenant shows for its skuId first."""
    product = finding.product
    if product is None:
        return None
    known = names.get(product.sku_id.casefold()) if product.sku_id is not None else None
    return known or product.sku_part_number or product.sku_id


def product_names(tenant: TenantResult) -> dict[str, str]:
    """Return the names of the tenant's products by skuId."""
    return {seats.sku_id.casefold(): seats.name for seats in tenant.seats if seats.name}


def other_facts(evidence: Mapping[str, Any], *, without: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Yield the facts that are neither in `without` nor empty, by name."""
    for name in sorted(evidence):
        if name not in without and evidence[name] not in (None, "", [], {}, ()):
            yield name, evidence[name]


def _path(told: Any) -> str:
    if not isinstance(told, Mapping):
        return str(told)
    group = told.get("assignedByGroup") or told.get("group") or told.get("groupId")
    name = told.get("groupName") or told.get("displayName")
    if group is None and name is None:
        return "direct"
    return f"group {name or group}"
