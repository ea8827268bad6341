"""What the page shows of actions, as plain values."""

from dataclasses import dataclass

from markupsafe import Markup

from auditor.domain.actions.priority import Weight
from auditor.domain.enums import Severity
from auditor.domain.result.model import Action
from auditor.guidance.parts import GuidancePart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """An action with where it stands on the page."""

    anchor: str
    action: Action
    severity: Severity
    money: str
    due: str
    """By when to decide; empty where there is no date."""
    why: str
    """Why it stands where it stands."""
    weight: Weight
    findings: int
    seats: str
    """What is wrong with the seats that it frees or fills beside what it does for people; empty where nothing is."""
    movement: str
    """What all actions do to the seats that it buys or removes; empty for another action."""
    who: str
    """The people concerned; empty where it is about a product or a group."""
    requests: tuple[Markup, ...]
    """Each as it is typed: method and path, the body, the PowerShell line; escaped."""
    more_requests: int
    """Requests that are only in the other files."""
    links: tuple[tuple[str, str | None], ...]
    """Labels with an https address, or None for one that is none."""
    guide: "Guide | None"
    """What is told in its place; None for what an earlier action tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guide:
    """Actions that have the same guidance in every word, and are told together where the first of them stands."""

    steps: tuple[Step, ...]
    titles: tuple[str, ...]
    """Those of the actions, without the end that all of them have."""
    severity: Severity
    money: str
    findings: int
    prerequisites: GuidancePart
    instructions: GuidancePart
    warnings: GuidancePart
    next: GuidancePart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ActionSet:
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
    steps: tuple[Step, ...]
    """Those with a guide."""
