"""The command `auditor history`: its options, its output and its exit code."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from auditor.app.catalogue import active
from auditor.app.history.episodes import finding_episodes
from auditor.app.history.queries import HistorySources, compare_nights, open_history, tenant_trends
from auditor.app.report.outputs import targets_of
from auditor.cli.arguments.options import declare, first_instant, last_instant, location, now, reader_locale
from auditor.cli.terminal.console import print_diagnostics, print_notice, warnings
from auditor.cli.terminal.streams import for_people
from auditor.cli.written_documents import write_artifacts
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.trends import Between, Trends
from auditor.history.display_names import titled, titled_between, titled_episodes
from auditor.history.night_diff import first_from
from auditor.render.history import html, json, table
from auditor.render.text.labels import Labels

EXAMPLES = """\
auditor history audits/                                         seats, findings, money, forecasts
auditor history audits/ --tenant contoso --from 2026-01-01 -f html=trends.html -f csv=trends.csv
auditor history audits/ --from 2026-03-01 --to 2026-03-31            what is new, fixed and changed
auditor history audits/ --from 2026-03-01 --to 2026-03-31 --people   who kept, got and lost a licence
auditor history audits/ --policy leavers                        since when?
auditor history audits/ --tenant contoso --person ann@contoso.example
auditor history snapshots/ old/result.json out/result.json      without a store
"""
_FORMATS = {"html": "history.html", "json": "history.json", "csv": "history.csv", "parquet": "history.parquet"}
FORMAT_NAMES = (*_FORMATS, "terminal")
"""The formats that -f accepts."""
_QUESTIONS = ("finding", "policy", "person")


class _Output(NamedTuple):
    files: Mapping[str, Path | None]
    """The path of each format; None means stdout."""
    terminal: bool
    """Whether text for people is printed."""

    @property
    def stderr(self) -> bool:
        """Whether text for people goes to stderr, because stdout is a document."""
        return None in self.files.values()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor history`."""
    parser.add_argument(
        "locations",
        nargs="*",
        default=[],
        type=location,
        metavar="LOCATION",
        help="stores, folders of snapshots, result.json files",
    )
    declare(parser, "snapshot", "tenant")
    parser.add_argument(
        "--from",
        dest="since",
        type=first_instant,
        default=(None, False),
        metavar="RFC3339",
        help="only data from this instant or day on; with --to: show what changed",
    )
    parser.add_argument(
        "--to", dest="until", type=last_instant, metavar="RFC3339", help="only data up to this instant or day"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="also show all unchanged products and policies, and the details of all tenants, in the terminal",
    )
    parser.add_argument("--people", action="store_true", help="compare the people of --from and --to")
    _add_questions(parser.add_mutually_exclusive_group())
    texts = {
        "format": (
            f"{', '.join(FORMAT_NAMES)} (repeatable, or separated by commas; default: terminal);"
            " without a PATH to stdout"
        ),
        "locale": "language of the answer in the terminal and as html",
        "quiet": "print nothing but errors and data",
    }
    declare(parser, "format", "csv_bom", "public", "locale", "quiet", **texts)


