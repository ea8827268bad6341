"""The command `auditor products`: its options, its output and its exit code."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from auditor.app.catalogue import CatalogueUpdate, active, update
from auditor.catalogue import Catalogue, Product, free_products, suggest
from auditor.cli.arguments.options import day, declare, path_of_output, reader_locale
from auditor.cli.terminal.console import document, out, print_message, print_notice
from auditor.domain.errors import UsageError, printable
from auditor.domain.message import Message
from auditor.domain.translation import N_
from auditor.localization import Localization, localization

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLES = """\
auditor products                      every product
auditor products power automate       products with these words in their names, part number or skuId
auditor products EXCHANGE_S_ENTERPRISE   also products that include this plan
auditor products update FILE_OR_URL   import Microsoft's table, a CSV
"""


_USAGE = """\
%(prog)s [-h] [--free] [--json] [--locale TAG] [-v]
                        [TEXT ...]
       %(prog)s update FILE_OR_URL [--output PATH] [--source TEXT]
                                [--date YYYY-MM-DD] [--locale TAG] [-v]"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor products`."""
    parser.usage = _USAGE
    parser.add_argument("text", nargs="*", metavar="TEXT", help="words to look for, or: update FILE_OR_URL")
    parser.add_argument("--free", action="store_true", help="only products that cost nothing, with the reason")
    parser.add_argument("--json", action="store_true", help="print JSON, with the service plans")
    declare(parser, "locale", locale="language of the messages, and of the table on a terminal")
    group = parser.add_argument_group("update")
    help_text = "write here instead of the user's data folder"
    group.add_argument("--output", type=path_of_output, metavar="PATH", help=help_text)
    group.add_argument("--source", metavar="TEXT", help="the source to record (default: the file name or address)")
    group.add_argument(
        "--date",
        type=day,
        metavar="YYYY-MM-DD",
        help="the date of the table to record (default: the server's or the file's date)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor products` and return the exit code. Raises AuditorError before anything is written."""
    l10n = localization(reader_locale(args.locale))
    if args.text[:1] == ["update"]:
        return _update(args, l10n)
    if any(value is not None for value in (args.output, args.source, args.date)):
        raise UsageError(
            "usage",
            Message("--output, --source and --date can only be used with update"),
            hint=Message("`auditor products update FILE_OR_URL`"),
        )
    return _list(args, l10n)


def _update(args: argparse.Namespace, l10n: Localization) -> int:
    if len(args.text) != 2 or args.free or args.json:
        from auditor.catalogue.microsoft import ADDRESS  # noqa: PLC0415  only this error names it

        raise UsageError(
            "usage",
            Message("update takes one file or address, and neither --free nor --json"),
            hint=Message("`auditor products update FILE_OR_URL`; Microsoft's table: {address}", address=ADDRESS),
        )
    updated = update(args.text[1], output=args.output, source=args.source, date=args.date)
    for line in _changes(updated, l10n):
        out(line)
    catalogue = updated.catalogue
    counts = (
        l10n.plural("{count} product", "{count} products", len(catalogue.products)),
        l10n.plural("{count} service plan", "{count} service plans", len(catalogue.plans)),
    )
    values = {"path": updated.path, "counts": ", ".join(counts), "date": catalogue.date}
    print_notice(l10n.gettext("wrote {path}: {counts}, of {date}", **values))
    if updated.unused:
        print_message(l10n.gettext("the catalogue of the package is newer and stays in use"))
    return 0


def _changes(updated: CatalogueUpdate, l10n: Localization) -> list[str]:
    """Return a line for each change, which begins with the kind of change."""
    changes = updated.changes
    kinds = [l10n.gettext("added"), l10n.gettext("renamed"), l10n.gettext("plans"), l10n.gettext("removed")]
    width = max(map(len, kinds)) + 2
    added, renamed, plans, removed = (kind.ljust(width) for kind in kinds)
    lines = [f"{added}{_product_line(product)}" for product in changes.added]
    for old, new in changes.renamed:
        part = f"{old.part_number} -> {new.part_number}" if old.part_number != new.part_number else new.part_number
        lines.append(f"{renamed}{part}  {old.name} -> {new.name}  {new.sku_id}")
    for old, new in changes.replanned:
        before, after = ({plan.id: plan.name for plan in product.plans} for product in (old, new))
        plan_changes = [f"+{after[plan]}" for plan in after if plan not in before]
        plan_changes += [f"-{before[plan]}" for plan in before if plan not in after]
        lines.append(f"{plans}{_product_line(new)}  {' '.join(plan_changes)}")
    lines += [f"{removed}{_product_line(product)}" for product in changes.removed]
    return lines or [l10n.gettext("no product was added, renamed or removed")]


def _product_line(product: Product) -> str:
    return f"{product.part_number}  {product.name}  {product.sku_id}"


def _list(args: argparse.Namespace, l10n: Localization) -> int:
    catalogue = active()
    text = " ".join(args.text)
    matches = suggest(catalogue, text)
    products = [p for p in matches.products if not args.free or catalogue.is_free(p)]
    if args.json:
        document(_as_json(catalogue, products))
    elif sys.stdout.isatty():
        _print_table(catalogue, products, l10n, reasons=args.free)
    else:
        for row in _rows(catalogue, products, reasons=args.free):
            out("\t".join(row))
    if not products or not matches.matching:
        summary = N_("no product matches {text} in the table of {date}")
        if products:
            summary = N_("no product matches {text} in the table of {date}; similar products")
        print_message(printable(l10n.gettext(summary, text=repr(text), date=catalogue.date)))
    return 0


def _rows(catalogue: Catalogue, products: list[Product], *, reasons: bool) -> list[list[str]]:
    """Return the header and one row for each product; names contain neither tabs nor line breaks.

    The rows are for programs, and the same in every language.
    """
    free_reasons = {item.part_number.casefold(): item.reason for item in free_products()}
    rows = [["skuPartNumber", "name", "skuId", "servicePlans", "reason" if reasons else "free"]]
    for product in products:
        free = "yes" if catalogue.is_free(product) else "no"
        last = free_reasons.get(product.part_number.casefold(), "") if reasons else free
        rows.append([product.part_number, product.name, product.sku_id, str(len(product.plans)), last])
    return rows


def _print_table(catalogue: Catalogue, products: list[Product], l10n: Localization, *, reasons: bool) -> None:
    from rich.console import Console  # noqa: PLC0415  slow to import, only for a terminal
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    header, *rows = _rows(catalogue, products, reasons=reasons)
    text = l10n.plural("{shown} of {count} product", "{shown} of {count} products", len(catalogue.products))
    caption = f"{text.replace('{shown}', l10n.number(len(products)))}; {catalogue.source}, {catalogue.date}"
    console = Console()
    titles = {"name": N_("Name"), "free": N_("Free"), "reason": N_("Reason")}
    shown = [l10n.gettext(titles.get(title, title)) for title in header]
    if console.width < _MIN_TABLE_WIDTH:
        _print_stacked(console, shown, rows, l10n)
        console.print(Text(caption))
        return
    table = Table(caption=Text(caption), caption_justify="left")
    for title, name in zip(shown, header, strict=True):
        table.add_column(
            title, overflow="fold", no_wrap=name == "skuId", justify="right" if name == "servicePlans" else "left"
        )
    for row in rows:
        *facts, last = row
        # Text, not str: brackets in a name are not markup.
        table.add_row(*map(Text, facts), Text(l10n.gettext(last)))
    console.print(table)


_MIN_TABLE_WIDTH: Final = 120
"""Minimum width of a terminal on which a product with its full id fits on one line."""


def _print_stacked(console: "Console", titles: list[str], rows: list[list[str]], l10n: Localization) -> None:
    """Print two lines for each product: its name, and below it the id, which is never wrapped."""
    from rich.padding import Padding  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    for part, name, sku_id, plans, last in rows:
        line = Text(part, style="bold")
        line.append(f"  {name}", style="not bold")
        console.print(line, highlight=False)
        text = f"{sku_id}  {titles[3]} {plans}  {titles[4]}: {l10n.gettext(last)}"
        console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)), highlight=False)


def _as_json(catalogue: Catalogue, products: list[Product]) -> str:
    entries = [
        {
            "skuId": product.sku_id,
            "skuPartNumber": product.part_number,
            "name": product.name,
            "aliases": list(product.aliases),
            "free": catalogue.is_free(product),
            "servicePlans": [
                {"servicePlanId": plan.id, "servicePlanName": plan.name, "name": plan.friendly_name}
                for plan in product.plans
            ],
        }
        for product in products
    ]
    document = {"source": catalogue.source, "date": catalogue.date, "products": entries}
    return json.dumps(document, ensure_ascii=False, indent=2)
