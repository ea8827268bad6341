"""Why a plan leaves a finding: a code for machines, a sentence for people."""

from auditor.domain.actions.kind import ActionKind
from auditor.remedy.messages import Words

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


def why(words: Words, code: str, detail: str = "") -> str:
    """Say why a plan leaves a finding."""
    forms = {
        "group": words.gettext(
            "The licence comes from a group, or is to come from one: who is a member is for a person to change, at the "
            "place where the membership is kept."
        ),
        "renewal": words.gettext("The agreement lets the seats go at the renewal only, and a person has to do it."),
        "billing": words.gettext("Buying, renewing, removing and cancelling are for a person; there is no request."),
        "seats": words.gettext(
            "No free seat is known that could be given without breaking another policy, or the person has no usage "
            "location; make the plan again once there is one."
        ),
        "idle": words.gettext(
            "The seat would lie idle beyond what a policy allows: take the licence away together with the seat."
        ),
        "cause": words.gettext("The cause of the error has to be found and fixed by a person first."),
        "services": words.gettext(
            "The service is set by a group, or no product that the person holds directly contains it."
        ),
        "limit": words.gettext("Left out, because it would have created something new: {detail}."),
        "refused": words.gettext("Left out, because Graph would refuse it at its turn: {detail}"),
        "paths": words.gettext("It is not known by which path the person holds what they hold."),
        "ends": words.gettext(
            "A request would end services that no policy speaks against, or leave the person without."
        ),
        "fleet": words.gettext(
            "Licences cannot be moved between tenants; each tenant buys and removes for itself. Two things move whole "
            "subscriptions: a tenant remap by volume licensing support, and an associated billing tenant under a "
            "Microsoft Customer Agreement."
        ),
        _PERSON: words.gettext("It needs a person's decision."),
    }
    return forms[code].format(detail=detail)
