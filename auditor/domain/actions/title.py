"""The values in the title of an action, from which its text is composed in any language."""

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from auditor.domain.money import Money
from auditor.domain.saved_field import SavedField
from auditor.domain.translation import Localizer


class Blocked(StrEnum):
    """Why no request can carry out what somebody decided."""

    SEATS = "seats"
    """No spare seat can be assigned."""
    SPARE = "spare"
    """There would be more spare seats than a policy allows."""
    LIMIT = "limit"
    """There would be a new finding."""
    GROUP = "group"
    """No request can change the members of a group that assigns the product."""
    MANUAL = "manual"
    """Another reason."""


class TitleArguments(Struct, frozen=True, kw_only=True):
    """The values in the title of an action; its kind determines which of them the title contains."""

    count: int
    """The number of people, seats or other objects."""
    old: Annotated[str, SavedField.OPTIONAL] = ""
    """The product that is removed or concerned, or several that belong together."""
    also: Annotated[tuple[str, ...], SavedField.OPTIONAL] = ()
    """Further products that are removed or concerned."""
    others: Annotated[int, SavedField.OPTIONAL] = 0
    """The number of products that `old` and `also` do not name."""
    new: Annotated[tuple[str, ...], SavedField.OPTIONAL] = ()
    """Products, one of which is added; or the services that are turned on while others are turned off."""
    extra: Annotated[tuple[str, ...], SavedField.OPTIONAL] = ()
    """Names of groups, services or tenants, an error code, or Graph's names of properties or of a state."""
    groups: Annotated[int, SavedField.OPTIONAL] = 1
    """The number of groups, which `extra` does not name if there are too many."""
    mailboxes: Annotated[bool, SavedField.OPTIONAL] = False
    """Whether mailboxes are counted, not people."""
    decided: Annotated[bool | None, SavedField.OPTIONAL] = None
    """What somebody decided: to do it, or not to; None if nobody did."""
    blocked: Annotated[Blocked | None, SavedField.OPTIONAL] = None
    """Why no request can carry out the decision; None if a request can, or if nobody decided."""
    ended: Annotated[bool, SavedField.OPTIONAL] = False
    """Whether the contract ended before the day of the audit."""
    unneeded: Annotated[bool, SavedField.OPTIONAL] = False
    """Whether the seats of the product are enough without the subscription."""
    money: Annotated[Money | None, SavedField.OPTIONAL] = None
    """A monthly amount."""
    distinction: Annotated[str, SavedField.OPTIONAL] = ""
    """The products or the owners that follow the text in brackets; empty if the title is distinct without them."""
    article: Annotated[str, SavedField.OPTIONAL] = ""
    """The English title of the guidance article that follows the text; empty if the text is distinct without it."""


def about(l10n: Localizer, text: str, article: str) -> str:
    """Append the title of the guidance article to the text of a title."""
    return l10n.gettext("{title} – {article}", title=text, article=l10n.gettext(article))
