"""Contoso's users who use little of what they have."""

from auditor.demo.licences import E3, E5
from auditor.demo.people import Person, employee
from auditor.demo.workplaces import COPENHAGEN, at

_ON_THE_ROAD = ("mobile", "web")


def people() -> tuple[Person, ...]:
    """Return everybody of this part."""
    return (*_on_the_road(), *_silent())


def _on_the_road() -> tuple[Person, ...]:
    """Return users who work on phones and in the browser, with small mailboxes: a frontline suite has all they use."""
    return (
        employee("Kenan Aksoy", "IT", "Field technician", E5, platforms=_ON_THE_ROAD, mailbox_size=1.2),
        employee("Marloes Hofstra", "IT", "Field technician", E5, platforms=_ON_THE_ROAD, mailbox_size=0.7),
        employee("Piotr Lewandowski", "IT", "Field technician", E5, platforms=_ON_THE_ROAD, mailbox_size=1.6),
        employee(
            "Jytte Bjerre", "Sales", "Display fitter", E3, platforms=_ON_THE_ROAD, mailbox_size=0.9, **at(COPENHAGEN)
        ),
    )


def _silent() -> tuple[Person, ...]:
    """Return users who sign in and use no service."""
    nothing = dict.fromkeys(("exchange", "onedrive", "sharepoint", "teams"), 172.0)
    return (employee("Corné van Rijn", "Sales", "Sales support", E3, seen=0.8, used=nothing),)
