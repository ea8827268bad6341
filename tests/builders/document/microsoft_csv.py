"""Formats rows as a CSV file like Microsoft's, for the tests of the catalogue."""

import csv
import io
from collections.abc import Iterable

from auditor.catalogue import Catalogue

HEADER = (
    "Product_Display_Name",
    "String_Id",
    "GUID",
    "Service_Plan_Name",
    "Service_Plan_Id",
    "Service_Plans_Included_Friendly_Names",
)

E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
F3 = "66b55226-6b4f-492c-910c-a3b7a3c9d993"
FLOW = "f30db892-07e9-47e9-837c-80727f46fd3d"
EXCHANGE = "efb87545-963c-4e0d-99df-69c6916d9eb0"
FILLER = "113feb6c-3fe4-4440-bddc-54d774bf0318"
ENTRA = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"

Row = tuple[str, str, str, str, str, str]

E3_EXCHANGE: Row = ("Microsoft 365 E3", "SPE_E3", E3, "EXCHANGE_S_ENTERPRISE", EXCHANGE, "Exchange Online (Plan 2)")
E3_ENTRA: Row = ("Microsoft 365 E3", "SPE_E3", E3, "AAD_PREMIUM", ENTRA, "Microsoft Entra ID P1")
F3_ENTRA: Row = ("Microsoft 365 F3", "SPE_F1", F3, "AAD_PREMIUM", ENTRA, "Microsoft Entra ID P1")
FLOW_FILLER: Row = (
    "Microsoft Power Automate Free",
    "FLOW_FREE",
    FLOW,
    "EXCHANGE_S_FOUNDATION",
    FILLER,
    "Exchange Foundation",
)
ROWS = (E3_EXCHANGE, E3_ENTRA, F3_ENTRA, FLOW_FILLER)


def csv_text(rows: Iterable[Iterable[str]], *, header: Iterable[str] = HEADER, line_end: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end).writerows([tuple(header), *map(tuple, rows)])
    return text.getvalue()


def rows_of(catalogue: Catalogue) -> list[Row]:
    """Return one row for each plan of each product, and a row of NULLs for a product without plans."""
    return [
        (product.name, product.part_number, product.sku_id, *plan)
        for product in catalogue.products.values()
        for plan in ([(p.name, p.id, p.friendly_name) for p in product.plans] or [("NULL", "NULL", "NULL")])
    ]
