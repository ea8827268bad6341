"""The properties of an account as the admin center names them."""

from collections.abc import Callable


def property_name(gettext: Callable[[str], str], name: str) -> str:
    """Return what the admin center calls a property; Graph's name where it has none."""
    match name:
        case "usageLocation":
            return gettext("usage location")
        case "department":
            return gettext("department")
        case "companyName":
            return gettext("company name")
        case "costCenter":
            return gettext("cost centre")
        case "division":
            return gettext("division")
        case "jobTitle":
            return gettext("job title")
        case "country":
            return gettext("country or region")
        case _:
            return name
