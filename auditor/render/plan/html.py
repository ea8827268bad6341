"""A remediation plan into one HTML file that loads nothing, runs nothing and prints well."""

from datetime import date, datetime
from typing import Final

from markupsafe import Markup
from msgspec import Struct

from auditor import resources
from auditor.domain.actions.action import Action
from auditor.domain.enums import Severity
from auditor.guidance.parts import GuidancePart
from auditor.render.artifact import Artifact
from auditor.render.html.report import environment
from auditor.render.text.guidance import oldest
from auditor.render.text.labels import Labels
from auditor.render.text.static_page import content_policy


class MoneyRow(Struct, frozen=True, kw_only=True):
    """One figure a month in one currency, before the plan and after it."""

    label: str
    before: str
    after: str


class AnswerView(Struct, frozen=True, kw_only=True):
    """A possible answer in l10n, and as an item of decisions.yaml."""

    label: str
    yaml: str


class QuestionView(Struct, frozen=True, kw_only=True):
    """An open question."""

    text: str
    effect: str
    answers: tuple[AnswerView, ...]


class GuideView(Struct, frozen=True, kw_only=True):
    """How an action is carried out."""

    prerequisites: GuidancePart
    warnings: GuidancePart
    instructions: GuidancePart
    next: GuidancePart
    script: str
    """The PowerShell lines that sign in and carry the requests out; empty without requests."""
    requests: str
    """The requests, one after the other."""


class ActionView(Struct, frozen=True, kw_only=True):
    """An action in a part of the page."""

    anchor: str
    number: int
    action: Action | None
    """None for questions about findings that no action names."""
    severity: Severity
    effects: tuple[str, ...]
    """What it comes to: findings, seats, money."""
    who: tuple[tuple[str, str], ...]
    """Names and addresses of the subjects."""
    guide: GuideView | None
    """None where the action is shown elsewhere on the page, at `elsewhere`."""
    questions: tuple[QuestionView, ...] = ()
    """Those that are shown here, before several alike one for all of them."""
    asked: int = 0
    """How many questions they are."""
    elsewhere: str = ""
    """The anchor where the action is shown in full, or where its questions are."""


class Part(Struct, frozen=True, kw_only=True):
    """A numbered part of the page about a tenant."""

    anchor: str
    number: int
    title: str
    note: str
    effects: tuple[str, ...]
    actions: tuple[ActionView, ...]


class FirstAction(Struct, frozen=True, kw_only=True):
    """One of the few most important actions."""

    anchor: str
    title: str
    why: str
    due: str
    """The nearest date of the product that it is about; empty where no date is known."""


class TenantView(Struct, frozen=True, kw_only=True):
    """The plan of one tenant, as it is shown; every text is in the reader's language."""

    anchor: str
    title: str
    summary: tuple[str, ...]
    """What the plan comes to, one sentence each."""
    open_before: int
    open_after: int
    money: tuple[MoneyRow, ...]
    first: tuple[FirstAction, ...]
    parts: tuple[Part, ...]
    proof: int
    """The number of the part about the proof."""
    fixed: tuple[str, ...]
    """The findings that are gone, each in one line."""
    remaining: tuple[tuple[str, tuple[str, ...]], ...]
    """(why, findings) pairs."""
    new: tuple[str, ...]
    undecided: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    """What is wrong with decisions."""


class PlanView(Struct, frozen=True, kw_only=True):
    """A whole plan, as it is shown."""

    as_of: datetime
    complete: bool
    proven: bool
    tenants: tuple[TenantView, ...]
    fleet: tuple[str, ...]
    """Why findings about all tenants together stay."""
    actions: tuple[Action, ...]

    @property
    def checked(self) -> date | None:
        """The oldest day on which the guidance of an action was held against its sources; None where none is known."""
        return oldest(self.actions)


_STYLES: Final = ("styles/report.css", "styles/plan.css")


def render(view: PlanView, *, locale: str) -> Artifact:
    """Write the page; equal plans give equal bytes."""
    l10n = Labels(locale)
    style = "".join(map(resources.report_text, _STYLES))
    template = environment(l10n).get_template("plan.html.jinja")
    text = template.render(
        plan=view,
        language=l10n.language,
        csp=content_policy(style),
        style=Markup(style),  # noqa: S704 - ours
    )
    return Artifact(name="plan.html", media_type="text/html; charset=utf-8", body=text.encode("utf-8", "replace"))
