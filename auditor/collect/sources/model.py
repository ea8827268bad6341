"""The declaration of a collection source: what it fills, its permissions, and how it is read and joined."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pyarrow as pa
from msgspec import Struct, field

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.members import MemberReader
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.row_groups import Join
from auditor.domain.enums import Source
from auditor.domain.result.model import Coverage


class SourceResult(Struct, frozen=True, kw_only=True):
    """The data that a source read."""

    coverage: tuple[Coverage, ...]
    """One for each needed source of the snapshot that it fills."""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    """Small tables of the snapshot by their names in `snapshot.schema`."""
    users: Spool | None = None
    """Rows about users with an `id`: all users, or the rows that `CollectionSource.join` turns into columns."""
    members: MemberReader | None = None
    """The members of groups."""
    groups: tuple[Mapping[str, Any], ...] = ()
    """Groups whose members it read or failed to read, as rows for `groups.add_groups`."""


class CollectionSource(Struct, frozen=True, kw_only=True):
    """One source of a collection; `registry.SOURCES` lists them all."""

    fills: tuple[Source, ...]
    """The sources of the snapshot that it fills."""
    permissions: tuple[Permission, ...]
    """The least application permissions that its requests need."""
    read: Callable[[CollectionContext], Awaitable[SourceResult]]
    """Reads the source. A refusal or failure becomes coverage; GraphError is raised only for the wrong tenant."""
    requires: tuple["CollectionSource", ...] = ()
    """Sources that are read too, because `read` waits for results that they set in the context."""
    user_properties: tuple[str, ...] = ()
    """Properties of users that `read` needs."""
    join: Join | None = None
    """Turns `SourceResult.users` into columns of users.parquet."""
