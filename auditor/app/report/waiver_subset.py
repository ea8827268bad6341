"""Selects the waivers that concern a recipient's part of a result."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from auditor.domain.result.model import Result

_ALL = "*"


def own_waivers(part: Result) -> Result:
    """Return a part of a result without the waivers of other tenants or policies.

    The reason and owner of a waiver belong to its tenants like findings. A waiver for several tenants keeps the names
    of those in the part only.
    """
    tenants = {tenant.name for tenant in part.tenants}
    policies = {header.id for header in part.run.policies}
    kept = list(_kept(part.run.definitions.get("waivers") or (), tenants, policies))
    return replace(part, run=replace(part.run, definitions={**part.run.definitions, "waivers": kept}))


def _kept(
    waivers: Collection[Mapping[str, Any]], tenants: Collection[str], policies: Collection[str]
) -> Iterator[Mapping[str, Any]]:
    for waiver in waivers:
        meant = waiver.get("policies") or ()
        if _ALL not in meant and not any(policy in policies for policy in meant):
            continue
        if "tenants" not in waiver:
            yield waiver
        elif own := [tenant for tenant in waiver["tenants"] if tenant in tenants]:
            yield {**waiver, "tenants": own}
