"""The sentences of actions and plans, as whole messages for the translation catalogues."""

from datetime import date
from typing import Protocol

from auditor.remedy.dates import day_label
from auditor.remedy.numbers import number_label


class Localizer(Protocol):
    """What looks up a translation: `gettext.NullTranslations` and its kin have these two methods."""

    def gettext(self, message: str, /) -> str:
        """Return the translation of a message."""

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        """Return the translation of the form that belongs to a number."""

    def __hash__(self) -> int:
        """Stand for a language where texts in it are cached."""


class English:
    """The messages as they are written here."""

    def gettext(self, message: str, /) -> str:
        """Return the message itself."""
        return message

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        """Return the English form for a number."""
        return singular if number == 1 else plural


ENGLISH = English()


def about(l10n: Localizer, text: str, article: str) -> str:
    """Return a title with the article that it follows."""
    return l10n.gettext("{title} – {article}").format(title=text, article=l10n.gettext(article))


def step(
    l10n: Localizer,
    text: str,
    branches: tuple[str, ...],
    article: str | None,
    *,
    dated: str | None = None,
    deadline: date | None = None,
) -> str:
    """Return one documented step, under the branch to which it belongs, with the article that shows it in full.

    `dated` is its text for a deadline that is known.
    """
    if dated is None or deadline is None:
        translated = l10n.gettext(text)
    else:
        translated = l10n.gettext(dated).replace("{date}", day_label(l10n, deadline))
    if article is not None:
        translated = l10n.gettext("{step} (In full: {article}.)").format(step=translated, article=l10n.gettext(article))
    return under(l10n, translated, branches)


def under(l10n: Localizer, text: str, branches: tuple[str, ...]) -> str:
    """Put the labels of branches before a text that is already in the reader's language."""
    for branch in reversed(branches):
        text = l10n.gettext("{condition}: {statement}").format(condition=l10n.gettext(branch), statement=text)
    return text


def warning(l10n: Localizer, text: str, loses: str, after: str, branches: tuple[str, ...]) -> str:
    """Return what may be lost, and when."""
    translated = l10n.gettext("{warning} At risk: {loses}. Time: {after}.").format(
        warning=l10n.gettext(text), loses=l10n.gettext(loses), after=l10n.gettext(after)
    )
    return under(l10n, translated, branches)


def bounds_first(l10n: Localizer) -> str:
    """Say what comes before the steps about seats that are too many only by bounds that contradict each other."""
    return l10n.gettext(
        "Change the minimum or the maximum in the policy first; the steps apply if there are still too many seats."
    )


def seats_lacking(l10n: Localizer, count: int, product: str) -> str:
    """Say how many seats of a product are lacking for everybody who is to get it."""
    form = l10n.ngettext(
        "{count} seat of {product} is missing once all actions are done: free or buy it first.",
        "{count} seats of {product} are missing once all actions are done: free or buy them first.",
        count,
    )
    return form.format(count=number_label(l10n, count), product=product)


def seats_elsewhere(l10n: Localizer, product: str) -> str:
    """Say that seats are lacking, and that another action shows how many."""
    return l10n.gettext(
        "There are not enough free seats of {product} for everybody who should get "
        "it; another action says how many are missing."
    ).format(product=product)


def settled(l10n: Localizer, product: str) -> str:
    """Say what to do about seats that the other actions settle."""
    return l10n.gettext(
        "Carry out the other actions about {product} first, then run the audit again: after them, no more seats have "
        "to be bought or removed."
    ).format(product=product)


def any_of(l10n: Localizer, products: str) -> str:
    """Say which products of the tenant a policy's name for several of them stands for."""
    return l10n.gettext("Any one of these products is enough: {products}.").format(products=products)


def also_needed(l10n: Localizer, role: str, duty: str) -> str:
    """Say which role is needed besides the first, and what for."""
    return l10n.gettext("Also needed: {role}. {duty}").format(role=l10n.gettext(role), duty=l10n.gettext(duty))


def seats_there(l10n: Localizer, tenant: str, product: str, usable: int | None, consumed: int | None) -> str:
    """Say how many seats of a product a tenant has, and how many are assigned."""
    return l10n.gettext("{tenant} has {usable} usable seats of {product}, {consumed} of them assigned.").format(
        tenant=tenant,
        usable=number_label(l10n, usable),
        product=product,
        consumed=number_label(l10n, consumed),
    )


def everything_on(l10n: Localizer, product: str) -> str:
    """Say that the requests turn on every service of the new product."""
    return l10n.gettext(
        "The requests turn on every service of {product}: add the service plans that must stay off to "
        "disabledPlans, or use the requests of `auditor plan`, which keep disabled service plans disabled."
    ).format(product=product)


def services_lost(l10n: Localizer, services: str) -> str:
    """Say which services nobody gives these people any more."""
    return l10n.gettext("They lose these services: {services}.").format(services=services)


def not_judged(l10n: Localizer) -> str:
    """Say what no report shows about a smaller product."""
    return l10n.gettext(
        "Microsoft's reports do not show whether the security and compliance services of a product are used: "
        "they count as neither used nor unused."
    )


def whole_group(l10n: Localizer, group: str) -> str:
    """Say that a change of a group reaches all its members."""
    form = l10n.gettext(
        "The change reaches every member of the group {group}, also those who join later. Microsoft processes the "
        "members after it has answered: continue when the group is processed."
    )
    return form.format(group=group)


POLICY_OWNER = "Owner of the policy"
"""Who decides where a policy names no owner; a msgid of the guidance's terms."""
