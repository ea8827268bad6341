"""The titles of actions, as whole messages for the translation catalogues."""

from collections.abc import Mapping
from typing import Final

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.product_names import all_of, one_of
from auditor.domain.actions.title import Blocked, TitleArguments, about
from auditor.domain.money import rounded
from auditor.domain.result.verification import ActionVerdict
from auditor.domain.translation import N_, NN_, Localizer
from auditor.guidance.portal_names import property_name, state_name

Form = str | tuple[str, str]
"""A title, or its singular and plural form for the number of people, seats or mailboxes."""

_TITLES: Final[Mapping[ActionKind, Form]] = {
    ActionKind.DOWNGRADE: NN_(
        "Ask whether {new} is enough for {count} person instead of {old}",
        "Ask whether {new} is enough for {count} people instead of {old}",
    ),
    ActionKind.SEPARATE: NN_(
        "Move the directory roles of {count} person to a separate account",
        "Move the directory roles of {count} people to separate accounts",
    ),
    ActionKind.UNASSIGN: NN_("Unassign {old} from {count} person", "Unassign {old} from {count} people"),
    ActionKind.MOVE: NN_("Move {count} person from {old} to {new}", "Move {count} people from {old} to {new}"),
    ActionKind.ASSIGN: NN_("Assign {new} to {count} person", "Assign {new} to {count} people"),
    ActionKind.OVERLAP: NN_(
        "Decide which product {count} person keeps: {old}", "Decide which product {count} people keep: {old}"
    ),
    ActionKind.COPY: NN_(
        "Unassign direct licences of {count} person who also has them from a group: {old}",
        "Unassign direct licences of {count} people who also have them from a group: {old}",
    ),
    ActionKind.COPIES: NN_(
        "Keep one assignment path of {old} for {count} person",
        "Keep one assignment path of {old} for {count} people",
    ),
    ActionKind.TO_GROUP: NN_(
        "Assign {old} to {count} person through a group instead of directly",
        "Assign {old} to {count} people through a group instead of directly",
    ),
    ActionKind.TO_DIRECT: NN_(
        "Assign {old} to {count} person directly instead of through a group",
        "Assign {old} to {count} people directly instead of through a group",
    ),
    ActionKind.LEAVE_GROUP: NN_(
        "Remove {count} person from the group that assigns {old} ({extra})",
        "Remove {count} people from the group that assigns {old} ({extra})",
    ),
    ActionKind.MOVE_GROUP: NN_(
        "Move {count} person from the group that assigns {old} ({extra}) to one that assigns {new}",
        "Move {count} people from the group that assigns {old} ({extra}) to one that assigns {new}",
    ),
    ActionKind.SERVICE_ON: NN_("Turn on {extra} for {count} person", "Turn on {extra} for {count} people"),
    ActionKind.SERVICE_OFF: NN_("Turn off {extra} for {count} person", "Turn off {extra} for {count} people"),
    ActionKind.ERROR: NN_(
        "Fix the error {extra} of {old} for {count} person", "Fix the error {extra} of {old} for {count} people"
    ),
    ActionKind.REPROCESS: NN_(
        "Reprocess the group licences of {count} person: {old}",
        "Reprocess the group licences of {count} people: {old}",
    ),
    ActionKind.ATTRIBUTE_SET: NN_("Set {extra} of {count} person", "Set {extra} of {count} people"),
    ActionKind.ATTRIBUTE_CORRECT: NN_("Correct {extra} of {count} person", "Correct {extra} of {count} people"),
    ActionKind.BUY: NN_("Free or buy {count} seat of {old}", "Free or buy {count} seats of {old}"),
    ActionKind.REMOVE_NOW: NN_("Remove {count} seat of {old}", "Remove {count} seats of {old}"),
    ActionKind.REMOVE_BY_SELLER: NN_(
        "Ask the seller to remove {count} seat of {old} at the renewal",
        "Ask the seller to remove {count} seats of {old} at the renewal",
    ),
    ActionKind.REMOVE_AT_RENEWAL: NN_(
        "Remove {count} seat of {old} at the renewal", "Remove {count} seats of {old} at the renewal"
    ),
    ActionKind.QUOTA: NN_("Choose who loses {old}: {count} person", "Choose who loses {old}: {count} people"),
    ActionKind.COVER: NN_(
        "Buy {count} seat of {old}, or reduce the number of people who need one",
        "Buy {count} seats of {old}, or reduce the number of people who need one",
    ),
    ActionKind.CAP: NN_(
        "Remove {count} seat of {old}, or move people to a product without this limit",
        "Remove {count} seats of {old}, or move people to a product without this limit",
    ),
    ActionKind.GROUP_LICENCE: NN_(
        "Stop the group {extra} from assigning {old} to {count} person",
        "Stop the group {extra} from assigning {old} to {count} people",
    ),
    ActionKind.GROUP_SWAP: NN_(
        "Change the group {extra} to assign {new} instead of {old} to {count} person",
        "Change the group {extra} to assign {new} instead of {old} to {count} people",
    ),
    ActionKind.BOUNDS: N_("Correct the limits of {old}: no number of seats satisfies both"),
    ActionKind.SETTLED: N_("Check the seats of {old} once the other actions are done"),
    ActionKind.PURCHASE: N_("End the subscription of {old}"),
    ActionKind.TRIAL: N_("Decide about the trial of {old}"),
    ActionKind.UNKNOWN_PRODUCT: N_("Identify the product {old}"),
    ActionKind.EXPIRING: N_("Renew {old}, or prepare for its end"),
    ActionKind.STATE: N_("Reactivate the subscription of {old}, or prepare for its end ({extra})"),
    ActionKind.GROUP_ERRORS: N_("Fix the licence errors in the group {extra}"),
    ActionKind.GROUP_PROCESSING: N_("Check that the group {extra} is processed"),
    ActionKind.GROUP_NESTED: N_("Decide who gets licences from the groups nested in {extra}"),
    ActionKind.GROUP_PAUSED: N_("Resume the processing of the group {extra}"),
    ActionKind.GROUP_EMPTY: N_("Remove the licences of the group {extra}, which has no members, or add its members"),
    ActionKind.BUY_HERE: N_("Buy {old} for {extra}: spare seats of another tenant cannot be transferred"),
    ActionKind.GIVE_UP_HERE: N_("Remove spare seats of {old} in {extra}: they cannot be transferred"),
    ActionKind.CONTRACT_SEATS: N_("Find out why the seats of {old} differ from the contract"),
    ActionKind.CONTRACT_NOTICE: N_("Decide whether to give notice of the contract for {old} ({extra})"),
    ActionKind.CONTRACT_ENDING: N_("Renew the contract for {old}, or prepare for its end ({extra})"),
    ActionKind.CONTRACT_MISSING: N_("Record the contract for {old}, or stop using the product"),
    ActionKind.BUDGET: N_("Reduce the monthly cost by {extra}"),
}
_OF_MAILBOXES: Final[Mapping[ActionKind, Form]] = {
    ActionKind.UNASSIGN: NN_("Unassign {old} from {count} mailbox", "Unassign {old} from {count} mailboxes"),
    ActionKind.LEAVE_GROUP: NN_(
        "Remove {count} mailbox from the group that assigns {old} ({extra})",
        "Remove {count} mailboxes from the group that assigns {old} ({extra})",
    ),
    ActionKind.GROUP_LICENCE: NN_(
        "Stop the group {extra} from assigning {old} to {count} mailbox",
        "Stop the group {extra} from assigning {old} to {count} mailboxes",
    ),
}
"""Titles of actions about mailboxes instead of people."""
_ANSWERED: Final[Mapping[ActionKind, Form]] = {
    ActionKind.DOWNGRADE: _TITLES[ActionKind.MOVE],
    ActionKind.BUY: NN_("Buy {count} seat of {old}", "Buy {count} seats of {old}"),
    ActionKind.EXPIRING: N_("Renew {old}"),
    ActionKind.TRIAL: N_("Buy {old} before its trial ends"),
    ActionKind.STATE: N_("Reactivate the subscription of {old} ({extra})"),
}
"""Titles of actions about which somebody decided; the titles in `_TITLES` ask for the decision."""
_DECLINED: Final[Mapping[ActionKind, Form]] = {
    ActionKind.EXPIRING: N_("Prepare for the end of {old}"),
    ActionKind.TRIAL: N_("Let the trial of {old} end"),
    ActionKind.STATE: N_("Prepare for the end of the subscription of {old} ({extra})"),
}
"""Titles of actions about subscriptions that somebody decided not to renew."""
_ENDED: Final[Mapping[ActionKind, Form]] = {
    ActionKind.CONTRACT_ENDING: N_(
        "Record the renewal of the contract for {old}, or stop using the product ({extra} has ended)"
    ),
}
"""Titles of actions about contracts that have ended."""
_UNNEEDED: Final[Mapping[ActionKind, Form]] = {
    ActionKind.STATE: N_("Let the subscription of {old} end: none of its seats is needed ({extra})"),
}
"""Titles of actions about subscriptions without which the product has enough seats."""
_BLOCKED: Final[Mapping[Blocked, str]] = {
    Blocked.SEATS: N_("decided, but no spare seat can be assigned"),
    Blocked.SPARE: N_("decided, but there would be too many spare seats"),
    Blocked.LIMIT: N_("decided, but it would cause a new finding"),
    Blocked.GROUP: N_("decided, but the members of a group have to be changed manually"),
    Blocked.MANUAL: N_("decided, but it has to be done manually"),
}
"""Appended in brackets to titles of decisions that no request can carry out."""
_LEAVE_GROUPS: Final = NN_(
    "Remove {count} person from the groups that assign {old} ({extra})",
    "Remove {count} people from the groups that assign {old} ({extra})",
)
_LEAVE_MANY_GROUPS: Final = NN_(
    "Remove {count} person from {groups} groups that assign {old}",
    "Remove {count} people from {groups} groups that assign {old}",
)
_MAILBOXES_LEAVE_MANY_GROUPS: Final = NN_(
    "Remove {count} mailbox from {groups} groups that assign {old}",
    "Remove {count} mailboxes from {groups} groups that assign {old}",
)
_MAILBOXES_LEAVE_GROUPS: Final = NN_(
    "Remove {count} mailbox from the groups that assign {old} ({extra})",
    "Remove {count} mailboxes from the groups that assign {old} ({extra})",
)
_SERVICES_SWITCHED: Final = NN_(
    "Turn off {extra} and turn on {new} for {count} person",
    "Turn off {extra} and turn on {new} for {count} people",
)


