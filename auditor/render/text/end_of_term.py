"""Describes what happens on the next date of a subscription, depending on the tenant's agreement."""

from datetime import date
from typing import Final

from auditor.domain.enums import Agreement
from auditor.domain.translation import N_
from auditor.render.text.labels import Labels

_MCA_NO_GRACE_SINCE: Final = date(2026, 2, 9)
"""Since this day, subscriptions under a Microsoft Customer Agreement have no free days after their end."""
_CSP_NO_GRACE_SINCE: Final = date(2026, 5, 4)
"""Since this day, subscriptions from partners have no free days after their end."""


_CONSEQUENCES: Final = {
    "warning": N_("Users can work until this day, then they lose access; decide before then"),
    "suspended": N_("Its seats cannot be used any more; its data is deleted on this day"),
    "lockedout": N_("Its seats cannot be used any more; its data is deleted on this day"),
    "deleted": "",
}


def consequence_text(status: object, agreement: Agreement, day: date, l10n: Labels, *, trial: bool = False) -> str:
    """Return what happens on a subscription's next date if nobody decides before it; `day` is the day of the audit."""
    state = status.casefold() if isinstance(status, str) else ""
    if state in _CONSEQUENCES:
        return l10n.gettext(_CONSEQUENCES[state])
    if trial and agreement in {Agreement.VOLUME, Agreement.CSP}:
        return l10n.gettext("The trial ends; decide before then")
    if trial:
        return l10n.gettext("The trial ends, or becomes a paid subscription; decide before then")
    if agreement is Agreement.MCA and day >= _MCA_NO_GRACE_SINCE:
        return l10n.gettext(
            "Renews if recurring billing is on; otherwise access ends or the paid Extended Service Term (EST) begins; "
            "decide before then"
        )
    if agreement is Agreement.CSP and day >= _CSP_NO_GRACE_SINCE:
        return l10n.gettext(
            "Renews, or moves to the paid Extended Service Term (EST), unless the partner cancels it; ask the partner "
            "before then"
        )
    if agreement is Agreement.VOLUME:
        return l10n.gettext("Users usually have 90 more days if the agreement is not renewed; decide before then")
    if agreement is Agreement.UNKNOWN:
        return l10n.gettext(
            "Renews or ends, with or without a grace period, depending on the agreement; decide before then"
        )
    return l10n.gettext("Renews if recurring billing is on; otherwise users have 30 more days; decide before then")
