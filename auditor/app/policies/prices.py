"""Imports prices from Microsoft's price sheet for partners, or from a CSV, into a policy file with `prices`."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from auditor.app.policy_files import read_yaml
from auditor.catalogue import Catalogue, Product, clean, fold, products_named
from auditor.catalogue.model import unprintable
from auditor.domain.errors import Diagnostic, InputError, Span, UsageError
from auditor.domain.message import Message
from auditor.files import input as files
from auditor.files.output import check_target, write_file
from auditor.policy.loader import load
from auditor.policy.yaml.messages import PRICE_FORMAT
from auditor.policy.yaml.reader import parse

BILLING: Final = {"P1M": "Monthly", "P1Y": "Annual", "P3Y": "Triennial"}
"""The default billing plan of each term."""
_MONTHS: Final = {"monthly": 1, "annual": 12, "triennial": 36}
_SHEET_COLUMNS: Final = frozenset({"skutitle", "termduration", "billingplan", "currency"})
_NAME_COLUMNS: Final = ("skuid", "skupartnumber", "partnumber", "part number", "sku", "product")
_AMOUNT_COLUMNS: Final = ("price", "amount", "perseatpermonth", "price per month")
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+ -]{0,99}")
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_FORMULA_PREFIXES: Final = ("=", "+", "-", "@")
_MAX_LENGTH: Final = 2000
_SEVERAL_PRICES: Final = Message("several prices of one product")


class PriceOptions(Struct, frozen=True, kw_only=True):
    """The options that select rows of a price sheet."""

    market: str | None = None
    segment: str = "Commercial"
    term: str = "P1Y"
    billing: str | None = None
    partner: bool = False
    """Whether to read the partner's cost instead of the list price."""


class ImportedPrices(Struct, frozen=True, kw_only=True):
    """The outcome of an import: the prices and the skipped rows."""

    text: str
    """The file of prices."""
    currency: str
    count: int
    skipped: Mapping[Message, tuple[Message, ...]]
    """Reason → the products or rows, without duplicates."""


Row = tuple[int, Mapping[str, str]]
"""A line number, and the values of the line by folded column name."""


class _Import(Struct):
    """The state of one import."""

    file: str
    catalogue: Catalogue
    sheet: bool
    """Whether it is Microsoft's price sheet, which may list one title several times."""
    errors: list[Diagnostic] = field(default_factory=list)
    prices: dict[str, dict[date, Decimal]] = field(default_factory=dict)
    lines: dict[tuple[str, date], int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)
    skipped: dict[Message, dict[Message, None]] = field(default_factory=dict)

    def add_error(self, line: int, message: Message, hint: Message | None = None) -> None:
        """Record an error in a row."""
        self.errors.append(_diagnostic(self.file, line, message, hint))

    def skip(self, why: Message, what: Message) -> None:
        """Record a skipped product or row."""
        self.skipped.setdefault(why, {}).setdefault(what)

    def add(self, line: int, name: str, starts: date, amount: Decimal, currency: str) -> None:
        """Add a price; two different prices of a product and day are an error, or are skipped in a price sheet."""
        if not re.fullmatch("[A-Z]{3}", currency):
            self.add_error(line, Message("'{currency}' is not an ISO 4217 currency code", currency=currency))
            return
        self.currencies.setdefault(currency, line)
        earlier = self.prices.setdefault(name, {}).setdefault(starts, amount)
        first = self.lines.setdefault((name, starts), line)
        if earlier == amount:
            return
        if self.sheet:
            self.skip(_SEVERAL_PRICES, Message(name))
        else:
            self.add_error(line, Message("'{name}' already has another price on line {line}", name=name, line=first))


def import_prices(
    source: Path, output: Path | None, options: PriceOptions, catalogue: Catalogue, today: date
) -> ImportedPrices:
    """Read a price list and write its prices to `output`, if it is a path; nothing is written if a row is invalid.

    Raises InputError with all invalid rows, and UsageError if a file cannot be read or must not be replaced.
    """
    if output is not None:
        _check_output(output)
    rows = list(_rows(source))
    columns = frozenset(rows[0][1]) if rows else frozenset()
    state = _Import(file=str(source), catalogue=catalogue, sheet=columns >= _SHEET_COLUMNS)
    if state.sheet:
        _read_sheet(state, rows, options, today)
        for name in state.skipped.get(_SEVERAL_PRICES, ()):
            state.prices.pop(str(name), None)
    else:
        _read_list(state, rows, columns)
    if len(state.currencies) > 1:
        first, second = list(state.currencies)[:2]
        message = Message("prices in {second}, but earlier rows have prices in {first}", second=second, first=first)
        state.add_error(state.currencies[second], message, Message("import one currency, or one --market, at a time"))
    if state.errors:
        raise InputError(sorted(state.errors, key=lambda error: error.span.line if error.span else 0))
    if not state.prices:
        hint = Message("see --market, --segment, --term and --billing")
        raise UsageError("prices-none", Message("no row of {source} has a price", source=source), hint=hint)
    currency = next(iter(state.currencies))
    text = _prices_yaml(source.name, currency, state.prices)
    load([(str(output), text)])
    if output is not None:
        try:
            write_file(output, text)
        except OSError as error:
            raise _unusable(output, error) from error
    skipped = {why: tuple(what) for why, what in state.skipped.items()}
    return ImportedPrices(text=text.decode(), currency=currency, count=len(state.prices), skipped=skipped)


