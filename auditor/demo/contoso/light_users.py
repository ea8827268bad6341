"""Contoso's users who use little of their licences."""

from auditor.demo.licences import E3, E5
from auditor.demo.people import Person, employee
from auditor.demo.workplaces import COPENHAGEN, at

_MOBILE_PLATFORMS = ("mobile", "web")


def people() -> tuple[Person, ...]:
    """Return all users of this module."""
    return (*_mobile(), *_without_activity())


def _mobile() -> tuple[Person, ...]:
    """Return users of phones and browsers with small mailboxes, for whom a frontline suite is sufficient."""
    return (
        employee("Kenan Aksoy", "IT", "Field technician", E5, platforms=_MOBILE_PLATFORMS, mailbox_size=1.2),
        employee("Marloes Hofstra", "IT", "Field technician", E5, platforms=_MOBILE_PLATFORMS, mailbox_size=0.7),
        employee("Piotr Lewandowski", "IT", "Field technician", E5, platforms=_MOBILE_PLATFORMS, mailbox_size=1.6),
        employee(
            "Jytte Bjerre",
            "Sales",
            "Display fitter",
            E3,
            platforms=_MOBILE_PLATFORMS,
            mailbox_size=0.9,
            **at(COPENHAGEN),
        ),
    )


def _without_activity() -> tuple[Person, ...]:
    """Return users who sign in but use no service."""
    last_used = dict.fromkeys(("exchange", "onedrive", "sharepoint", "teams"), 172.0)
    return (employee("Corné van Rijn", "Sales", "Sales support", E3, seen=0.8, used=last_used),)
