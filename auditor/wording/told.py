"""Turns sentences that a saved result holds in English back into the message they were made of and its values.

Notices and reasons are filled in when a tenant is judged, and a result may be rendered in another language much later.
What is none of these messages, such as an answer of Microsoft Graph, is a quotation and stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from re import Match, Pattern, sub
from re import compile as pattern
from typing import Final

from auditor.domain.translation import N_

NEAREST: Final = "nearest in use:"
"""What stands before the values that come near, in a notice `policy.no-match` that has some."""
_LONGEST: Final = 2_000
"""Characters up to which a sentence is looked for; what is longer lists a tenant's names and is quoted."""
_MOST: Final = 30
"""Sentences in one text."""

NOTICES: Final = (
    N_("the waiver {waiver} ({owner}) held until {day}: its findings are open again"),
    N_("the waiver {waiver} ({owner}) holds until {day}, {days} whole days from now"),
    N_("the waiver {waiver} ({owner}) holds until {day}, one whole day from now"),
    N_("the waiver {waiver} ({owner}) holds until {day}, less than a day from now"),
    N_("the waiver {waiver} ({owner}) waives nothing: remove it, or mend what it names"),
    N_("whether the waiver {waiver} is for some users is not known, so it does not waive their findings"),
    N_("neither the tenant nor the product catalogue knows the product '{name}'"),
    N_("neither the tenant nor the product catalogue knows the service '{name}'"),
    N_("the policy {policy} compares tenants, and this run has only one of them"),
    N_("the policy {policy} matches nobody: no user fits {values} (nearest in use: {near})"),
    N_("the policy {policy} matches nobody: no user fits {values}"),
    N_("the policy {policy} matches nobody"),
    N_("the policy {policy} judges nothing: the tenant has nothing that it looks at"),
    N_("the policy {policy} judges nothing: there is no {products}"),
)
REASONS: Final = (
    N_("{source} was read in part only ({reason})"),
    N_("{source} was read in part only"),
    N_("{source} could not be read: permission denied ({reason})"),
    N_("{source} could not be read: permission denied"),
    N_("{source} is not available in this tenant ({reason})"),
    N_("{source} is not available in this tenant"),
    N_("{source} was not collected ({reason})"),
    N_("{source} was not collected"),
    N_("the property {name} of users was not collected; collect the snapshot again"),
    N_("some facts of some users could not be read"),
    N_("whether every subscription of a SKU is a trial is not known"),
    N_("groups were read in part only, so that another may bear the name '{name}': name it by its id"),
    N_("the tenant has no group '{name}', or it was not read"),
    N_("{count} groups bear the name '{name}': name one by its id ({ids})"),
    N_("the members of the group '{name}' were not all read ({state})"),
    N_("the transitive members of the group '{name}' were not all read ({state})"),
    N_("{tenant}: its seats are not known"),
    N_("{tenant}: Graph gave no seat numbers for {product}"),
    N_("{tenant}: whether the policy looks at {product} is not known"),
)
REMEDIES: Final = (
    N_("grant the application the missing permission and consent (`auditor doctor` prints the commands)"),
    N_("sign-in activity needs Microsoft Entra ID P1 or P2 in the tenant"),
    N_("Graph kept forgetting the place in the list; collect again at a quieter time"),
    N_("Graph does not take this query here; if the cloud should support it, report a bug"),
    N_("other applications use the tenant's quota too; collect again later"),
    N_("the service had a fault; collect again later and see the Microsoft 365 service health page"),
    N_("check the network, the proxy (HTTPS_PROXY) and the authorities (SSL_CERT_FILE)"),
    N_("something else answers in Graph's place: check the proxy and the endpoint setting"),
    N_("check what answers in Graph's place"),
    N_("collect again; the list of the tenant had no end"),
    N_("check that the token is for this cloud and tenant and has not expired"),
    N_("correct tenantId in the tenants file, or sign in to the right tenant"),
)
HISTORY: Final = (
    N_("the seats of the last night are not known"),
    N_("the last night is more than two weeks old"),
    N_("{weeks} of the {needed} weeks that it needs"),
    N_("the last week left the trend: what comes now is not what was"),
    N_("no seat is spare"),
    N_("Theil-Sen slope of weekly medians, Sen's 90% interval"),
    N_("{some} of {all} nights were not read whole"),
    N_("people are not counted in {some} of {all} nights"),
    N_("in {some} of {all} results some policy could not be evaluated"),
    N_("no result is stored: findings and money over time are not known"),
    N_("nothing is stored at or before {moment}"),
    N_("both instants stand for the same night"),
    N_("the findings of {day} are no longer kept: only numbers are compared"),
    N_("findings and money are not compared: a result is missing"),
)
MESSAGES: Final = (*NOTICES, *REASONS, *REMEDIES, *HISTORY)
_VALUE: Final = "[^;]+?"
_VALUES: Final = {"reason": "(?s:.+?)", "source": r"\S+?"}
"""What a value looks like: a reason holds sentences itself, a source is one word."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a text is told: how a message is said, how a day (ISO 8601) is written, and what else is known.

    `other` tells what is none of these messages, such as why a request failed; None for what it does not know.
    """

    translate: Callable[[str], str]
    day: Callable[[str], str] = str
    other: Callable[[str], str | None] = lambda _: None


def retold(text: str, reader: Reader) -> str:
    """Return a sentence, or several between semicolons, in another language; quotations stay as they are."""
    if len(text) > _LONGEST or len(_ends(text)) > _MOST:
        return text
    # The longest beginning first: some messages have a semicolon of their own.
    for end in reversed(_ends(text)):
        said = _said(text[:end], reader)
        if said is not None:
            rest = text[end + 2 :]
            return said + (f"; {retold(rest, reader)}" if rest else "")
    first = _ends(text)[0]
    return f"{text[:first]}; {retold(text[first + 2 :], reader)}" if first < len(text) else text


def _said(text: str, reader: Reader) -> str | None:
    """Return one sentence in the other language; None where it is no message."""
    for message in MESSAGES:
        found = _pattern(message).fullmatch(text)
        if found is not None:
            return _filled(reader.translate(message), found, reader)
    return reader.other(text)


@cache
def _pattern(message: str) -> Pattern[str]:
    """Return what matches a message with its values; braces are the only marks in it."""
    parts = sub(r"([^\w\s{}])", r"\\\1", message)
    return pattern(sub(r"\{(\w+)\}", lambda place: f"(?P<{place[1]}>{_VALUES.get(place[1], _VALUE)})", parts))


def _filled(said: str, found: Match[str], reader: Reader) -> str:
    def value(place: Match[str]) -> str:
        match place[1]:
            case "reason":
                return retold(found["reason"], reader)
            case "day":
                return reader.day(found["day"])
            case name:
                return found[name]

    return sub(r"\{(\w+)\}", value, said)


def _ends(text: str) -> list[int]:
    """Return where sentences may end: before each semicolon outside of brackets, and at the end."""
    ends, depth = [], 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth <= 0 and text.startswith("; ", place):
            ends.append(place)
    return [*ends, len(text)]
