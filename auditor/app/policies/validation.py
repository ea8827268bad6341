"""Validates policy files without a tenant."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.catalogue import active
from auditor.app.policy_files import decision_files, load_policies
from auditor.domain.errors import Diagnostic, Level
from auditor.policy.lint import lint_warnings
from auditor.policy.unknown_names import unknown_names


class ValidationResult(Struct, frozen=True, kw_only=True):
    """The warnings about valid files."""

    files: int
    policies: int
    waivers: int
    decisions: int
    warnings: tuple[Diagnostic, ...]


def validate(
    paths: Sequence[Path], *, as_of: datetime, tenants: Path | None, snapshots: Sequence[Path | str] = ()
) -> ValidationResult:
    """Validate policy files, and their waivers as of an instant; return the warnings.

    With a tenants file, its recipients are checked against the policies, and must have settings for mail; with
    snapshots, the policies are evaluated on them. Raises InputError with all errors of the policies, and SettingsError
    or SnapshotError if the tenants file or a snapshot cannot be read.
    """
    loaded = load_policies(paths, waivers_from=as_of.date(), decisions=decision_files(paths))
    settings = None
    if tenants is not None:
        from auditor.settings.loader import read  # noqa: PLC0415  only with a tenants file

        settings = read(tenants)
    names = None if settings is None else frozenset(tenant.name for tenant in settings.tenants)
    all_warnings = (
        *loaded.warnings,
        *unknown_names(loaded, active()),
        *lint_warnings(loaded, tenants=names, catalogue=active()),
    )
    # Skip warnings about extended files, which their users cannot fix.
    warnings = [warning for warning in all_warnings if warning.span is None or warning.span.file not in loaded.extended]
    if settings is not None:
        from auditor.app.recipients.filters import unmet_choices  # noqa: PLC0415  only with a tenants file

        warnings += (*settings.warnings, *unmet_choices(settings.tenants, loaded.policies.policies))
        if settings.mail is None and settings.missing_mail.span is not None:
            warnings += (replace(item, level=Level.WARNING) for item in settings.missing_mail.diagnostics)
    if snapshots:
        from auditor.app.policies.snapshot_check import snapshot_warnings  # noqa: PLC0415  only with a snapshot

        warnings += snapshot_warnings(loaded.policies, snapshots, as_of)
    warnings.sort(key=lambda item: (item.span.file, item.span.line, item.span.column) if item.span else ("", 0, 0))
    return ValidationResult(
        files=len(loaded.documents),
        policies=len(loaded.policies.policies),
        waivers=len(loaded.policies.waivers),
        decisions=len(loaded.decisions),
        warnings=tuple(warnings),
    )
