"""Reasons that differ only in their values are of one kind, and long reasons and lists of tenants are first_reasons."""

from auditor.domain.message import Message, detailed, joined
from auditor.domain.reasons import first_reasons, kind_of, tenant_list, without_details


def unread(*groups: str) -> Message:
    return joined("; ", [Message("the members of the group {id} were not read", id=group) for group in groups])


def test_reasons_that_differ_in_values_and_number_are_of_one_kind() -> None:
    assert kind_of(unread("a")) == kind_of(unread("b", "c", "d"))
    assert kind_of(unread("a")) != kind_of(Message("usage was not collected"))
    mixed = joined("; ", [unread("a"), Message("usage was not collected")])
    assert kind_of(mixed) == kind_of(unread("a")) | kind_of(Message("usage was not collected"))
    assert kind_of(Message("{detail}: no", detail="x")) == kind_of(Message("{detail}: no", detail="y"))


def test_long_reasons_keep_their_first_parts() -> None:
    assert first_reasons(unread(*"abcd")) == unread(*"abcd")
    assert first_reasons(unread(*"abcdef")) == f"{unread(*'abc')}; and 3 more reasons"
    other = Message("{a} {b} {c} {d} {e} are missing", a=1, b=2, c=3, d=4, e=5)
    assert first_reasons(other) is other


def test_long_lists_of_tenants_are_counted() -> None:
    assert tenant_list(()) == ""
    assert tenant_list(("a", "b", "c", "d")) == "a, b, c, d"
    assert tenant_list([*"abcdefg"]) == "a, b, c and 4 more"


def test_details_that_are_given_elsewhere_are_left_out() -> None:
    groups, roles = Message("Groups: denied"), Message("Roles: denied")
    reason = joined("; ", [detailed(groups, "HTTP 403"), detailed(roles, "no licence"), unread("a")])
    shortened = without_details(reason, {"HTTP 403"})
    assert shortened == f"Groups: denied; Roles: denied (no licence); {unread('a')}"
    assert kind_of(shortened) == kind_of(reason)
