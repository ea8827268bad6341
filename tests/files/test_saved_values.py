"""Tests values of saved files: impossible names, keys, numbers and dates are refused, far future dates are not."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.errors import AuditorError, SnapshotError, UsageError
from auditor.domain.settings import Certificate, Tenant
from auditor.findings.table import FindingTable
from auditor.graph.auth.credentials import SignIn
from auditor.render import render
from auditor.result.codec.result_reader import load
from auditor.store.objects.location import parse
from auditor.store.retention import parse_keep
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result
from tests.builders.service.command_line import call
from tests.builders.tenant.demo_snapshots import saved_demo

FAR_FUTURE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def saved_result() -> Any:
    return json.loads(rendered_bytes(result(), "json"))


def duplicate(key: str) -> Callable[[Any], None]:
    return lambda document: (
        document["tenants"].append(document["tenants"][0])
        if key == "tenants"
        else document["tenants"][0]["seats"].append(document["tenants"][0]["seats"][0])
    )


@pytest.mark.parametrize(
    "change",
    [
        *(
            lambda document, name=name: document["tenants"][0].update(name=name)
            for name in ("../../escaped", "/etc/x", "", "Contoso", "a" * 64, "a\0b", "a/b")
        ),
        duplicate("tenants"),
        duplicate("seats"),
        lambda document: document["summary"].update(waived=10**30),
        lambda document: document["run"].update(asOf="9999-12-31T23:59:59Z"),
        lambda document: document["run"].update(asOf="0001-01-01T00:00:00+14:00"),
    ],
)
def test_result_with_invalid_values_is_refused(change: Callable[[Any], object]) -> None:
    document = saved_result()
    load(json.dumps(document).encode())
    change(document)
    for body in (json.dumps(document).encode(), json.dumps(document, indent=2).encode()):
        with pytest.raises(SnapshotError) as caught:
            load(body)
        assert caught.value.slug == "result-damaged"


@pytest.mark.parametrize("indent", [None, 2])
def test_duplicate_key_is_refused(indent: int | None) -> None:
    text = json.dumps(saved_result(), indent=indent)
    for key in ('"asOf": ', '"severity": ', '"name": '):
        position = text.index(key)
        with pytest.raises(SnapshotError, match="twice"):
            load(f"{text[:position]}{key}null, {text[position:]}".encode())


@pytest.mark.parametrize("name", ["html", "markdown", "xlsx", "csv", "json"])
def test_subscription_that_never_ends_is_rendered(name: str) -> None:
    original = result()
    tenant = original.tenants[0]
    findings = [
        replace(finding, check="subscription.state", evidence={**finding.evidence, "nextLifecycleDateTime": text})
        for finding, text in zip(tenant.findings, ("9999-12-31T23:59:59Z", "9999-12-01T00:00:00Z"), strict=False)
    ]
    subscriptions = tuple(
        replace(subscription, next_lifecycle_date_time=FAR_FUTURE) for subscription in tenant.subscriptions
    )
    changed = replace(tenant, findings=FindingTable.of((*findings, *tenant.findings[2:])), subscriptions=subscriptions)
    output = render(replace(original, tenants=(changed, *original.tenants[1:])), name, locale="en")
    assert b"".join(output)


@pytest.mark.parametrize("text", ["99999m", "99999d", "36501d", "1201m"])
def test_retention_above_a_hundred_years_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_keep(text)
    assert caught.value.slug == "keep-wrong"


def test_scheme_of_a_store_address_ignores_letter_case() -> None:
    assert parse("S3://Bucket/Folder/") == "s3://Bucket/Folder"
    assert parse("AZ://box") == "az://box"


@pytest.mark.slow
def test_files_of_other_programs_in_a_store_are_ignored(tmp_path: Path) -> None:
    saved_demo(tmp_path / "snapshots")
    (tmp_path / "r.json").write_text(json.dumps(saved_result()))
    assert call("store", "put", "store", "snapshots", "r.json", cwd=tmp_path).code == 0
    for folder in [path for path in (tmp_path / "store").rglob("*") if path.is_dir()]:
        (folder / "desktop.ini").write_text("[.ShellClassInfo]")
        (folder / "Thumbs.db").write_bytes(b"\0")
    for command in (
        ("history", "store", "-f", "json"),
        ("store", "prune", "store", "--keep", "35d,24m", "--as-of", "2026-11-21"),
        ("store", "put", "store", "r.json"),
        ("store", "list", "store"),
    ):
        result_of_command = call(*command, cwd=tmp_path)
        assert result_of_command.code == 0, (command, result_of_command.err)


@pytest.mark.skipif(os.name != "posix", reason="pipes have paths only on POSIX")
def test_pipe_as_certificate_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.pem")
    credential = Certificate(client_id="c" * 36, path=str(tmp_path / "c.pem"))
    tenant = Tenant(name="contoso", tenant_id="11111111-2222-3333-4444-555555555555", credential=credential)

    async def ask() -> None:
        async with SignIn(tenant, environ={}) as sign_in:
            await sign_in.get_token()

    with pytest.raises(AuditorError) as caught:
        asyncio.run(ask())
    assert caught.value.slug == "credential-file"
