"""The sentences of actions and plans, as whole messages for the translation catalogues."""

from typing import Final

from auditor.domain.actions.action import Deadline
from auditor.domain.translation import N_, Localizer


def step(
    l10n: Localizer,
    text: str,
    branches: tuple[str, ...],
    *,
    article: str | None = None,
    dated: str | None = None,
    deadline: Deadline | None = None,
) -> str:
    """Return one documented step, with the labels of its branches.

    `article` refers to the article that describes it in full. `dated` is the text to use if `deadline` is known; its
    `{date}` becomes `before` or `by` and the day.
    """
    if dated is None or deadline is None:
        translated = l10n.gettext(text)
    else:
        when = N_("by {day}") if deadline.included else N_("before {day}")
        translated = l10n.gettext(dated, date=l10n.gettext(when, day=l10n.day(deadline.day)))
    if article is not None:
        translated = l10n.gettext("{step} (In full: {article}.)", step=translated, article=article)
    return under(l10n, translated, branches)


def under(l10n: Localizer, text: str, branches: tuple[str, ...]) -> str:
    """Prefix a translated text with the labels of its branches."""
    for branch in reversed(branches):
        text = l10n.gettext("{condition}: {statement}", condition=l10n.gettext(branch), statement=text)
    return text


def warning_text(l10n: Localizer, text: str, loses: str, after: str, branches: tuple[str, ...]) -> str:
    """Return a warning as the page of its article states it: with what may be lost and when, for quick reading."""
    translated = l10n.gettext(
        "{warning} (What you can lose: {loses}. Time: {after}.)",
        warning=l10n.gettext(text),
        loses=l10n.gettext(loses),
        after=l10n.gettext(after),
    )
    return under(l10n, translated, branches)


def seats_lacking(l10n: Localizer, count: int, product: str) -> str:
    """Return how many seats of a product are missing for everybody who should get it."""
    return l10n.plural(
        "{count} seat of {product} is missing once all actions are done: free or buy it first.",
        "{count} seats of {product} are missing once all actions are done: free or buy them first.",
        count,
        product=product,
    )


def seats_total(l10n: Localizer, product: str, *, now: int, then: int, subscriptions: int) -> str:
    """Return a sentence with the new total of seats to enter or order."""
    amounts = {"now": l10n.number(now), "then": l10n.number(then)}
    if subscriptions == 1:
        return l10n.gettext("{product} has {now} seats today; the new total is {then}.", product=product, **amounts)
    return l10n.gettext(
        "The {subscriptions} subscriptions of {product} have {now} seats together today; the new total is {then}.",
        subscriptions=subscriptions,
        product=product,
        **amounts,
    )


def covered_elsewhere(l10n: Localizer, count: int) -> str:
    """Return a sentence that a larger product, which another action buys, covers the same people."""
    return l10n.plural(
        "{count} of these seats comes with a larger product that another action buys; it is not counted twice.",
        "{count} of these seats come with larger products that other actions buy; they are not counted twice.",
        count,
    )


def also_needed(l10n: Localizer, role: str, duty: str) -> str:
    """Return which role is needed in addition to the first one, and what for."""
    return l10n.gettext("Also needed: {role}, {duty}", role=l10n.gettext(role), duty=l10n.gettext(duty))


def seats_owned(l10n: Localizer, tenant: str, product: str, usable: int | None, consumed: int | None) -> str:
    """Return how many seats of a product a tenant has, and how many are assigned."""
    return l10n.gettext(
        "{tenant} has {usable} usable seats of {product}, {consumed} assigned.",
        tenant=tenant,
        usable=l10n.number(usable),
        product=product,
        consumed=l10n.number(consumed),
    )


BOUNDS_FIRST: Final = N_(
    "Change the minimum or the maximum in the policy first; the steps apply if there are still too many seats."
)
"""The prerequisite if there are too many seats only because policies have contradictory bounds."""
SEATS_ELSEWHERE: Final = N_(
    "There are not enough spare seats of {product} for everybody who should get it; another action "
    "shows how many are missing."
)
"""Used if another action shows how many seats are missing."""
SETTLED: Final = N_(
    "Carry out the other actions for {product} first, then run the audit again. No seats have to "
    "be bought or removed after these actions."
)
"""The step if the other actions leave no seats to buy or remove."""
SEATS_RESOLVED: Final = N_(
    "Once this and the other actions for {product} are done, no seats have to be bought or "
    "removed. Run the audit again."
)
"""Says that an action about people also brings the seats of a product within their limits."""
ANY_OF: Final = N_("Any one of these products is enough: {products}.")
"""Lists the tenant's products in a product set that a policy names."""
NOT_NEEDED: Final = N_(
    "The usable seats of {product} are enough without this subscription: {needed} of {usable} are needed after all "
    "actions. Reactivate it only if its data is needed."
)
"""Says that a subscription that has ended need not be reactivated for its seats."""
ASKED_ELSEWHERE: Final = N_("Another action is about the same product: decide once whether to keep it.")
"""Used if several actions ask whether the same product is kept."""
EVERYTHING_ON: Final = N_(
    "The requests turn on every service of {product}: add the service plans that must stay off to "
    "disabledPlans, or use the requests of `auditor plan`, which keep disabled service plans disabled."
)
SERVICES_LOST: Final = N_("They lose these services: {services}.")
"""Warns about service plans that people lose."""
SECURITY_NOT_REPORTED: Final = N_(
    "Microsoft's reports do not show whether the security and compliance services of a product are used: "
    "they count as neither used nor unused."
)
"""Warns that usage reports do not cover security and compliance services."""
WHOLE_GROUP: Final = N_(
    "The change applies to every member of the group {group}, including those who are added later. "
    "Microsoft processes the members asynchronously: continue once the group has been processed."
)
OTHER_PRODUCTS: Final = N_("Leaving also removes these products, which the action is not about: {products}.")
"""Warns about the other products of groups that people leave."""
POLICY_OWNER: Final = N_("Owner of the policy (none is named)")
"""Who decides if a policy names no owner; its msgid is one of the guidance's terms."""
