"""Common words for the keys of selectors that have another name."""

from collections.abc import Mapping, Sequence
from typing import Final

_SYNONYMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("group", "groups", "membership", "ismemberof"), "memberOf"),
    **dict.fromkeys(("transitivegroup", "nestedgroup"), "transitiveMemberOf"),
    **dict.fromkeys(("license", "licence", "licenses", "licences", "product", "products", "sku"), "holds"),
    **dict.fromkeys(("enabled", "active", "blocked", "disabled"), "accountEnabled"),
    **dict.fromkeys(("email", "emailaddress", "primarysmtpaddress"), "mail"),
    **dict.fromkeys(("upn", "user", "username", "login"), "userPrincipalName"),
    **dict.fromkeys(("name", "fullname"), "displayName"),
    **dict.fromkeys(("company", "organization", "organisation"), "companyName"),
    **dict.fromkeys(("costcentre", "employeeorgdata"), "costCenter"),
    **dict.fromkeys(("title", "job"), "jobTitle"),
    **dict.fromkeys(("location",), "usageLocation"),
    **dict.fromkeys(("office",), "officeLocation"),
    **dict.fromkeys(("guest", "usertypes"), "userType"),
    **dict.fromkeys(("inactive", "lastsignin", "notsignedinfor"), "inactiveFor"),
    **dict.fromkeys(("notusedin", "unusedin", "lastactivity", "serviceinactive"), "inactiveIn"),
    **dict.fromkeys(("apps", "desktopapps", "unusedapps"), "appsUnused"),
    **dict.fromkeys(("mailbox", "mailboxsize", "largemailbox"), "mailboxUsage"),
    **dict.fromkeys(("isagent", "agentuser", "bot"), "agent"),
    **dict.fromkeys(("created", "createdafter"), "createdWithin"),
    **dict.fromkeys(("role", "roles", "directoryrole", "directoryroles", "adminrole"), "hasRole"),
    **dict.fromkeys(("conditionalaccess", "capolicy", "ca"), "coveredBy"),
    **dict.fromkeys(("or", "anyof"), "any"),
    **dict.fromkeys(("and", "allof"), "all"),
    **dict.fromkeys(("except", "exclude", "none"), "not"),
}
"""Lower-case word → key; a word that is itself a key in its place is no synonym."""


def synonym(key: str, known: Sequence[str]) -> str | None:
    """Return the key that another word stands for, if that key is allowed there."""
    meant = _SYNONYMS.get(key.casefold())
    return meant if meant in known else None
