"""Reads and checks a plan.json."""

from pathlib import Path
from typing import Final

from msgspec.structs import replace

from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.message import Message, joined
from auditor.domain.result.saved_plan import SCHEMA, SavedPlan
from auditor.files import input as files
from auditor.files import json_document
from auditor.files.document_schema import Refusal, check_schema
from auditor.files.saved_file import read_saved_file
from auditor.remedy.verification.facts import changes_of
from auditor.result.codec.decoder import check_unique, damaged, read

_FILE_HINT: Final = Message("specify a plan.json that `auditor plan` wrote")
_RECREATE_HINT: Final = Message("make the plan again with `auditor plan`")
_FOREIGN: Final = Refusal(slug="plan-foreign", hint=_FILE_HINT)
_OTHER_VERSION: Final = Refusal(slug="plan-version", hint=_RECREATE_HINT)


def saved_plan(path: Path) -> SavedPlan:
    """Read a plan.json. Raises SnapshotError as `decoded_plan` does, and if the file cannot be read."""
    body = read_saved_file(path, max_bytes=files.RESULT, slug="plan-unreadable", hint=_FILE_HINT)
    return decoded_plan(body, where=str(path))


def decoded_plan(body: bytes, *, where: str) -> SavedPlan:
    """Decode a plan, without tenants that have no plan; `where` is its name in errors.

    Raises SnapshotError if the plan is damaged (`plan-damaged`), is not a plan (`plan-foreign`), has another version
    (`plan-version`), or contains pseudonyms (`plan-redacted`).
    """
    try:
        document = json_document.decode(body)
    except ValueError as error:
        message = joined(": ", (where, json_document.invalid(error)))
        raise SnapshotError("plan-damaged", message, hint=_RECREATE_HINT) from error
    check_schema(document, SCHEMA, where, foreign=_FOREIGN, other_version=_OTHER_VERSION)
    try:
        plan = read(SavedPlan, document, where=where)
        _check_plan(plan, where)
    except AuditorError as error:
        raise SnapshotError("plan-damaged", error.message, hint=_RECREATE_HINT) from error
    if plan.redacted:
        raise SnapshotError(
            "plan-redacted",
            Message("{where} has pseudonyms for people, which match no user of a tenant", where=where),
            hint=Message("make the plan without --redact"),
        )
    return replace(plan, tenants=tuple(tenant for tenant in plan.tenants if tenant.before.open is not None))


def _check_plan(plan: SavedPlan, where: str) -> None:
    check_unique((tenant.name for tenant in plan.tenants), where, "", "tenants")
    for index, tenant in enumerate(plan.tenants):
        for number, action in enumerate(tenant.actions):
            for step, request in enumerate(action.requests):
                try:
                    changes_of(request)
                except ValueError as error:
                    damaged(where, f".tenants[{index}].actions[{number}].requests[{step}]", error.args[0])
