"""The command `auditor prices`: its options, its output and its exit code."""

import argparse
from pathlib import Path
from typing import Final

from auditor.app.catalogue import active
from auditor.app.policies.prices import BILLING, ImportedPrices, PriceOptions, import_prices
from auditor.app.report.outputs import STDOUT
from auditor.cli.arguments.options import declare, now, reader_locale
from auditor.cli.terminal.console import out, print_message, print_notice
from auditor.domain.errors import printable
from auditor.domain.message import truncated
from auditor.localization import Localization, localization

EXAMPLES = """\
auditor prices import prices.csv                   a table: skuPartNumber,price,currency
auditor prices import pricesheet.csv --market NL   Microsoft's price sheet for partners
"""
_MAX_PRODUCTS: Final = 20
"""Maximum number of products that are listed for each reason."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor prices`."""
    parser.add_argument("action", choices=("import",), help="write the prices of a CSV into a policy file")
    parser.add_argument("file", type=Path, metavar="FILE", help="the CSV to read")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("policies/prices.yaml"),
        metavar="FILE",
        help="the file of prices to write; - is stdout (default: policies/prices.yaml)",
    )
    declare(parser, "locale", locale="language of the messages")
    sheet = parser.add_argument_group("price sheet")
    sheet.add_argument("--market", metavar="XX", help="only the rows of this market")
    sheet.add_argument("--segment", default="Commercial", metavar="TEXT", help="the segment (default: Commercial)")
    sheet.add_argument("--term", choices=BILLING, default="P1Y", help="the term (default: P1Y)")
    sheet.add_argument("--billing", metavar="PLAN", help="Monthly, Annual or Triennial (default: by the term)")
    sheet.add_argument("--partner-cost", action="store_true", help="read UnitPrice instead of ERP Price")


def run(args: argparse.Namespace) -> int:
    """Run `auditor prices` and return the exit code. Raises AuditorError before anything is written."""
    options = PriceOptions(
        market=args.market, segment=args.segment, term=args.term, billing=args.billing, partner=args.partner_cost
    )
    output = None if args.output == Path(STDOUT) else args.output
    imported = import_prices(args.file, output, options, active(), now().date())
    _report(imported, output, localization(reader_locale(args.locale)))
    return 0


def _report(imported: ImportedPrices, output: Path | None, l10n: Localization) -> None:
    """Print the products that were left out or noted, and a summary of the file that was written, or the file."""
    if output is None:
        out(imported.text)
    for reason, products in imported.skipped.items():
        names = ", ".join(truncated(products, _MAX_PRODUCTS))
        text = l10n.gettext("left out or noted: {reason}: {products}", reason=l10n.translate(reason), products=names)
        print_message(printable(text))
    if output is None:
        return
    counts = l10n.plural("{count} price", "{count} prices", imported.count)
    summary = l10n.gettext(
        "wrote {path}: {counts} in {currency}", path=output, counts=counts, currency=imported.currency
    )
    print_notice(summary)
