"""What the page shows of actions, as plain values."""

from markupsafe import Markup
from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.actions.priority import Weight
from auditor.domain.enums import Severity
from auditor.guidance.parts import GuidancePart


class Step(Struct, frozen=True, kw_only=True, eq=False):
    """An action with where it stands on the page."""

    anchor: str
    action: Action
    place: int
    """Its index among the actions in the order of the plan."""
    money: str
    due: str
    """By when to decide; empty where there is no date."""
    why: str
    """Why it stands where it stands."""
    weight: Weight


class GuidedAction(Struct, frozen=True, kw_only=True, eq=False):
    """One of the actions that share guidance."""

    step: Step
    title: str
    """Without the end that the titles of all of them have."""
    who: str
    """The people concerned; empty where it is about a product or a group."""
    requests: tuple[Markup, ...]
    """Each as it is typed: method and path, the body, the PowerShell line; escaped."""
    more_requests: int
    """Requests that are only in the other files."""


class Guide(Struct, frozen=True, kw_only=True, eq=False):
    """Actions that have the same guidance in every word, and are told together where the first of them stands."""

    actions: tuple[GuidedAction, ...]
    severity: Severity
    money: str
    findings: int
    same: tuple[tuple[tuple[str, str], list[str]], ...]
    """Anchor and title of an earlier action, and the names of the parts of which that shows every line."""
    parts: tuple[tuple[str, GuidancePart], ...]
    """The parts by name: `prerequisites`, `warnings`, `steps` and `next`."""
    sources: tuple[int, ...]
    """Numbers of the documents among those of all sets."""


class ActionSet(Struct, frozen=True, kw_only=True, eq=False):
    """The actions about one product, in the order in which nothing breaks; or one action about anything else."""

    product: str
    """Empty for an action that is told alone."""
    seats: str
    """What the actions do to the product's seats."""
    severity: Severity
    money: str
    due: str
    count: int
    findings: int
    first: Step
    """What to do first."""
    guides: tuple[Guide, ...]


class ActionSets(Struct, frozen=True, kw_only=True, eq=False):
    """The actions of a tenant, or of the fleet."""

    sets: tuple[ActionSet, ...]
    """The most important first; those whose guidance other sets tell are left out."""
    sources: tuple[tuple[str, str | None], ...]
    """Labels of the documents, with an https address, or None for one that is none."""
