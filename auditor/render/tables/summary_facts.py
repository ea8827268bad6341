"""The lines of the workbook's summary: what was evaluated, counts of findings, and amounts of money."""

from collections.abc import Iterator
from decimal import Decimal

from auditor.domain.enums import Severity
from auditor.domain.money import rounded
from auditor.domain.result.model import Result
from auditor.render.text.figures import money_figures
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.summary import completeness
from auditor.result.aggregate import all_prices_known, changes, money
from auditor.result.codec.encoder import TOOL


def summary_facts(result: Result, l10n: Labels) -> Iterator[tuple[str, str | int | tuple[str, Decimal]]]:
    """Yield lines of the summary that do not require iterating over the findings: a label with a value or amount."""
    for sentence in completeness(result, l10n):
        yield "", sentence
    yield l10n.gettext("As of"), l10n.instant(result.run.as_of)
    for severity in Severity:
        yield l10n.gettext(SEVERITIES[severity]), result.summary.open.get(severity, 0)
    if result.run.previous is not None:
        changed = changes(result.tenants, result.fleet)
        yield l10n.gettext("new"), changed.new
        yield l10n.gettext("reopened"), changed.reopened
        yield l10n.gettext("fixed"), changed.fixed
    yield l10n.gettext("waived"), result.summary.waived
    if result.summary.report_only:
        yield l10n.gettext("report-only"), result.summary.report_only
    bound = "" if all_prices_known(result) else f" ({l10n.gettext('at least')})"
    for figure in money_figures(result, money(result), l10n):
        for currency, amount in figure.amounts.items():
            yield f"{l10n.gettext('Per month')}: {figure.label}{bound}", (currency, rounded(amount))
    yield l10n.gettext("Written by"), f"{TOOL} {result.run.tool_version}"
    yield l10n.gettext("Policies"), result.run.policy_digest
