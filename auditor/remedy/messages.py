"""The sentences of actions and plans, as whole messages for the translation catalogues."""

from datetime import date
from typing import Final, Protocol

from auditor.domain.translation import N_
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


def seats_lacking(l10n: Localizer, count: int, product: str) -> str:
    """Say how many seats of a product are lacking for everybody who is to get it."""
    form = l10n.ngettext(
        "{count} seat of {product} is missing once all actions are done: free or buy it first.",
        "{count} seats of {product} are missing once all actions are done: free or buy them first.",
        count,
    )
    return form.format(count=number_label(l10n, count), product=product)


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


BOUNDS_FIRST: Final = N_(
    "Change the minimum or the maximum in the policy first; the steps apply if there are still too many seats."
)
"""What comes before the steps about seats that are too many only by bounds that contradict each other."""
SEATS_ELSEWHERE: Final = N_(
    "There are not enough free seats of {product} for everybody who should get it; another action says "
    "how many are missing."
)
"""Another action shows how many seats are lacking."""
SETTLED: Final = N_(
    "Carry out the other actions about {product} first, then run the audit again: after them, no more "
    "seats have to be bought or removed."
)
"""What to do about seats that the other actions settle."""
ANY_OF: Final = N_("Any one of these products is enough: {products}.")
"""The products of the tenant that a policy's name for several of them stands for."""
EVERYTHING_ON: Final = N_(
    "The requests turn on every service of {product}: add the service plans that must stay off to "
    "disabledPlans, or use the requests of `auditor plan`, which keep disabled service plans disabled."
)
SERVICES_LOST: Final = N_("They lose these services: {services}.")
"""Services that nobody gives these people any more."""
NOT_JUDGED: Final = N_(
    "Microsoft's reports do not show whether the security and compliance services of a product are used: "
    "they count as neither used nor unused."
)
"""What no report shows about a smaller product."""
WHOLE_GROUP: Final = N_(
    "The change reaches every member of the group {group}, also those who join later. Microsoft "
    "processes the members after it has answered: continue when the group is processed."
)
POLICY_OWNER: Final = "Owner of the policy"
"""Who decides where a policy names no owner; a msgid of the guidance's terms."""
