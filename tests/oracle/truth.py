"""Kleene's three-valued logic over True, False and None (unknown)."""

from collections.abc import Iterable

Truth = bool | None


def conj(values: Iterable[Truth]) -> Truth:
    unknown = False
    for value in values:
        if value is False:
            return False
        if value is None:
            unknown = True
    return None if unknown else True


def disj(values: Iterable[Truth]) -> Truth:
    unknown = False
    for value in values:
        if value is True:
            return True
        if value is None:
            unknown = True
    return None if unknown else False


def neg(value: Truth) -> Truth:
    return None if value is None else not value
