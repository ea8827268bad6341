"""A page of users into Arrow columns, without an object per user; the malformed is told apart from the absent."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from auditor.collect.json_pages import document_of, link_of
from auditor.domain.message import Message
from auditor.domain.selector import BOOLEAN_PROPERTIES
from auditor.graph.client import NotGraphError
from auditor.graph.paging import ObjectPage

_TEXT = pa.string()
_PLANS = pa.list_(_TEXT)
_EXTENSIONS = pa.struct([(f"extensionAttribute{number}", _TEXT) for number in range(1, 16)])
_LICENSES = pa.list_(pa.struct([("skuId", _TEXT), ("disabledPlans", _PLANS)]))
_STATES = pa.list_(
    pa.struct(
        [
            ("skuId", _TEXT),
            ("assignedByGroup", _TEXT),
            ("disabledPlans", _PLANS),
            ("state", _TEXT),
            ("error", _TEXT),
            ("lastUpdatedDateTime", _TEXT),
        ]
    )
)
_ACTIVITY = pa.struct(
    [
        ("lastSignInDateTime", _TEXT),
        ("lastNonInteractiveSignInDateTime", _TEXT),
        ("lastSuccessfulSignInDateTime", _TEXT),
    ]
)
MALFORMED = "notCollected"
"""The column with the names of properties whose value was not of Graph's type, per user."""


def column_type(name: str) -> pa.DataType:
    """Return the Arrow type of a property of users as the wire has it; dates are text until they are read."""
    match name:
        case "onPremisesExtensionAttributes":
            return _EXTENSIONS
        case "assignedLicenses":
            return _LICENSES
        case "licenseAssignmentStates":
            return _STATES
        case "signInActivity":
            return _ACTIVITY
        case _:
            return pa.bool_() if name in BOOLEAN_PROPERTIES else _TEXT


class Decoder:
    """Decodes pages of users with the same properties, several at once where threads call it."""

    def __init__(self, properties: Iterable[str]) -> None:
        self._fields = [pa.field(name, column_type(name)) for name in properties]
        item = pa.struct(self._fields)
        page = pa.schema([("@odata.nextLink", _TEXT), ("value", pa.list_(item))])
        self._parse = pa.json.ParseOptions(explicit_schema=page, unexpected_field_behavior="ignore")
        self.schema = pa.schema([*self._fields, pa.field(MALFORMED, _PLANS)])
        self._passed_over: list[int] = []

    @property
    def without_id(self) -> int:
        """Objects that had no id and were passed over."""
        return sum(self._passed_over)

    def __call__(self, body: bytes) -> ObjectPage[pa.RecordBatch]:
        """Decode one page. Raises NotGraphError."""
        if not body.startswith(b"{"):
            # White space, a byte order mark, or no object: a bare `null` would end Arrow's parser and this process.
            return self._slowly(body)
        if b"\n" in body or b"\r" in body:
            # Only white space can be a raw line break in JSON; Arrow would take it for the end of an object.
            body = body.replace(b"\n", b" ").replace(b"\r", b" ")
        read = pa.json.ReadOptions(use_threads=False, block_size=len(body) + 16)
        try:
            # The streaming reader parses once; the other looks for the end of the only line first.
            table = pa.json.open_json(pa.BufferReader(body), read_options=read, parse_options=self._parse).read_all()
        except pa.ArrowInvalid:
            # A value of another type, or no JSON at all: read it object by object to tell which.
            return self._slowly(body)
        if table.num_rows != 1 or table["value"].null_count:
            return self._slowly(body)
        items = table["value"].chunk(0).values
        # A null in place of an object hides what stands below it; where there is none, nothing has to be copied.
        columns = items.flatten() if items.null_count else [items.field(place) for place in range(len(self._fields))]
        columns.append(pa.nulls(len(items), _PLANS))
        link = table["@odata.nextLink"][0].as_py() or None
        return ObjectPage(rows=self._identified(pa.RecordBatch.from_arrays(columns, schema=self.schema)), link=link)

    def _slowly(self, body: bytes) -> ObjectPage[pa.RecordBatch]:
        document = document_of(body)
        rows = document.get("value")
        if not isinstance(rows, list):
            raise NotGraphError(Message("it holds no list named 'value'"))
        people = [self._coerced(row) for row in rows if isinstance(row, dict)]
        self._passed_over.append(len(rows) - len(people))
        return ObjectPage(
            rows=self._identified(pa.RecordBatch.from_pylist(people, schema=self.schema)), link=link_of(document)
        )

    def _coerced(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that have Graph's type; the others are named as not collected."""
        result: dict[str, Any] = {}
        wrong = []
        for field in self._fields:
            value = row.get(field.name)
            if _fits(value, field.type):
                result[field.name] = value
            else:
                wrong.append(field.name)
        result[MALFORMED] = wrong or None
        return result

    def _identified(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Write ids in lower case, and pass over objects that have none."""
        place = batch.schema.get_field_index("id")
        ids = pc.ascii_lower(batch.column(place))
        batch = batch.set_column(place, "id", ids)
        if ids.null_count:
            self._passed_over.append(ids.null_count)
            batch = batch.filter(pc.is_valid(ids))
        return batch


def _fits(value: Any, kind: pa.DataType) -> bool:
    """Whether a JSON value can stand in a column of that type; null always can."""
    if value is None:
        return True
    if pa.types.is_boolean(kind):
        return isinstance(value, bool)
    if pa.types.is_list(kind):
        return isinstance(value, list) and all(_fits(item, kind.value_type) for item in value)
    if pa.types.is_struct(kind):
        return isinstance(value, dict) and all(_fits(value.get(field.name), field.type) for field in kind)
    return isinstance(value, str) and _encodable(value)


def _encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON can hold half of a surrogate pair."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
