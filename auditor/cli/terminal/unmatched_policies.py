"""Prints policies that evaluated nothing, because a misspelt value would look like compliance."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from auditor.cli.terminal.tables import print_indented
from auditor.domain.errors import printable_line
from auditor.domain.message import Message, truncated
from auditor.domain.result.model import Result
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.text.labels import Labels

_MAX_NOTICES: Final = 5
"""Maximum number of notices about values similar to others; other policies are only listed."""
_MAX_POLICIES: Final = 12
_MAX_LENGTH: Final = 300


def print_unmatched(console: Console, result: Result, l10n: Labels) -> None:
    """Print the policies that evaluated nothing in any tenant, and notices about values similar to others."""
    similar = list(_similar(result))
    shown = {policy for policy, _, _ in similar[:_MAX_NOTICES]}
    unmatched = [policy for policy in _unmatched(result) if policy not in shown]
    if not similar and not unmatched:
        return
    console.print(Text("\n" + l10n.gettext("Nothing to evaluate"), style="bold"), highlight=False)
    for _, location, message in similar[:_MAX_NOTICES]:
        line = Text(printable_line(f"{location}: " if len(result.tenants) > 1 else ""), style="yellow")
        text = l10n.translate(message)
        line.append(printable_line(text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"), style="yellow")
        print_indented(console, line)
    if unmatched:
        names = ", ".join(truncated(unmatched, _MAX_POLICIES))
        count = l10n.plural("{count} policy", "{count} policies", len(unmatched))
        print_indented(console, Text(printable_line(f"{count}: {names}"), style="dim"))


def _similar(result: Result) -> Iterator[tuple[str, str, Message]]:
    """Yield policy, tenant and message of notices about values that are similar to others."""
    titles = tenant_titles(result.tenants)
    for tenant in result.tenants:
        for notice in tenant.notices:
            if notice.code == "policy.no-match" and "near" in notice.message.arguments:
                yield notice.subject, titles[tenant.name], notice.message


def _unmatched(result: Result) -> list[str]:
    """Return the policies that were evaluated, but evaluated nothing in any tenant."""
    judged: dict[str, int] = {}
    single_tenant = {notice.subject for notice in result.fleet.notices if notice.code == "balance.single-tenant"}
    for outcomes in (*(tenant.policies for tenant in result.tenants), result.fleet.policies):
        for outcome in outcomes:
            if outcome.judged is not None and outcome.id not in single_tenant:
                judged[outcome.id] = judged.get(outcome.id, 0) + outcome.judged
    return sorted(policy for policy, count in judged.items() if not count)
