"""Lists all collection sources, and selects sources and permissions by what is needed."""

from typing import Final

from auditor.collect.permissions import SEND_MAIL, Permission
from auditor.collect.sources import (
    conditional_access,
    devices,
    directory_roles,
    groups,
    mailboxes,
    sign_ins,
    tenant,
    usage_reports,
    users,
)
from auditor.collect.sources.model import CollectionSource
from auditor.domain.policy.data_needs import Needs

SOURCES: Final = (
    tenant.SUBSCRIBED_SKUS,
    tenant.ORGANIZATION,
    tenant.SUBSCRIPTIONS,
    users.USERS,
    sign_ins.SIGN_INS,
    groups.GROUPS_AND_MEMBERS,
    mailboxes.MAILBOXES,
    devices.DEVICES,
    *usage_reports.USAGE_REPORTS,
    directory_roles.DIRECTORY_ROLES,
    conditional_access.CONDITIONAL_ACCESS,
)
"""Every source; lists of permissions are in this order."""


def sources_for(needs: Needs, sources: tuple[CollectionSource, ...] = SOURCES) -> tuple[CollectionSource, ...]:
    """Return the sources that fill what is needed, and those that they require, in the order of `sources`."""
    selected: set[CollectionSource] = set()
    pending = [source for source in sources if needs.sources.intersection(source.fills)]
    while pending:
        source = pending.pop()
        selected.add(source)
        pending.extend(source.requires)
    return tuple(source for source in sources if source in selected)


def permissions_for(needs: Needs, *, mail: bool = False) -> tuple[Permission, ...]:
    """Return the least permissions for what is needed, and with `mail` the one for sending mail."""
    required = dict.fromkeys(permission for source in sources_for(needs) for permission in source.permissions)
    return (*required, SEND_MAIL) if mail else tuple(required)