def _add_questions(group: argparse._MutuallyExclusiveGroup) -> None:
    group.add_argument(
        "--finding",
        metavar="FINGERPRINT",
        help="since when has this finding been open?",
    )
    group.add_argument(
        "--policy",
        metavar="ID",
        help="since when have the findings of this policy been open?",
    )
    group.add_argument(
        "--person",
        metavar="UPN",
        help="since when have the findings about this person been open?",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor history`; returns 0, or 3 if one of several tenants or results failed. Raises AuditorError."""
    targets, terminal = targets_of(args.format, _FORMATS, None)
    output, l10n = _Output(dict(targets), terminal), Labels(reader_locale(args.locale))
    args.locations, args.tenant = [*args.locations, *args.snapshot], list(dict.fromkeys(args.tenant))
    if not args.locations:
        raise UsageError(
            "usage",
            Message("the following arguments are required: {names}", names="LOCATION"),
            hint=Message("specify a store, a folder of snapshots, or result.json files"),
        )
    sources = open_history(args.locations)
    for by in _QUESTIONS:
        value = getattr(args, by)
        if value is not None:
            return _since_when(args, output, l10n, sources, by, value)
    if args.people:
        return _people(args, output, l10n, sources)
    since, day = args.since
    comparisons = (
        [] if since is None or args.until is None else compare_nights(sources, args.tenant, since, args.until, day=day)
    )
    trends = tenant_trends(sources, args.tenant, (since, args.until), now())
    if trends:
        _write_trends(output, trends, comparisons, sources.titles, l10n, args)
    return _print_failures(args, sources)


def _print_failures(args: argparse.Namespace, sources: HistorySources) -> int:
    """Print the failures of several tenants and results, and return the exit code; a single tenant raises its own."""
    failures = () if len(args.tenant) == 1 else sources.failures_of(args.tenant)
    for failure in failures:
        print_diagnostics(failure.diagnostics, locale=args.locale)
    return 3 if failures else 0


def _people(args: argparse.Namespace, output: _Output, l10n: Labels, sources: HistorySources) -> int:
    since, day = args.since
    if since is None or args.until is None:
        hint = Message("specify both with --from and --to")
        raise UsageError("usage", Message("--people requires two nights"), hint=hint)
    _check_answer_formats(output)
    tenant = sources.one(args.tenant)[0]
    from auditor.app.history.cohorts import compared  # noqa: PLC0415  not needed for trends

    nights = [night.instant for night in sources.tenants[tenant].nights] if day else []
    cohorts = compared(args.locations, tenant, first_from(nights, since, args.until), args.until)
    tenant_trends(sources, [tenant], (since, args.until), now())  # raises if both are the same night
    # The name of a product may be known from an earlier night only.
    names = {
        seat.sku_id: seat.sku
        for trends in tenant_trends(sources, [tenant], (None, args.until), now())
        for seat in trends.seats
    }
    if "json" in output.files:
        _write(args, l10n, [("json", output.files["json"], json.render_cohorts(tenant, cohorts, names))])
    if output.terminal and not args.quiet:
        from auditor.cli.terminal.history import show_cohorts  # noqa: PLC0415

        catalogue = active()
        titles = {sku: product.name if (product := catalogue.product(sku)) else names.get(sku, sku) for sku in cohorts}
        with for_people():
            show_cohorts(sources.titles[tenant], cohorts, titles, l10n, stderr=output.stderr)
    return 0


def _check_answer_formats(output: _Output) -> None:
    if output.files.keys() - {"json"}:
        raise UsageError(
            "format-unknown",
            Message("this is available as json or in the terminal"),
            hint=Message("ask for it with `-f json`"),
        )


def _since_when(
    args: argparse.Namespace, output: _Output, l10n: Labels, sources: HistorySources, by: str, value: str
) -> int:
    warn = warnings(args.locale, quiet=args.quiet)
    _check_answer_formats(output)
    found = finding_episodes(sources, args.tenant, by=by, wanted=value, warn=warn)
    if "json" in output.files:
        periods = {entry.tenant: entry.episodes for entry in found}
        document = json.render_episodes(periods, single=sources.is_single(args.tenant))
        _write(args, l10n, [("json", output.files["json"], document)])
    if output.terminal and found and not args.quiet:
        from auditor.cli.terminal.history import show_episodes  # noqa: PLC0415

        catalogue, titles = active(), sources.titles
        shown = [
            (titles[entry.tenant], titled_episodes(entry.episodes, catalogue), entry.policy_titles) for entry in found
        ]
        with for_people():
            show_episodes(shown, value, l10n, stderr=output.stderr)
    return _print_failures(args, sources)


def _write_trends(
    output: _Output,
    trends: list[Trends],
    comparisons: list[Between],
    titles: Mapping[str, str],
    l10n: Labels,
    args: argparse.Namespace,
) -> None:
    def shown() -> tuple[list[Trends], list[Between]]:
        catalogue = active()
        return titled(trends, titles, catalogue), titled_between(comparisons, trends, catalogue)

    renderers = {
        "html": lambda: html.render(*shown(), l10n),
        "json": lambda: json.render(trends, comparisons),
        "csv": lambda: table.render_csv(trends, byte_order_mark=args.csv_bom),
        "parquet": lambda: table.render_parquet(trends),
    }
    _write(args, l10n, [(name, path, renderers[name]()) for name, path in output.files.items() if name in renderers])
    if output.terminal and not args.quiet:
        from auditor.cli.terminal.history import show  # noqa: PLC0415

        with for_people():
            show(*shown(), l10n, everything=args.all, stderr=output.stderr)


def _write(args: argparse.Namespace, l10n: Labels, artifacts: list[tuple[str, Path | None, Iterable[bytes]]]) -> None:
    for path in write_artifacts(artifacts):
        if not args.quiet:
            print_notice(l10n.gettext("wrote {path}", path=path))
