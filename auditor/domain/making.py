"""A frozen dataclass into drafts of its values, for those that every tenant has hundreds of."""

from functools import cache
from typing import Any


@cache
def drafts(kind: type) -> Any:
    """Return a class whose values have the slots of a frozen dataclass and can be set, one after the other.

    A frozen class sets each of its fields by a call of its own, which takes most of the time that such a value costs.
    A draft whose fields are all set becomes a value for good by `draft.__class__ = kind`; Python refuses that where the
    slots differ.
    """
    slots: tuple[str, ...] = kind.__slots__  # type: ignore[attr-defined]
    return type("Draft", (), {"__slots__": slots})
