"""The command `auditor verify`: its options, its output and its exit code."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from auditor.app.report.localization import localized_verification
from auditor.app.report.outputs import targets_of
from auditor.app.verification.run import FORMATS, exit_code, verification
from auditor.cli.arguments.audit_request import add_state_arguments, audit_request, history_location
from auditor.cli.arguments.options import declare, output_folder, reader_locale
from auditor.cli.terminal.console import out, print_message
from auditor.cli.terminal.markdown import wrapped_text
from auditor.cli.terminal.streams import for_people
from auditor.cli.written_documents import print_written, write_artifacts
from auditor.domain.result.model import Result
from auditor.render.text.labels import Labels

EXAMPLES = """\
auditor verify out/plan.json                              the tenants of tenants.yaml, as they are now
auditor verify out/plan.json --snapshot snapshots/ --done done.jsonl policies/
exit codes: 0 all actions that were run are done, and there are no new findings; 1 otherwise; 3 incomplete
"""
FORMAT_NAMES = (*FORMATS, "terminal")
"""The formats that -f accepts."""
_MAX_ITEMS = 10
"""Maximum number of items of a list on the terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor verify`."""
    parser.add_argument("plan", type=Path, metavar="PLAN", help="the plan.json that `auditor plan` wrote")
    parser.add_argument(
        "--done", type=Path, metavar="FILE", help="the done.jsonl of plan.ps1, or a folder of such files"
    )
    declare(parser, "policies")
    add_state_arguments(parser.add_argument_group("what is compared with the plan"))
    declare(
        parser,
        *("output", "format", "locale", "history", "redact", "public", "quiet", "verbose", "no_progress"),
        output="where the outcome goes (default: out/)",
        format=f"{', '.join(FORMAT_NAMES)} (repeatable, or separated by commas; default: json, terminal)",
        history="earlier result.json files of the same tenants, or a store, to detect monthly terms from their nights",
        verbose="log each step; a bug shows its traceback",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor verify`; returns 0, 1 or 3. Raises AuditorError if the plan or the state cannot be read."""
    folder = output_folder(args.output)
    targets, terminal = targets_of(args.format, FORMATS, folder, default=("json",))
    locale = reader_locale(args.locale)
    args.history = history_location(args)
    with verification(audit_request(args), args.plan, args.done) as result:
        localized = localized_verification(result, locale)
        written = write_artifacts([(name, path, _rendered(result, localized, name, locale)) for name, path in targets])
        if terminal and not args.quiet:
            # If stdout is a document, messages for people are written to stderr.
            with for_people():
                _print(localized, Labels(locale), to_stderr=any(path is None for _, path in targets))
        elif not result.complete:
            from auditor.cli.terminal.problems import print_missing_data  # noqa: PLC0415  only if incomplete
            from auditor.render.text.summary import missing_data  # noqa: PLC0415

            print_missing_data(missing_data(localized, Labels(locale)), Labels(locale))
        if not args.quiet:
            print_written(written, Labels(locale))
        return exit_code(result, logged=args.done is not None)


def _rendered(result: Result, localized: Result, name: str, locale: str) -> Iterable[bytes]:
    """Return a document; `localized` is the result in the language of `locale`, for people."""
    from auditor.render import verification  # noqa: PLC0415  not needed for `--help`

    if name == "json":
        return verification.verification_json(result)
    render = verification.verification_markdown if name == "markdown" else verification.verification_html
    return render(localized, locale=locale)


def _print(result: Result, l10n: Labels, *, to_stderr: bool) -> None:
    from auditor.render.verification import sections  # noqa: PLC0415  not needed for `--help`

    write = print_message if to_stderr else out
    for section in sections(result, l10n, most=_MAX_ITEMS):
        indent = "  " * (section.level - 1)
        write(wrapped_text(section.title, first=indent, rest=indent + "  "))
        for text in (*section.paragraphs, *section.lines):
            write(wrapped_text(text, first=indent + "  ", rest=indent + "    "))
