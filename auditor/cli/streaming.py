"""Turns `auditor audit --findings FILE` into a table of findings, counts beside it, and words on the terminal."""

import argparse
import os
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from auditor.app.audit.pipeline import exit_code
from auditor.app.audit.run import Request
from auditor.app.report.outputs import STDOUT, TERMINAL, Output, outputs
from auditor.app.streaming import Streamed, scratch_beside, streamed, write_streamed
from auditor.cli.options import locale_of, threshold, wished_locale
from auditor.cli.terminal.streams import for_people, write_commands
from auditor.domain.enums import Outcome, Severity
from auditor.domain.errors import UsageError, printable
from auditor.domain.message import Message
from auditor.domain.result import Result
from auditor.engine.outcome import NOTHING
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.summary import completeness, verdict

SUMMARY: Final = "summary.json"
_POLICIES: Final = 20
"""Policies that are listed; all of them stand in the summary."""


def checked(args: argparse.Namespace) -> None:
    """Raise UsageError where something is asked for that needs every finding at hand, or no file is named."""
    if str(args.findings) == STDOUT:
        raise UsageError(
            "format-path", Message("--findings writes a file, whole or not at all"), hint=Message("name a file")
        )
    asked: dict[str, Any] = {
        "--compare": args.compare,
        "--format": [text for text in args.format if text != TERMINAL],
        "--history": args.history,
        "--redact": args.redact,
        "--send": args.send,
        "--store": args.store,
    }
    for name, value in asked.items():
        if value:
            raise UsageError(
                "usage",
                Message("--findings writes findings row by row, and {name} needs all of them at hand", name=name),
                hint=Message("leave one of them out"),
            )


def run_streamed(args: argparse.Namespace, request: Request, folder: Path) -> int:
    """Audit, write the table and its summary, and tell what was found: 0, 1 or 3 as `auditor audit`.

    Raises AuditorError before anything is audited, DeliveryError where a file cannot be written.
    """
    summary = folder / SUMMARY
    wanted = outputs([("parquet", str(args.findings)), ("json", str(summary))], folder)
    with scratch_beside(args.findings) as scratch, streamed(request, scratch) as found:
        write_streamed(found, args.findings, summary)
        code = exit_code(found.result, threshold(args))
        locale = locale_of(wished_locale(args.locale), found.result)
        if not args.quiet:
            console = Console(no_color=True if args.no_color else None)
            with for_people():
                _tell(found, console, Labels(locale), (args.findings, summary))
        _publish(found.result, wanted, locale, code)
    return code


def _publish(result: Result, wanted: Output, locale: str, code: int) -> None:
    """Give a GitHub Actions job its outputs, and an annotation for each thing that could not be read."""
    if "GITHUB_ACTIONS" not in os.environ:
        return
    from auditor.app.ci.github_actions import publish_counts  # noqa: PLC0415  only in a job

    lines = publish_counts(result, wanted, locale=locale, code=code, environ=os.environ)
    write_commands(lines, beside_data=False)


def _tell(found: Streamed, console: Console, words: Labels, paths: tuple[Path, ...]) -> None:
    """Print the verdict, what is missing, what each policy found, and what a streamed audit leaves out."""
    result = found.result
    _print(console, Text(verdict(result, words), style="bold"))
    for sentence in completeness(result, words):
        _print(console, Text(printable(sentence), style="green" if result.complete else "yellow"))
    open_ = result.summary.open
    counts = [f"{words.number(open_[each])} {words.graded(each, open_[each])}" for each in Severity]
    if result.summary.waived:
        counts.append(words.ngettext("{count} waived", "{count} waived", result.summary.waived))
    _print(console, Text("\n" + "   ".join(counts)))
    _print_policies(found, console, words)
    left_out = words.gettext(
        "The findings are rows of a table: names, evidence, money, guidance, actions and changes are left out."
    )
    _print(console, Text(f"\n{left_out}", style="dim"))
    _print(console, Text("\n" + words.gettext("Reports"), style="bold"))
    for path in paths:
        console.print(Text(f"  {printable(str(path))}"), highlight=False, soft_wrap=True)


def _print_policies(found: Streamed, console: Console, words: Labels) -> None:
    """Print the policies that found something or could not be judged, worst first."""
    headers = {policy.id: policy for policy in found.result.run.policies}
    several = len(found.result.tenants) > 1
    lines = []
    for tenant in found.result.tenants:
        for outcome in tenant.policies:
            raised = found.raised.get(tenant.name, {}).get(outcome.id, NOTHING)
            unknown = outcome.status is Outcome.NOT_EVALUATED
            if tenant.failure is not None or not (raised.found or unknown):
                continue
            said = [words.ngettext("{count} open finding", "{count} open findings", raised.open)] if raised.open else []
            if raised.found > raised.open:
                waived = raised.found - raised.open
                said.append(words.ngettext("{count} waived", "{count} waived", waived))
            if unknown:
                said.append(words.gettext("not evaluated"))
            where = f"{tenant.name}: " if several else ""
            severity = headers[outcome.id].severity
            line = Text(f"{words.gettext(SEVERITIES[severity])}  ")
            line.append(printable(f"{where}{outcome.id}"), style="bold").append(f"  {words.joined(said)}")
            lines.append((severity.rank, -raised.open, line))
    if lines:
        _print(console, Text("\n" + words.gettext("Policies"), style="bold"))
    for _, _, line in sorted(lines, key=lambda each: each[:2])[:_POLICIES]:
        console.print(Padding(line, (0, 0, 0, 2)), highlight=False)
    if len(lines) > _POLICIES:
        more = words.ngettext("{count} more in the reports", "{count} more in the reports", len(lines) - _POLICIES)
        _print(console, Text(f"  {more}", style="dim"))


def _print(console: Console, text: Text) -> None:
    console.print(text, highlight=False)
