"""The command `auditor preview`: its options, its output and its exit code."""

import argparse
from collections.abc import Callable, Iterable, Mapping

from auditor.app.policies.preview import exit_code, failing, preview
from auditor.app.report.outputs import targets_of
from auditor.cli.arguments.audit_request import history_location, preview_request
from auditor.cli.arguments.options import FailOn, declare, output_folder, reader_locale
from auditor.cli.terminal.console import out, print_message
from auditor.cli.terminal.markdown import wrapped_text
from auditor.cli.terminal.streams import for_people
from auditor.cli.written_documents import print_written, write_artifacts
from auditor.domain.preview import Preview
from auditor.render.preview import html, json, markdown
from auditor.render.preview.markdown import counts_text, headline, more, sides_label, state, unevaluated_lines
from auditor.render.text.labels import Labels
from auditor.result.preview_counts import by_policy

EXAMPLES = """\
auditor preview --base origin/main --snapshot snapshots/      what the working tree's policies/ would change
auditor preview --base old-policies/ policies/ --demo -f markdown=-
exit codes: 0 nothing at or above --fail-on is new or worse; 1 something is; 2 broken policies; 3 incomplete
"""
_FORMATS: Mapping[str, tuple[str, Callable[..., Iterable[bytes]]]] = {
    "json": ("preview.json", json.render),
    "markdown": ("preview.md", markdown.render),
    "html": ("preview.html", html.render),
}
"""Format → default file name and renderer."""
FORMAT_NAMES = (*_FORMATS, "terminal")
"""The formats that -f accepts."""
_MAX_UNKNOWN = 10
"""Maximum number of policies that are printed as not evaluated."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor preview`."""
    declare(
        parser,
        "policies",
        policies="the changed policies: files or folders (default: policies/, else the starter library)",
    )
    parser.add_argument(
        "--base", required=True, metavar="REF_OR_DIR", help="the policies before the change: a git ref, or a folder"
    )
    declare(
        parser,
        *("demo", "snapshot", "tenant", "as_of", "output", "public", "format", "names"),
        *("fail_on", "history", "locale", "quiet"),
        as_of="the instant of both audits (default: now)",
        output="where the preview goes (default: out/)",
        format=(
            f"{', '.join(FORMAT_NAMES)} (repeatable, or separated by commas; default: json, markdown);"
            " a PATH of - is stdout"
        ),
        history="earlier result.json files of the same tenants, or a store, to detect monthly terms from their nights",
        fail_on=(
            "exit with 1 if findings at or above this severity are new, more severe or no longer waived, or never"
            " (default: high)"
        ),
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor preview`; returns 0, 1 if the change worsens findings that reach --fail-on, or 3 if data is missing.

    Raises AuditorError if the policies before or after the change are invalid, or if there is nothing to audit.
    """
    fail_on: FailOn = args.fail_on
    args.history = history_location(args)
    locale = reader_locale(args.locale)
    names = {name: file for name, (file, _) in _FORMATS.items()}
    targets, _ = targets_of(args.format, names, output_folder(args.output), default=("json", "markdown"))
    changes = preview(preview_request(args), args.base)
    written = write_artifacts([(name, path, _FORMATS[name][1](changes, locale=locale)) for name, path in targets])
    l10n = Labels(locale)
    if not args.quiet:
        if all(path is not None for _, path in targets):
            with for_people():
                _print_preview(changes, l10n)
        print_written(written, l10n)
    code = exit_code(changes, fail_on.severity)
    if code == 1 and not args.quiet:
        counts = failing(changes, fail_on.severity)
        listed = l10n.joined(f"{l10n.number(count)} {l10n.severity_name(key, count)}" for key, count in counts.items())
        print_message(
            l10n.gettext(
                "exit code 1, because findings are new, more severe or no longer waived: {counts}", counts=listed
            )
        )
    return code


def _print_preview(changes: Preview, l10n: Labels) -> None:
    out(wrapped_text(headline(changes, l10n)))
    for policy, counts in by_policy(changes):
        text = f"{policy.id} ({state(policy, l10n)}): {counts_text(counts, l10n)}"
        out(wrapped_text(text, first="  ", rest="    "))
    lines = unevaluated_lines(changes, l10n)
    for group, tenants, reason in lines[:_MAX_UNKNOWN]:
        place = f"{group.policy} ({tenants})" if tenants else group.policy
        text = l10n.gettext(
            "not evaluated {side}: {policy}: {reason}", side=sides_label(group, l10n), policy=place, reason=reason
        )
        out(wrapped_text(text, first="  ", rest="    "))
    if len(lines) > _MAX_UNKNOWN:
        out(f"  {more(len(lines) - _MAX_UNKNOWN, l10n)}")
