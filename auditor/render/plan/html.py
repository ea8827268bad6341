"""A remediation plan into one HTML file that loads nothing, runs nothing and prints well."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

from markupsafe import Markup

from auditor import resources
from auditor.domain.result import Action
from auditor.render.artifact import Artifact
from auditor.render.html.report import environment
from auditor.render.text.guidance_freshness import oldest
from auditor.render.text.labels import ORDERS, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRow:
    """One figure a month in one currency, before the plan and after it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """One action with whom it concerns and what it saves."""

    action: Action
    who: tuple[str, ...]
    money: str
    connect: str
    """The PowerShell line that signs in for the requests; empty where there is none."""
    requests: tuple[tuple[str, str], ...]
    """(request, PowerShell line) pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView:
    """The plan of one tenant, as it is shown; every text is in the reader's language."""

    anchor: str
    title: str
    proven: bool
    told: tuple[str, ...]
    """What the plan comes to, one sentence each."""
    open_before: int
    open_after: int
    requests: int
    money: tuple[MoneyRow, ...]
    first: tuple[tuple[int, Action], ...]
    """The few most important actions, each with its number among `actions`."""
    actions: tuple[ActionView, ...]
    fixed: tuple[str, ...]
    """The findings that are gone, each in one line."""
    remaining: tuple[tuple[str, str], ...]
    """(finding, why it stays) pairs."""
    new: tuple[str, ...]
    undecided: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str, str], ...]
    """Open questions, each with its effect and the stub of its answer."""
    notices: tuple[str, ...]
    """What is wrong with decisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A whole plan, as it is shown."""

    as_of: datetime
    complete: bool
    proven: bool
    tenants: tuple[TenantView, ...]
    fleet: tuple[str, ...]
    """Why findings about all tenants together stay."""

    @property
    def checked(self) -> date | None:
        """The oldest day on which the guidance of an action was held against its sources; None where none is known."""
        return oldest(each.action for tenant in self.tenants for each in tenant.actions)


_STYLES: Final = ("styles/report.css", "styles/plan.css")


def render(view: PlanView, *, locale: str) -> Artifact:
    """Write the page; equal plans give equal bytes."""
    words = Labels(locale)
    style = "".join(_text(path) for path in _STYLES)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    template = environment(words).get_template("plan.html.jinja")
    orders = {key: words.gettext(text) for key, text in ORDERS.items()}
    text = template.render(
        plan=view,
        language=words.language,
        csp=rules,
        style=Markup(style),  # noqa: S704 - ours
        orders=orders,
    )
    return Artifact(name="plan.html", media_type="text/html; charset=utf-8", body=text.encode("utf-8", "replace"))


def requested(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return a request as method, path and body, and its PowerShell line."""
    body = request.get("body")
    written = "" if body is None else "\n" + json.dumps(body, ensure_ascii=False, indent=2, default=str)
    return f"{request['method']} {request['path']}{written}", str(request.get("powershell", ""))


def _text(path: str) -> str:
    return resources.reports().joinpath(path).read_text(encoding="utf-8").replace("\r\n", "\n")