def action_title(l10n: Localizer, kind: ActionKind, arguments: TitleArguments) -> str:
    """Return the title of an action in a language."""
    form = _form(kind, arguments)
    values = {
        "old": _old(l10n, arguments),
        "new": _new(l10n, kind, arguments),
        "extra": _extra(l10n, kind, arguments),
        "groups": l10n.number(arguments.groups),
    }
    title = l10n.gettext(form, **values) if isinstance(form, str) else l10n.plural(*form, arguments.count, **values)
    title = f"{title} ({l10n.gettext(_BLOCKED[arguments.blocked])})" if arguments.blocked else title
    title = f"{title} ({arguments.distinction})" if arguments.distinction else title
    return about(l10n, title, arguments.article) if arguments.article else title


def saved_title(l10n: Localizer, action: ActionVerdict) -> str:
    """Return the title of a saved action in a language; in English if another version saved it without arguments."""
    if action.title_arguments is None or action.kind not in _TITLES:
        return action.title
    return action_title(l10n, ActionKind(action.kind), action.title_arguments)


def _form(kind: ActionKind, arguments: TitleArguments) -> Form:
    mailboxes, several = arguments.mailboxes, arguments.groups > 1
    decided = {None: {}, True: _ANSWERED, False: _DECLINED}[arguments.decided]
    match kind:
        case _ if kind in decided:
            return decided[kind]
        case _ if arguments.ended and kind in _ENDED:
            return _ENDED[kind]
        case _ if arguments.unneeded and kind in _UNNEEDED:
            return _UNNEEDED[kind]
        case ActionKind.LEAVE_GROUP if several and not arguments.extra:
            return _MAILBOXES_LEAVE_MANY_GROUPS if mailboxes else _LEAVE_MANY_GROUPS
        case ActionKind.LEAVE_GROUP if several:
            return _MAILBOXES_LEAVE_GROUPS if mailboxes else _LEAVE_GROUPS
        case ActionKind.SERVICE_OFF if arguments.new:
            return _SERVICES_SWITCHED
        case _ if mailboxes and kind in _OF_MAILBOXES:
            return _OF_MAILBOXES[kind]
        case _:
            return _TITLES[kind]


def _old(l10n: Localizer, arguments: TitleArguments) -> str:
    if not arguments.others:
        return all_of(l10n, (arguments.old, *arguments.also))
    return l10n.plural(
        "{name} and {count} other product",
        "{name} and {count} other products",
        arguments.others,
        name=arguments.old,
    )


def _new(l10n: Localizer, kind: ActionKind, arguments: TitleArguments) -> str:
    if kind is ActionKind.SERVICE_OFF or not arguments.new:
        return all_of(l10n, arguments.new)
    return one_of(l10n, arguments.new)


def _extra(l10n: Localizer, kind: ActionKind, arguments: TitleArguments) -> str:
    names = arguments.extra
    match kind:
        case ActionKind.STATE:
            names = tuple(state_name(l10n.gettext, name) for name in names)
        case ActionKind.ATTRIBUTE_SET | ActionKind.ATTRIBUTE_CORRECT:
            names = tuple(property_name(l10n.gettext, name) for name in names)
        case ActionKind.BUDGET if arguments.money is not None:
            return l10n.money(rounded(arguments.money.per_month), arguments.money.currency)
        case _:
            pass
    return all_of(l10n, names)
