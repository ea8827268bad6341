"""The view model of actions on the page."""

from markupsafe import Markup
from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.actions.priority import Weight
from auditor.domain.enums import Severity
from auditor.guidance.parts import GuidancePart


class RankedAction(Struct, frozen=True, kw_only=True, eq=False):
    """An action, with its anchor and rank on the page."""

    anchor: str
    action: Action
    plan_index: int
    """Its index among the actions in the order of the plan."""
    money: str
    due: str
    """The day by which to decide, in words; empty if there is no date."""
    why: str
    """Why it has its rank; empty if severity, money and date show that."""
    weight: Weight


class GuidedAction(Struct, frozen=True, kw_only=True, eq=False):
    """One of the actions that share guidance."""

    step: RankedAction
    title: str
    """Without the suffix that the titles of all of them share."""
    who: str
    """The people concerned; empty if it is about a product or a group."""
    requests: tuple[Markup, ...]
    """Each as method and path, body, and PowerShell line; escaped."""
    more_requests: int
    """Number of requests that only the other files list."""


class Guide(Struct, frozen=True, kw_only=True, eq=False):
    """Actions with identical guidance, shown together at the position of the first one."""

    actions: tuple[GuidedAction, ...]
    severity: Severity
    money: str
    findings: int
    repeated: tuple[tuple[tuple[str, str], list[str]], ...]
    """Anchor and title of an earlier action, and the names of the parts that it already shows completely."""
    parts: tuple[tuple[str, GuidancePart], ...]
    """The parts by name: `prerequisites`, `warnings`, `steps` and `next`."""
    sources: tuple[int, ...]
    """Numbers of its documents in the list of `ActionSets.sources`."""


class ActionSet(Struct, frozen=True, kw_only=True, eq=False):
    """The actions about one product, in the order in which to do them; or a single other action."""

    product: str
    """Empty for an action that is listed on its own."""
    seats: str
    """The effect of the actions on the product's seats."""
    severity: Severity
    money: str
    due: str
    count: int
    findings: int
    first: RankedAction
    """The action to do first."""
    guides: tuple[Guide, ...]


class ActionSets(Struct, frozen=True, kw_only=True, eq=False):
    """The actions of a tenant, or of the fleet."""

    sets: tuple[ActionSet, ...]
    """The most important first; sets whose guidance is shown by other sets are left out."""
    sources: tuple[tuple[str, str | None], ...]
    """Label and address of each document; None if the address is not https."""
