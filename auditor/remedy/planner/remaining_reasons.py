"""Why a plan leaves a finding: a code for machines, a sentence for people."""

from auditor.domain.actions.kind import ActionKind
from auditor.remedy.messages import Localizer

_PERSON = "person"
_WHY = {
    ActionKind.LEAVE_GROUP: "group",
    ActionKind.MOVE_GROUP: "group",
    ActionKind.TO_GROUP: "group",
    ActionKind.TO_DIRECT: "group",
    ActionKind.COPIES: "group",
    ActionKind.GROUP_LICENCE: "group",
    ActionKind.GROUP_SWAP: "group",
    ActionKind.REMOVE_AT_RENEWAL: "renewal",
    ActionKind.REMOVE_BY_SELLER: "renewal",
    ActionKind.REMOVE_NOW: "billing",
    ActionKind.BUY: "billing",
    ActionKind.SETTLED: "billing",
    ActionKind.STATE: "billing",
    ActionKind.EXPIRING: "billing",
    ActionKind.PURCHASE: "billing",
    ActionKind.TRIAL: "billing",
    ActionKind.BUDGET: "billing",
    ActionKind.ASSIGN: "seats",
    ActionKind.MOVE: "seats",
    ActionKind.REPROCESS: "seats",
    ActionKind.WAIT: "seats",
    ActionKind.GROUP_ERRORS: "cause",
    ActionKind.ERROR: "cause",
    ActionKind.GROUP_PROCESSING: "cause",
    ActionKind.SERVICE_ON: "services",
    ActionKind.SERVICE_OFF: "services",
}


def why_code(kind: ActionKind) -> str:
    """Return the machine name of the reason why a finding that needs this kind of action stays."""
    return _WHY.get(kind, _PERSON)


def why(l10n: Localizer, code: str, detail: str = "") -> str:
    """Say why a plan leaves a finding."""
    forms = {
        "group": l10n.gettext(
            "The licence comes from a group, or is to come from one: who is a member is for a person to change, at the "
            "place where the membership is kept."
        ),
        "renewal": l10n.gettext("The agreement lets the seats go at the renewal only, and a person has to do it."),
        "billing": l10n.gettext("Buying, renewing, removing and cancelling are for a person; there is no request."),
        "seats": l10n.gettext(
            "No free seat is known that could be given without breaking another policy, or the person has no usage "
            "location; make the plan again once there is one."
        ),
        "idle": l10n.gettext(
            "The seat would lie idle beyond what a policy allows: decide how many seats are renewed, and the plan "
            "takes the licence away."
        ),
        "cause": l10n.gettext("The cause of the error has to be found and fixed by a person first."),
        "services": l10n.gettext(
            "The service is set by a group, or no product that the person holds directly contains it."
        ),
        "limit": l10n.gettext("Left out, because it would have created something new: {detail}."),
        "refused": l10n.gettext("Left out, because Graph would refuse it at its turn: {detail}"),
        "undecided": l10n.gettext("Left out, because it could not be evaluated afterwards: {detail}."),
        "premises": l10n.gettext("The account or the group is synchronised from on premises: it is changed there."),
        "unknown": l10n.gettext(
            "Whether it is gone cannot be evaluated once the plan is carried out: what is certain is less than the "
            "limit then, and something is not known."
        ),
        "paths": l10n.gettext("It is not known by which path the person holds what they hold."),
        "ends": l10n.gettext(
            "A request would end services that no policy speaks against, or leave the person without."
        ),
        "fleet": l10n.gettext(
            "Licences cannot be moved between tenants; each tenant buys and removes for itself. Two things move whole "
            "subscriptions: a tenant remap by volume licensing support, and an associated billing tenant under a "
            "Microsoft Customer Agreement."
        ),
        _PERSON: l10n.gettext("It needs a person's decision."),
    }
    return forms[code].format(detail=detail)
