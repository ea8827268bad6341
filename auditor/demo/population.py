"""Generates the users of the demo without findings, from one entry per department."""

import random
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from auditor.demo.names import Namer
from auditor.demo.people import Licence, Person


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of work."""

    country: str
    city: str
    office: str


class Department(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number of users with the same suite."""

    name: str
    count: int
    titles: tuple[str, ...]
    suite: Licence
    places: tuple[Place, ...]
    extras: tuple[tuple[int, Licence], ...] = ()
    """(count, licence): further licences of the first `count` users."""
    groups: tuple[tuple[int, str], ...] = ()
    """(count, group): groups without a licence, of the first `count` users."""
    used: tuple[tuple[int, Mapping[str, float | None]], ...] = ()
    """(count, used): `Person.used` of the first `count` users."""


def people_of_departments(departments: Sequence[Department], namer: Namer, source: random.Random) -> Iterator[Person]:
    """Yield the users of departments, who sign in and have the right licences."""
    for department in departments:
        for number in range(department.count):
            yield _person(department, number, namer, source)


def _person(department: Department, number: int, namer: Namer, source: random.Random) -> Person:
    name, address = namer.next()
    place = source.choice(department.places)
    licences = [department.suite, *(licence for count, licence in department.extras if number < count)]
    if source.random() < 0.12:
        licences.append(Licence(part="FLOW_FREE"))
    if source.random() < 0.08:
        licences.append(Licence(part="POWER_BI_STANDARD"))
    return Person(
        name=name,
        address=address,
        department=department.name,
        title=department.titles[0] if number == 0 else source.choice(department.titles[1:] or department.titles),
        licences=tuple(licences),
        country=place.country,
        city=place.city,
        office=place.office,
        created=source.randint(60, 3400) + 0.25,
        # Most users sign in every day; some were on holiday.
        seen=round(source.choice((0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.4, 2.5, 3.6, source.uniform(5, 24))), 3),
        kind="Contractor" if source.random() < 0.05 else "Employee",
        groups=tuple(group for count, group in department.groups if number < count),
        used={service: days for count, used in department.used if number < count for service, days in used.items()},
    )
