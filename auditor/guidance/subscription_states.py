"""The states of a subscription in the admin center's words; Microsoft Graph has others."""

from collections.abc import Callable


def state_name(gettext: Callable[[str], str], status: str) -> str:
    """Return what the admin center calls a state that Graph names; a state that nobody knows stays as it is."""
    match status.casefold():
        case "enabled":
            return gettext("Active")
        case "warning":
            return gettext("Expired")
        case "suspended" | "lockedout":
            return gettext("Disabled")
        case "deleted":
            return gettext("Deleted")
        case _:
            return status
