"""Renders a remediation plan as one printable HTML file without external resources or scripts."""

from typing import Final

from markupsafe import Markup

from auditor.localization import Localization
from auditor.remedy.planner.model import FleetPlan
from auditor.render.html.report import environment
from auditor.render.plan.page import plan_view
from auditor.render.static_page import content_policy, embedded_text

_STYLES: Final = ("styles/report.css", "styles/plan.css")


def plan_html(plan: FleetPlan, *, l10n: Localization, tenant_page: str = "") -> bytes:
    """Return the HTML of a plan that was created in the language of `l10n`; equal plans give equal bytes.

    `tenant_page` is as for `plan_view`.
    """
    style = embedded_text(*_STYLES)
    text = (
        environment(l10n.locale)
        .get_template("plan.html.jinja")
        .render(
            plan=plan_view(plan, l10n, tenant_page),
            language=l10n.locale,
            csp=content_policy(style),
            style=Markup(style),  # noqa: S704 - packaged style sheets
        )
    )
    return text.encode("utf-8", "replace")
