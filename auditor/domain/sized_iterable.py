"""Sequences that are implemented by iteration, for values that are read from storage without an index."""

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar, overload

_Item = TypeVar("_Item")


class SizedIterable(Sequence[_Item]):
    """A sequence for which `__len__` and `__iter__` suffice; access by index iterates from the beginning."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> _Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...
    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        """Iterate up to an index, or to the end of a slice. Raises IndexError beyond the last item."""
        if isinstance(index, slice):
            begin, end, step = index.indices(len(self))
            return tuple(islice(self, begin, end, step)) if step > 0 else tuple(self)[index]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return next(islice(iter(self), index % len(self), None))

    def __eq__(self, other: object) -> bool:
        """Compare the items one by one with those of any sequence."""
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(left == right for left, right in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]
