"""Values into a scratch file and back, some at a time: of very many, only where they stand is held."""

import pickle
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import pyarrow as pa

from auditor.domain.described import Concern, Listed
from auditor.domain.errors import DeliveryError
from auditor.domain.making import drafts
from auditor.domain.message import Message
from auditor.domain.result import Action, Finding, Subject
from auditor.engine.spilling import Scratch, ScratchError

_TOGETHER: Final = 256
"""Values that are put away, and read again, at once."""
_CODEC: Final = "zstd"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Form(Generic[_Value]):
    """How values are written: as what pickle reads faster than themselves."""

    plain: Callable[[list[_Value]], Any]
    made: Callable[[Any], Iterable[_Value]]


@dataclass(frozen=True, slots=True, eq=False)
class Laid(Listed[_Value]):
    """Values that lie in a scratch file, and are read some at a time."""

    scratch: Scratch
    form: _Form[_Value]
    many: int
    parts: "array[int]" = field(default_factory=lambda: array("q"))
    """Of each part where it stands in the file, its size there, and its size when it is read."""

    def __len__(self) -> int:
        return self.many

    def __iter__(self) -> Iterator[_Value]:
        """Read them all. Raises DeliveryError where the file was cut."""
        for place, size, whole in zip(*(self.parts[column::3] for column in range(3)), strict=True):
            try:
                body = self.scratch.take(place, size)
            except ScratchError as error:
                raise no_room(error) from error
            plain = pa.decompress(body, decompressed_size=whole, codec=_CODEC)
            yield from self.form.made(pickle.loads(plain))  # noqa: S301 - written by this very run


def laid(values: Sequence[_Value], scratch: Scratch, form: _Form[_Value]) -> Laid[_Value]:
    """Put values aside. Raises DeliveryError where the disk of the scratch file is full."""
    found = Laid(scratch, form, len(values))
    rest = iter(values)
    while some := list(islice(rest, _TOGETHER)):
        plain = pickle.dumps(form.plain(some), protocol=pickle.HIGHEST_PROTOCOL)
        body = pa.compress(plain, codec=_CODEC)
        try:
            found.parts.extend((scratch.put(body), body.size, len(plain)))
        except ScratchError as error:
            raise no_room(error) from error
    return found


def _rows(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return [
        (
            *(each.fingerprint, each.policy, each.check, each.severity, each.status, each.waiver, each.change),
            *(each.subject.type, each.subject.id, each.subject.name),
            *(each.source, each.product, each.detail, each.evidence, each.money, each.guidance),
        )
        for each in findings
    ]


def _findings(rows: Iterable[tuple[Any, ...]]) -> Iterator[Finding]:
    draft, person = drafts(Finding), drafts(Subject)
    for row in rows:
        told, about = draft(), person()
        told.fingerprint, told.policy, told.check, told.severity, told.status, told.waiver, told.change = row[:7]
        about.type, about.id, about.name = row[7:10]
        told.source, told.product, told.detail, told.evidence, told.money, told.guidance = row[10:]
        about.__class__ = Subject
        told.subject = about
        told.__class__ = Finding
        yield told


FINDINGS: Final = _Form(_rows, _findings)
ACTIONS: Final[_Form[Action]] = _Form(list, iter)
CONCERNS: Final[_Form[tuple[str, Concern]]] = _Form(list, iter)


def no_room(error: OSError) -> DeliveryError:
    """Say why the scratch file cannot be written, or read again."""
    return DeliveryError(
        "report-unwritable",
        Message("findings cannot be put aside: {strerror}", strerror=error.strerror),
        hint=Message(
            "free some room where the reports are to be: findings, and who they are about, wait there for a while"
        ),
    )
