"""Lists the assignment paths that requests can remove from a person: direct licences and group memberships."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.policy.decision import AnswerKind, products_to_keep
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.choice import REMOVALS
from auditor.remedy.actions.remedies.targets import sku_of
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.replacements import decided_downgrade
from auditor.remedy.planner.simulation.accounts import Account

MAX_REMOVALS = 6
"""Maximum number of removals of one person for which every combination is tried."""


class Removal(Struct, frozen=True, kw_only=True):
    """A possible removal: a direct path, a membership, or a direct path in exchange for a membership."""

    sku_id: str = ""
    leave: str = ""
    join: str = ""
    give: str = ""
    """The product that is assigned directly before the person leaves the group that gives it."""
    dependant: bool = False
    """Whether no finding is about it, and its product may depend on one that is removed."""


def removals_of(account: Account, findings: Sequence[Finding], product_options: ProductOptions) -> tuple[Removal, ...]:
    """Return the paths that some finding is about, and whose removal changes something."""
    all_removals: dict[Removal, None] = {}
    for finding in findings:
        product_id = sku_of(finding)
        if product_options.routes[finding.fingerprint].situation.self_service is True:
            continue
        smaller = decided_downgrade(finding, product_options)
        match correction_of(finding):
            case _ if smaller is not None:
                removals = _paths_to_remove(account, smaller.old, product_options)
            case correction if correction in REMOVALS:
                removals = _paths_to_remove(account, product_id, product_options)
            case Correction.CHOOSE:
                chosen = product_options.value(finding, AnswerKind.KEEP)
                kept_names = {name.casefold() for name in products_to_keep(chosen)} if chosen is not None else set()
                parts = [part for part in (finding.detail or "").split("+") if part.casefold() not in kept_names]
                named = product_options.named(parts)
                removals = [removal for sku in named for removal in _paths_to_remove(account, sku, product_options)]
            case Correction.CHANGE_PATH | Correction.REMOVE_COPY:
                chosen = product_options.chosen_group(finding)
                via = product_options.via(finding)
                removals = (
                    _direct_path(account, product_id, product_options)
                    if via == "direct"
                    else _other_path(account, product_id, product_options, chosen)
                )
            case _:
                removals = []
        all_removals.update(dict.fromkeys(removals))
    dependants = _dependants(account, findings, product_options)
    return (*all_removals, *dependants) if len(all_removals) + len(dependants) <= MAX_REMOVALS else tuple(all_removals)


def _dependants(account: Account, findings: Sequence[Finding], product_options: ProductOptions) -> tuple[Removal, ...]:
    """Return the paths of a person's other products if it was decided that a licence may be removed.

    An add-on may depend on the suite that is removed, and a policy may require the suite for it: then both are removed,
    or neither.
    """
    if not any(product_options.value(finding, AnswerKind.RELEASE) is True for finding in findings):
        return ()
    reported = {finding.product.sku_id for finding in findings if finding.product is not None}
    others = sorted(account.held - reported)
    return tuple(
        replace(removal, dependant=True)
        for sku_id in others
        for removal in _paths_to_remove(account, sku_id, product_options)
    )


def _paths_to_remove(account: Account, sku_id: str, product_options: ProductOptions) -> list[Removal]:
    """Return the paths of a product if requests can remove all of them, so that the person no longer holds it."""
    groups = account.groups_giving(sku_id)
    if not all(map(product_options.can_change, groups)):
        return []
    direct = [Removal(sku_id=sku_id)] if account.direct(sku_id) is not None else []
    return [*direct, *(Removal(leave=group) for group in groups)]


def _other_path(account: Account, sku_id: str, product_options: ProductOptions, chosen: str | None) -> list[Removal]:
    """Return the paths of a product that can be removed because another path, or a group to join, gives it."""
    groups = account.groups_giving(sku_id)
    if account.direct(sku_id) is not None:
        join = None if groups else product_options.group_to_join(account, sku_id, chosen)
        return [Removal(sku_id=sku_id)] if groups else [] if join is None else [Removal(sku_id=sku_id, join=join)]
    return [Removal(leave=group) for group in groups if len(groups) > 1 and product_options.can_change(group)]


def _direct_path(account: Account, sku_id: str, product_options: ProductOptions) -> list[Removal]:
    """Return the memberships that can be removed once the person holds the product directly."""
    groups = account.groups_giving(sku_id)
    if not groups or not all(map(product_options.can_change, groups)) or not account.usage_location:
        return []
    give = "" if account.direct(sku_id) is not None else sku_id
    return [Removal(leave=group, give=give) for group in groups]
