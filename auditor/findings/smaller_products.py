"""Counts the people for whom open findings propose a smaller product, by the product they hold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.domain.actions.money import Money
from auditor.domain.enums import Status
from auditor.domain.result.seat_usage import SmallerProductCount

_MEMBER: Final = '"smallerProduct":'
_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_PATTERN: Final = rf'{_MEMBER}\s*(?P<proposal>\{{(?:[^"{{}}]|{_TEXT})*\}})'
"""The member with its value, an object without nested objects. Quotes in texts are escaped, so no text can match."""


class SmallerProductCounter(Struct):
    """Counts over record batches of findings, each with all findings about its people."""

    _people: dict[str, int] = field(default_factory=dict)
    """Proposal as JSON → number of people."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the people of a record batch of `auditor.findings.columns.SCHEMA`."""
        proposed = batch.filter(pc.match_substring(batch.column("evidence"), _MEMBER))
        if not proposed.num_rows:
            return
        table = pa.table(
            {
                "proposal": pc.struct_field(pc.extract_regex(proposed.column("evidence"), _PATTERN), "proposal"),
                "subject": proposed.column("subjectId"),
                "status": proposed.column("status").cast(pa.string()),
            }
        )
        opened = table.filter(pc.equal(table["status"], Status.OPEN.value)).drop_null()
        counts = opened.group_by(["proposal", "subject"]).aggregate([]).column("proposal").value_counts()
        for count in counts.to_pylist():
            self._people[count["values"]] = self._people.get(count["values"], 0) + count["counts"]

    def counts(self, names: Mapping[str, str]) -> tuple[SmallerProductCount, ...] | None:
        """Return the counts, the highest saving first; None if nothing is proposed.

        `names` has the titles of products by part number, or by skuId if there is none.
        """
        counts: dict[tuple[str, str, str], tuple[int, Decimal]] = {}
        for text, people in self._people.items():
            proposal = orjson.loads(text)
            key = (proposal["held"], proposal["product"], proposal["currency"])
            previous, saves = counts.get(key, (0, Decimal(0)))
            counts[key] = (previous + people, saves + Decimal(proposal["savesPerMonth"]) * people)
        all_counts = [
            SmallerProductCount(
                sku_part_number=held,
                name=names.get(held, held),
                smaller_sku_part_number=product,
                smaller_name=names.get(product, product),
                people=people,
                saves=Money(currency=currency, per_month=saves),
            )
            for (held, product, currency), (people, saves) in counts.items()
        ]
        order = sorted(
            all_counts, key=lambda count: (-count.saves.per_month, count.sku_part_number, count.smaller_sku_part_number)
        )
        return tuple(order) or None
