"""Why a policy about people could not be decided for all of them: the facts that it needs and that are missing."""

from collections.abc import Iterable

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Count, Message
from auditor.domain.policy import selector as selectors
from auditor.domain.policy.model import Assignments, Policy
from auditor.domain.policy.product_set import ProductSet, WithService, leaves
from auditor.engine.not_evaluated import (
    NotEvaluated,
    missing_report_column,
    source_title,
    uncollected_property,
    unknown_names,
    unknown_services,
    unknown_trials,
    unread_source,
)
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy_index import report_columns
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.data_needs import selector_needs, set_needs
from auditor.snapshot.schema import SIGN_IN_COLUMNS, SOURCE_OF_COLUMN

_INCOMPLETE = Message("some data of some users could not be read")

_UNDATED = Message("an assignment of some users has no lastUpdatedDateTime")


def missing_facts(bound: BoundPolicies, policy: Policy, *, otherwise: Message = _INCOMPLETE) -> NotEvaluated:
    """Return the facts that the policy needs and the snapshot does not have, with reasons.

    `otherwise` is the reason if all sources were collected, but not for all users.
    """
    facts = bound.facts
    users = unread_source(facts, Source.USERS)
    if users is not None and facts.status(Source.USERS) is not SourceStatus.PARTIAL:
        return users
    atoms = bound.rules.atoms(policy)
    user_checks = [check for check in bound.rules.checks(policy) if check.evaluate_users is not None]
    sets = [products for check in user_checks for products in check.products(policy.constraint)]
    sets += [atom.products for atom in atoms if isinstance(atom, selectors.Holds | selectors.HeldFor)]
    set_sources = set_needs(sets).sources
    gaps = NotEvaluated()
    for missing in (
        users,
        *(reason for atom in atoms for reason in _atom(bound, atom)),
        *(_property(facts, name) for name in bound.rules.properties(policy)),
        *(unread_source(facts, source) for check in user_checks for source in check.sources),
        *(unread_source(facts, source) for source in set_sources),
    ):
        gaps.add_all(missing)
    if not gaps.reasons:  # the usage reports that the policy reads may have no row for some users
        for source in dict.fromkeys(SOURCE_OF_COLUMN[column] for atom in atoms for column in report_columns(atom)):
            gaps.add(
                source.value,
                Message(
                    "{source}: Microsoft's report does not have all users of the policy", source=source_title(source)
                ),
            )
    if not gaps.reasons:
        names = {*bound.rules.properties(policy), *bound.rules.columns((policy,), ())[0]}
        names.update(name for atom in atoms for name in selector_needs(atom).user_properties)
        names |= {Source.SIGN_IN_ACTIVITY.value} if names.intersection(SIGN_IN_COLUMNS) else set()
        for name in sorted(names.intersection(facts.users_without)):
            reason = Message(
                "the property {name} was not read for some users ({count}); collect the snapshot again",
                name=name,
                count=Count(facts.users_without[name]),
            )
            gaps.add(f"users.{name}", reason)
    if not gaps.reasons and set_sources and any(row["isTrial"] is None for row in facts.subscriptions):
        gaps.add_all(unknown_trials(facts))
    if not gaps.reasons and sets:
        gaps.add_all(unknown_names(facts))
    if not gaps.reasons and _reads_services(policy, sets):
        gaps.add_all(unknown_services(facts))
    if not gaps.reasons:
        undated = any(isinstance(atom, selectors.HeldFor) for atom in atoms)
        gaps.add("users", _UNDATED if undated else otherwise)
    return gaps


def _reads_services(policy: Policy, sets: Iterable[ProductSet]) -> bool:
    """Return whether a policy reads the services of products: in a check, or in a product set."""
    block = policy.constraint
    return (isinstance(block, Assignments) and bool(block.services.require or block.services.deny)) or any(
        isinstance(leaf, WithService) for products in sets for leaf in leaves(products.elements)
    )


def _atom(bound: BoundPolicies, atom: selectors.Selector) -> list[NotEvaluated | None]:
    facts = bound.facts
    match atom:
        case (
            selectors.OneOf(property=name)
            | selectors.Matches(property=name)
            | selectors.Before(property=name)
            | selectors.After(property=name)
        ):
            return [_property(facts, name)]
        case selectors.Holds():
            return [uncollected_property(facts, "assignedLicenses"), unread_source(facts, Source.SUBSCRIBED_SKUS)]
        case selectors.HeldFor():
            read = [uncollected_property(facts, name) for name in ("assignedLicenses", "licenseAssignmentStates")]
            return [*read, unread_source(facts, Source.SUBSCRIBED_SKUS)]
        case selectors.LicensedVia():
            return [uncollected_property(facts, "licenseAssignmentStates")]
        case (
            selectors.InactiveIn() | selectors.AppsUnused() | selectors.MailboxLargerThan() | selectors.MailboxArchive()
        ):
            return [missing_report_column(facts, column) for column in report_columns(atom)]
        case selectors.MemberOf(groups=groups, transitive=transitive):
            reasons = [bound.membership.resolve(name, transitive=transitive).reason for name in groups]
            return [NotEvaluated(missing=["members"], reasons=[reason]) for reason in reasons if reason is not None]
        case selectors.HasRole():
            return [bound.conditional_access.roles.missing_facts(atom)]
        case selectors.CoveredBy():
            return [bound.conditional_access.missing_facts(atom)]
        case _:
            needs = selector_needs(atom)
            properties = (uncollected_property(facts, name) for name in needs.user_properties)
            return [*(unread_source(facts, source) for source in needs.sources), *properties]


def _property(facts: TenantFacts, name: str) -> NotEvaluated | None:
    return unread_source(facts, Source.MAILBOXES) if name == "mailboxType" else uncollected_property(facts, name)
