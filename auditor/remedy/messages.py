"""The sentences of actions and plans, as whole messages for the translation catalogues."""

from datetime import date
from typing import Protocol

from auditor.domain.actions.kind import ActionKind
from auditor.remedy import mailbox_titles, object_titles, proposal_titles
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


def title(  # noqa: PLR0913 - whatever a title may name
    l10n: Localizer,
    kind: ActionKind,
    count: int,
    *,
    old: str = "",
    new: str = "",
    extra: str = "",
    groups: int = 1,
    article: str = "",
) -> str:
    """Return the title of an action about so many people, seats or things.

    `old` is the product that goes or is concerned, `new` the one that comes or the services that are turned on while
    others are turned off, `extra` the group, service, property, error code or amount; `groups` is how many groups
    `extra` names; `article` distinguishes mailboxes from people.
    """
    several = mailbox_titles.of_groups(l10n.ngettext, count) if kind is ActionKind.LEAVE_GROUP and groups > 1 else None
    form = mailbox_titles.titled(l10n.ngettext, kind, count, groups) if article == mailbox_titles.ARTICLE else None
    several = several or (_switched(l10n, count) if kind is ActionKind.SERVICE_OFF and new else None)
    form = (
        form
        or several
        or proposal_titles.titled(l10n.ngettext, kind, count)
        or _people(l10n, kind, count)
        or _seats(l10n, kind, count)
        or object_titles.titled(l10n, kind)
    )
    return form.format(count=number_label(l10n, count), old=old, new=new, extra=extra)


def _people(l10n: Localizer, kind: ActionKind, count: int) -> str | None:
    match kind:
        case ActionKind.UNASSIGN:
            return l10n.ngettext("Unassign {old} from {count} person", "Unassign {old} from {count} people", count)
        case ActionKind.MOVE:
            return l10n.ngettext(
                "Move {count} person from {old} to {new}", "Move {count} people from {old} to {new}", count
            )
        case ActionKind.ASSIGN:
            return l10n.ngettext("Assign {new} to {count} person", "Assign {new} to {count} people", count)
        case ActionKind.WAIT:
            return l10n.ngettext(
                "Assign {new} to {count} person as soon as seats are free",
                "Assign {new} to {count} people as soon as seats are free",
                count,
            )
        case ActionKind.OVERLAP:
            return l10n.ngettext(
                "Decide which product {count} person keeps: {old}",
                "Decide which product {count} people keep: {old}",
                count,
            )
        case ActionKind.COPY:
            return l10n.ngettext(
                "Unassign the direct licence {old} of {count} person who also has it from a group",
                "Unassign the direct licence {old} of {count} people who also have it from a group",
                count,
            )
        case ActionKind.COPIES:
            return l10n.ngettext(
                "Keep one path of {old} for {count} person", "Keep one path of {old} for {count} people", count
            )
        case ActionKind.TO_GROUP:
            return l10n.ngettext(
                "Assign {old} to {count} person through a group instead of directly",
                "Assign {old} to {count} people through a group instead of directly",
                count,
            )
        case ActionKind.TO_DIRECT:
            return l10n.ngettext(
                "Assign {old} to {count} person directly instead of through a group",
                "Assign {old} to {count} people directly instead of through a group",
                count,
            )
        case _:
            return _more_people(l10n, kind, count)


def _more_people(l10n: Localizer, kind: ActionKind, count: int) -> str | None:
    match kind:
        case ActionKind.LEAVE_GROUP:
            return l10n.ngettext(
                "Take {count} person out of the group that assigns {old} ({extra})",
                "Take {count} people out of the group that assigns {old} ({extra})",
                count,
            )
        case ActionKind.MOVE_GROUP:
            return l10n.ngettext(
                "Move {count} person from the group that assigns {old} ({extra}) to one that assigns {new}",
                "Move {count} people from the group that assigns {old} ({extra}) to one that assigns {new}",
                count,
            )
        case ActionKind.SERVICE_ON:
            return l10n.ngettext("Turn on {extra} for {count} person", "Turn on {extra} for {count} people", count)
        case ActionKind.SERVICE_OFF:
            return l10n.ngettext("Turn off {extra} for {count} person", "Turn off {extra} for {count} people", count)
        case ActionKind.ERROR:
            return l10n.ngettext(
                "Fix the error {extra} of {old} for {count} person",
                "Fix the error {extra} of {old} for {count} people",
                count,
            )
        case ActionKind.REPROCESS:
            return l10n.ngettext(
                "Process the group licence {old} of {count} person again",
                "Process the group licence {old} of {count} people again",
                count,
            )
        case ActionKind.ATTRIBUTE_SET:
            return l10n.ngettext("Set {extra} of {count} person", "Set {extra} of {count} people", count)
        case ActionKind.ATTRIBUTE_CORRECT:
            return l10n.ngettext("Correct {extra} of {count} person", "Correct {extra} of {count} people", count)
        case _:
            return None


def _switched(l10n: Localizer, count: int) -> str:
    return l10n.ngettext(
        "Turn off {extra} and turn on {new} for {count} person",
        "Turn off {extra} and turn on {new} for {count} people",
        count,
    )


def _seats(l10n: Localizer, kind: ActionKind, count: int) -> str | None:
    match kind:
        case ActionKind.BUY:
            return l10n.ngettext("Free or buy {count} seat of {old}", "Free or buy {count} seats of {old}", count)
        case ActionKind.REMOVE_NOW:
            return l10n.ngettext("Remove {count} seat of {old}", "Remove {count} seats of {old}", count)
        case ActionKind.REMOVE_BY_SELLER:
            return l10n.ngettext(
                "Ask the seller to remove {count} seat of {old} at the renewal",
                "Ask the seller to remove {count} seats of {old} at the renewal",
                count,
            )
        case ActionKind.REMOVE_AT_RENEWAL:
            return l10n.ngettext(
                "Remove {count} seat of {old} at the renewal", "Remove {count} seats of {old} at the renewal", count
            )
        case ActionKind.QUOTA:
            return l10n.ngettext(
                "Choose who loses {old}: {count} person", "Choose who loses {old}: {count} people", count
            )
        case ActionKind.COVER:
            return l10n.ngettext(
                "Buy {count} seat of {old}, or reduce the number of people who need one",
                "Buy {count} seats of {old}, or reduce the number of people who need one",
                count,
            )
        case ActionKind.CAP:
            return l10n.ngettext(
                "Remove {count} seat of {old}, or move people to a product without this limit",
                "Remove {count} seats of {old}, or move people to a product without this limit",
                count,
            )
        case ActionKind.GROUP_LICENCE:
            return l10n.ngettext(
                "Stop the group {extra} from assigning {old} to {count} person",
                "Stop the group {extra} from assigning {old} to {count} people",
                count,
            )
        case ActionKind.GROUP_SWAP:
            return l10n.ngettext(
                "Let the group {extra} assign {new} instead of {old} to {count} person",
                "Let the group {extra} assign {new} instead of {old} to {count} people",
                count,
            )
        case _:
            return None


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