def _check_output(output: Path) -> None:
    """Raise UsageError if the file exists and contains anything but prices."""
    try:
        check_target(output)
        text = read_yaml(output, None) if files.exists(output) else b""
    except OSError as error:
        raise _unusable(output, error) from error
    value = parse(text, file=str(output)).value if text.strip() else {}
    if not isinstance(value, dict) or not value.keys() <= {"version", "prices"}:
        raise UsageError(
            "prices-not-alone",
            Message("{output} contains more than prices, and an import replaces the whole file", output=output),
            hint=Message("specify another file with --output"),
        )


def _rows(source: Path) -> Iterator[Row]:
    """Yield the rows of a CSV in UTF-8, separated by commas, semicolons or tabs."""
    try:
        body = files.read(source, max_bytes=files.TABLE)
    except OSError as error:
        raise _unusable(source, error) from error
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        hint = Message("save the table as CSV in UTF-8; a downloaded zip has to be unpacked first")
        raise InputError([_diagnostic(str(source), line, Message("the file is not text in UTF-8"), hint)]) from error
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [fold(cell) for cell in cells]
                continue
            if len(cells) != len(header):
                message = Message(
                    "{found} columns, while the header has {header}", found=len(cells), header=len(header)
                )
                raise InputError([_diagnostic(str(source), reader.line_num, message)])
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        message = Message("the row is damaged: {error}", error=error)
        raise InputError([_diagnostic(str(source), reader.line_num, message)]) from error


def _read_list(state: _Import, rows: Sequence[Row], columns: frozenset[str]) -> None:
    """Read a table of product, price and currency, with an optional `from`."""
    name_of = next((name for name in _NAME_COLUMNS if name in columns), None)
    amount_of = next((name for name in _AMOUNT_COLUMNS if name in columns), None)
    if name_of is None or amount_of is None or "currency" not in columns:
        message = Message("the header has no column for the product, the price or the currency")
        hint = Message("write the header skuPartNumber,price,currency, or use Microsoft's price sheet unchanged")
        raise InputError([_diagnostic(state.file, 1, message, hint)])
    for line, row in rows:
        if not _has_safe_texts(state, line, row, (name_of, "currency", "from")):
            continue
        amount, starts = _amount(state, line, row[amount_of]), _day(state, line, row.get("from", ""))
        name = _known_name(state, line, clean(row[name_of]))
        if amount is not None and starts is not None and name is not None:
            state.add(line, name, starts, amount, clean(row["currency"]))


def _read_sheet(state: _Import, rows: Sequence[Row], options: PriceOptions, today: date) -> None:
    """Read Microsoft's price sheet for partners; its SkuId is not that of Graph, so products are matched by title."""
    price = "unitprice" if options.partner else "erp price"
    filters = {
        "termduration": options.term,
        "billingplan": options.billing or BILLING[options.term],
        "segment": options.segment,
        "market": options.market,
    }
    missing = [
        name for name in (price, *filters) if rows and filters.get(name, "") is not None and name not in rows[0][1]
    ]
    if missing:
        message = Message("the price sheet has no column {columns}", columns=", ".join(missing))
        raise InputError([_diagnostic(state.file, 1, message)])
    months = _MONTHS.get(str(filters["billingplan"]).casefold(), 1)
    for line, row in rows:
        mismatch = next(
            (key for key, value in filters.items() if value is not None and fold(row[key]) != fold(value)), None
        )
        if mismatch is not None:
            why = Message("a different {column} than requested", column=mismatch)
            state.skip(why, Message("{column} {value}", column=mismatch, value=clean(row[mismatch])))
        elif _has_safe_texts(state, line, row, ("skutitle", "producttitle", "currency")):
            _sheet_row(state, line, row, clean(row[price]), months, today)


