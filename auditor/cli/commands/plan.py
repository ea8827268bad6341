"""Implements `auditor plan`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from auditor.app.plan.command import FORMATS, PlanRequest, documents, exit_code, run_plan
from auditor.app.redaction.redact import redacted_plan
from auditor.app.report.outputs import check_places
from auditor.cli.options import from_environment, now, reader_locale
from auditor.cli.redaction import redaction_key
from auditor.cli.shared_options import declare
from auditor.cli.terminal.console import out, say
from auditor.cli.terminal.markdown import filled
from auditor.cli.terminal.streams import for_people
from auditor.deliver.report_folder import write_all
from auditor.deliver.standard_output import write_document
from auditor.domain.errors import UsageError, printable
from auditor.domain.message import Message
from auditor.remedy.planner.markdown import first_by_rank, plain, summary
from auditor.remedy.planner.model import FleetPlan
from auditor.render.text.labels import ORDERS
from auditor.wording import FALLBACK, Wording, wording

_EXAMPLES = """\
auditor plan --demo                          the built-in tenants
auditor plan --snapshot snapshots/ -f json -f markdown=plan.md policies/
The auditor only reads: requests and PowerShell lines are for an administrator to review and run.
exit codes: 0 the proof holds; 1 a finding that should be fixed remains, or a new one appears; 3 incomplete snapshot
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor plan`."""
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    declare(
        parser,
        *(
            "policies",
            "demo",
            "snapshot",
            "tenant",
            "as_of",
            "output",
            "format",
            "locale",
            "redact",
            "public",
            "quiet",
            "verbose",
        ),
        as_of="the plan's instant (default: now)",
        output="where the plan goes (default: out/)",
        format="json, markdown, html, questions, terminal (repeatable; default: json, questions, terminal)",
        locale="language of what people read (default: the environment's)",
        quiet="print nothing but errors",
    )
    parser.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        help="answers to the questions of the plan (default: decisions.yaml beside the policies)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor plan`: 0 when the proof holds, 1 when it does not, 3 from an incomplete snapshot.

    Raises AuditorError where there is nothing to plan for.
    """
    places, terminal = _places(args)
    key = redaction_key() if args.redact else None
    request = PlanRequest(
        policies=tuple(args.policies),
        demo=args.demo,
        snapshots=tuple(args.snapshot),
        tenants=tuple(args.tenant),
        as_of=args.as_of or now(),
        decisions=args.decisions,
    )
    words = wording(reader_locale(args.locale))
    plan = run_plan(request)
    # Documents are in English; for people the plan is printed in their language.
    told = plan if words.language == FALLBACK else run_plan(request, words=words)
    if key is not None:
        plan, told = redacted_plan(plan, key), redacted_plan(told, key)
    bodies = documents(plan, told, words)
    written = write_all((path, [bodies[name]()]) for name, path in places if path is not None)
    piped = [name for name, path in places if path is None]
    for name in piped:
        write_document([bodies[name]()], name)
    if terminal and not args.quiet:
        # If stdout is a document, messages for people are written to stderr.
        with for_people():
            _tell(told, words, say if piped else out)
    if not args.quiet:
        for path in written:
            say(printable("auditor: " + words.gettext("wrote {path}").replace("{path}", str(path))))
    return exit_code(plan)


def _places(args: argparse.Namespace) -> tuple[list[tuple[str, Path | None]], bool]:
    """Return the target of each format, None for stdout, and whether the terminal is one of them."""
    folder = args.output or Path(from_environment("OUTPUT", "out") or "out")
    asked = [part for text in args.format for part in ([text] if "=" in text else text.split(","))]
    places: list[tuple[str, Path | None]] = []
    terminal = not asked
    for text in asked or ["json", "questions"]:
        name, separator, path = text.partition("=")
        if name == "terminal" and not separator:
            terminal = True
        elif name in FORMATS and (path or not separator):
            places.append((name, None if path == "-" else Path(path) if path else folder / FORMATS[name]))
        else:
            raise UsageError(
                "usage",
                Message("a plan cannot be written as '{text}'", text=text),
                hint=Message("json, markdown, html, questions or terminal, with =PATH for a file"),
            )
    check_places([path for _, path in places])
    return places, terminal


_INDENT = 6
"""Columns before the notes on what a plan leaves out."""


def _tell(plan: FleetPlan, words: Wording, speak: Callable[[str], None]) -> None:
    orders = {order: words.gettext(text) for order, text in ORDERS.items()}
    wide = max(map(len, orders.values()))
    for tenant in plan.tenants:
        for line in summary(tenant, words):
            speak(filled(plain(line), rest="  "))
        first = first_by_rank(tenant)
        if first:
            speak(plain(words.gettext("What matters most")))
        for number, action in first:
            speak(filled(plain(f"{action.title}  {action.why}"), first=f"{number:>4}  ", rest=" " * _INDENT))
        if first:
            speak(filled(plain(words.gettext("What to do, in the order in which nothing breaks"))))
        for number, action in enumerate(tenant.actions, start=1):
            told = [words.plural("{count} request", "{count} requests", len(action.requests))] * bool(action.requests)
            told += [words.money(action.money.per_month, action.money.currency)] if action.money is not None else []
            title = plain(f"{action.title} ({', '.join(told)})" if told else action.title)
            begun = f"{number:>4}  {orders[action.order]:<{wide}}  "
            speak(filled(title, first=begun, rest=" " * len(begun)))
        if tenant.open_questions:
            count = words.plural("{count} open question", "{count} open questions", len(tenant.open_questions))
            speak(filled(plain(count), rest="  "))
        for notice in tenant.notices:
            speak(filled(plain(words.translate(notice.message)), first=" " * _INDENT, rest=" " * (_INDENT + 2)))
        for item in tenant.dropped:
            left = plain(f"{words.gettext('left out:')} {item.subject}: {item.why}")
            speak(filled(left, first=" " * _INDENT, rest=" " * (_INDENT + 2)))
    for notice in plan.notices:
        speak(filled(plain(words.translate(notice.message)), rest="  "))
