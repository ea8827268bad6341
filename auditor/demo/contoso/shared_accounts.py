"""Contoso's accounts without a person: shared mailboxes, rooms, service accounts and tills."""

from typing import Any

from auditor.demo.contoso.accounts import PILOT
from auditor.demo.licences import COPILOT, E3, E5, EXCHANGE, F3, TEAMS_ROOM, directly
from auditor.demo.people import Licence, Person
from auditor.demo.workplaces import STORES, at


def accounts() -> tuple[Person, ...]:
    """Return all accounts of this module."""
    return (*_shared_mailboxes(), *_rooms(), *_service_accounts(), *_tills())


def _account(name: str, address: str, *licences: Licence, **more: Any) -> Person:
    defaults: dict[str, Any] = {"department": None, "synced": False, "kind": None, "seen": None, "created": 1500}
    return Person(name=name, address=address, licences=licences, **(defaults | more))


def _shared_mailboxes() -> tuple[Person, ...]:
    """Return shared mailboxes, blocked as Exchange creates them; few need a licence."""

    def shared(name: str, address: str, *licences: Licence) -> Person:
        return _account(name, address, *licences, enabled=False, mailbox="shared")

    return (
        shared("Info Contoso", "info"),
        shared("Klantenservice", "klantenservice", EXCHANGE),
        shared("Orders DK", "orders-dk", EXCHANGE),
        shared("Press office", "press", directly(E3)),
        shared("Jobs", "jobs"),
        shared("Privacy", "privacy"),
    )


def _rooms() -> tuple[Person, ...]:
    def room(name: str, address: str, *licences: Licence, **more: Any) -> Person:
        return _account(name, address, *licences, mailbox="room", office="Head office Utrecht", **more)

    return (
        room("Room Rembrandt (12)", "room-rembrandt", TEAMS_ROOM, seen=0.1),
        room("Room Hopper (8)", "room-hopper", TEAMS_ROOM, seen=0.1),
        room("Room Nobel (6)", "room-nobel", TEAMS_ROOM, seen=0.1),
        # An all-staff group includes the boardroom.
        room("Boardroom", "boardroom", TEAMS_ROOM, E3, seen=0.1),
        room("Room Dragør (4)", "room-dragor", E3, enabled=False, seen=600),
        room("Room Noor (4)", "room-noor", enabled=False),
        _account("Pool car 3", "pool-car-3", enabled=False, mailbox="equipment"),
    )


def _service_accounts() -> tuple[Person, ...]:
    """Return accounts for software, tests, emergency access and administration."""
    return (
        _account("ERP interface", "svc-erp", EXCHANGE, kind="Service", seen=0.1),
        _account("Store signage", "svc-signage", F3, kind="Service", seen=0.1),
        _account("Scan to mail", "scan", EXCHANGE, kind="Service", seen=0.1),
        _account("RPA invoices", "rpa-invoices", directly(E5), kind="Service", seen=0.2),
        _account("Test User 1", "test.user1", E3, COPILOT, kind="Test", seen=3.0, groups=(PILOT,)),
        _account("Entra Connect", "Sync_UTR-AD01_4f1c2a", mailbox=None, seen=0.02),
        _account("Emergency access 1", "breakglass1", mailbox=None, seen=80),
        _account("Emergency access 2", "breakglass2", mailbox=None),
        _account("Jeroen Mulder (admin)", "adm-mulder", mailbox=None, seen=1.2, department="IT"),
        _account("Anouk Dekker (admin)", "adm-dekker", directly(E3), seen=0.9, department="IT"),
    )


def _tills() -> tuple[Person, ...]:
    """Return the accounts of tills, which have no licence but are covered by Conditional Access."""
    return tuple(
        _account(
            f"Till {till} {store.city}", f"till-{number:03}-{till}", mailbox=None, seen=0.1, kind="Till", **at(store)
        )
        for number, store in STORES.items()
        for till in (1, 2, 3, 4)
    )