def _sheet_row(state: _Import, line: int, row: Mapping[str, str], price: str, months: int, today: date) -> None:
    title = clean(row["skutitle"])
    if clean(row.get("pricingtierrangemin", "")) not in {"", "0", "1"}:
        state.skip(Message("a price for a tier of seats"), Message(title))
        return
    starts, ends = (_day(state, line, row.get(name, "")[:10]) for name in ("effectivestartdate", "effectiveenddate"))
    amount = _amount(state, line, price)
    if amount is None or starts is None or ends is None:
        return
    if row.get("effectiveenddate") and ends < today:
        state.skip(Message("a price that has ended"), Message(title))
        return
    products = products_named(state.catalogue, title) or products_named(
        state.catalogue, clean(row.get("producttitle", ""))
    )
    if len(products) != 1:
        why = Message("no product has this title") if not products else Message("several products have this title")
        parts = ", ".join(product.part_number for product in products)
        state.skip(why, Message("{title} ({parts})", title=title, parts=parts) if parts else Message(title))
        return
    starts = starts if starts > today else date.min
    monthly = (amount / months).quantize(Decimal("0.0001"))
    state.add(line, _key(state.catalogue, products[0]), starts, monthly, clean(row["currency"]))


def _key(catalogue: Catalogue, product: Product) -> str:
    """Return the part number of a product, or its skuId if several products share the part number."""
    return product.part_number if len(catalogue.by_part_number(product.part_number)) == 1 else product.sku_id


def _known_name(state: _Import, line: int, name: str) -> str | None:
    products = state.catalogue.named(name)
    if len(products) == 1:
        return _key(state.catalogue, products[0])
    if products:
        state.skip(Message("several products have this part number"), Message(name))
        return None
    if not _SAFE_NAME.fullmatch(name):
        state.add_error(line, Message("'{name}' is neither a part number nor a skuId", name=name))
        return None
    state.skip(Message("not in the product catalogue, but imported"), Message(name))
    return name


def _has_safe_texts(state: _Import, line: int, row: Mapping[str, str], names: Sequence[str]) -> bool:
    """Return whether the texts of a row are safe; otherwise record an error."""
    for name in names:
        value = row.get(name, "")
        if unprintable(value) is not None or len(value) > _MAX_LENGTH:
            state.add_error(
                line, Message("'{column}' has characters that are not allowed in a name, or is too long", column=name)
            )
            return False
        if value.lstrip().startswith(_FORMULA_PREFIXES):
            state.add_error(line, Message("'{column}' begins like a spreadsheet formula", column=name))
            return False
    return True


def _amount(state: _Import, line: int, text: str) -> Decimal | None:
    amount = text.strip()
    if _AMOUNT.fullmatch(amount):
        return Decimal(amount)
    state.add_error(line, Message("the price '{text}' is not an amount", text=amount[:40]), PRICE_FORMAT)
    return None


def _day(state: _Import, line: int, text: str) -> date | None:
    if not text.strip():
        return date.min
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        state.add_error(line, Message("'{text}' is not a date, YYYY-MM-DD", text=text[:40]))
        return None


def _prices_yaml(source: str, currency: str, prices: Mapping[str, Mapping[date, Decimal]]) -> bytes:
    """Return the content of the file; characters that could end its comment are removed from the name of the source."""
    text = "".join(character for character in clean(source) if character.isprintable())
    lines = [f"# Written by `auditor prices import` from {text[:100]}. The next import replaces it.", "version: 1"]
    lines += ["prices:", f"  currency: {currency}", "  perSeatPerMonth:"]
    for name in sorted(prices, key=str.casefold):
        dated = [_entry(amount, starts) for starts, amount in sorted(prices[name].items())]
        has_single_price = list(prices[name]) == [date.min]
        value = f"{prices[name][date.min].normalize():f}" if has_single_price else f"[{', '.join(dated)}]"
        lines.append(f'    "{name}": {value}')
    return ("\n".join(lines) + "\n").encode()


def _entry(amount: Decimal, starts: date) -> str:
    since = "" if starts == date.min else f", from: {starts.isoformat()}"
    return f"{{amount: {amount.normalize():f}{since}}}"


def _diagnostic(file: str, line: int, message: Message, hint: Message | None = None) -> Diagnostic:
    return Diagnostic(slug="prices-row", message=message, span=Span(file=file, line=line, column=1), hint=hint)


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        "prices-file",
        Message("{path}: {strerror}", path=path, strerror=error.strerror or str(error)),
        hint=Message("specify the CSV of the price list, and with --output a file that can be written"),
    )
