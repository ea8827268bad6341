"""Tests mutations of every input format: each is read or raises an AuditorError, never another exception."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from auditor import catalogue, resources
from auditor.catalogue import microsoft
from auditor.deliver.mail.sent_log import SentLog
from auditor.demo.tenants import snapshots
from auditor.domain.errors import AuditorError
from auditor.history.logged_result import decode_entry
from auditor.history.trends import trends
from auditor.policy.loader import load as load_policies
from auditor.policy.schema.check import check
from auditor.policy.yaml.reader import parse
from auditor.result.codec.result_reader import load
from auditor.settings.loader import load as load_tenants
from auditor.snapshot.manifest import FileEntry, decode
from auditor.snapshot.parquet.members import MemberFile
from auditor.snapshot.parquet.user_files import UserFile
from auditor.snapshot.reader import open_table_file
from auditor.snapshot.writer import write
from auditor.store.commit import SCHEMA, decode_counts, decode_night, with_digest
from tests.builders.document.mutations import of_bytes, of_json, of_values, of_yaml, small
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result
from tests.builders.service.command_line import call
from tests.builders.tenant.snapshot_damage import sealed_manifest

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
MUTATIONS = 1_000
POLICY = b"""\
version: 1
policies:
- {id: spare, severity: low, seats: {of: [SPE_E3], spare: {min: 1, max: 30%}}}
- id: leavers
  users: {accountEnabled: false, createdDateTime: {before: 90d}}
  assignments: {of: paid, allow: []}
waivers:
- {policy: spare, reason: merger, expires: 2027-01-31}
"""
TEST = b"""\
version: 1
tests:
- name: one
  asOf: 2026-11-20
  given:
    users: [{userPrincipalName: a@b.example, licenses: [SPE_E3]}]
    products: [{product: SPE_E3, enabled: 5}]
  expect: [{policy: spare, check: seats.above-maximum}]
"""
TENANTS = b"""\
version: 1
tenants:
- name: contoso
  tenantId: 11111111-2222-3333-4444-555555555555
  credential: {type: client-secret, clientId: 66666666-7777-8888-9999-000000000000, secretEnv: SECRET}
  recipients: [{address: a@contoso.example, locale: nl}]
mail: {from: a@contoso.example, smtp: {host: mail.contoso.example}}
"""


def is_readable(read: Callable[[], object]) -> bool:
    """Return whether `read` succeeds; an AuditorError must have a slug and a message, other exceptions propagate."""
    try:
        read()
    except AuditorError as error:
        reasons = [bool(diagnostic.slug and diagnostic.message) for diagnostic in error.diagnostics]
    else:
        return True
    assert reasons
    assert all(reasons)
    return False


def check_mutations(change: Callable[[Random], bytes], read: Callable[[bytes], object], count: int = MUTATIONS) -> None:
    random = Random(20)
    refusals = 0
    for mutation in range(count):
        body = change(random)
        try:
            refusals += not is_readable(lambda body=body: read(body))  # type: ignore[misc]
        except Exception as error:
            raise AssertionError(f"change {mutation}: {body[:2000]!r}") from error
    assert refusals > count // 50


@cache
def saved_result() -> bytes:
    return rendered_bytes(result(), "json")


def test_saved_results() -> None:
    document = small(json.loads(saved_result()))
    text = json.dumps(document, indent=2).encode()

    def read(body: bytes) -> None:
        loaded = load(body)
        for tenant in loaded.tenants:
            assert 1 <= len(tenant.name) <= 63

    # Results are the largest documents: a mutation takes five times as long as one of a policy.
    check_mutations(lambda random: of_json(document, random), read, MUTATIONS // 4)
    check_mutations(lambda random: of_bytes(text, random), read, MUTATIONS // 4)


@cache
def write_demo_snapshot(folder: Path) -> Path:
    return write(folder, snapshots(NOW)[1])


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_snapshot(tmp_path_factory.mktemp("mutated"))


def utf8_values(document: Any, random: Random) -> Any:
    """Return the document with changed values that can be encoded as UTF-8."""
    while True:
        changed = of_values(document, random)
        try:
            json.dumps(changed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            continue
        return changed


def test_manifests(snapshot: Path) -> None:
    body = (snapshot / "manifest.json").read_bytes()
    document = json.loads(body)
    check_mutations(
        lambda random: sealed_manifest(utf8_values(document, random)),
        lambda text: decode(text, where="m"),
        MUTATIONS * 4 // 5,
    )
    check_mutations(lambda random: of_bytes(body, random), lambda text: decode(text, where="m"), MUTATIONS // 5)


@pytest.mark.parametrize("name", ["users", "assignments", "products", "subscriptions", "groups"])
def test_tables(snapshot: Path, tmp_path: Path, name: str) -> None:
    """Each of the five tables gets a fifth of the mutations, most of them in the footer."""
    original = (snapshot / f"{name}.parquet").read_bytes()
    rows = json.loads((snapshot / "manifest.json").read_text())["files"][f"{name}.parquet"]["rows"]
    path = tmp_path / f"{name}.parquet"
    footer_start = len(original) - 8 - int.from_bytes(original[-8:-4], "little")

    def change(random: Random) -> bytes:
        if random.randrange(4):
            position = random.randrange(footer_start, len(original))
            body = bytearray(original)
            body[position] = random.choice((body[position] ^ 1 << random.randrange(8), random.randrange(256)))
            return bytes(body)
        return of_bytes(original, random)

    def read(body: bytes) -> None:
        path.write_bytes(body)
        content = open_table_file(
            path, FileEntry(rows=rows, size=len(body), sha256=hashlib.sha256(body).hexdigest()), None
        )
        assert not isinstance(content, MemberFile)
        if isinstance(content, UserFile):
            for group in range(content.file.num_row_groups):
                content.rows(group, content.present(None), threads=False).to_pylist()
        else:
            content.to_pylist()

    check_mutations(change, read, MUTATIONS // 5)


def night(snapshot: Path) -> dict[str, Any]:
    seat = {"skuId": "a", "skuPartNumber": "E3", "appliesTo": "User", "enabled": 5, "warning": 0, "suspended": 0,
            "lockedOut": 0, "consumed": 3, "holders": 3}  # fmt: skip
    return {
        "schema": SCHEMA,
        "tenant": "fabrikam",
        "instant": "2026-11-20T02:17:00+00:00",
        "complete": True,
        "manifest": (snapshot / "manifest.json").read_text(),
        "parts": [
            {"name": f"fabrikam/parts/2026-11-20T021700Z-{'a' * 16}.zip", "kind": "full", "bytes": 5, "sha256": "b"}
        ],
        "content": {"users": "c"},
        "rowGroups": [5],
        "summary": {
            "users": 5, "blocked": 1, "licensed": None, "complete": True, "seats": [seat],
            "cohorts": {
                "since": "2026-11-19T02:17:00+00:00",
                "skus": {"a": {"kept": 1, "new": 2, "reclaimed": 0, "lapsed": 1}},
            },
        },
    }  # fmt: skip


ENTRY: Mapping[str, Any] = {
    "schema": "auditor/ledger/v1",
    "tenant": "fabrikam",
    "number": 1,
    "asOf": "2026-11-20T12:00:00+00:00",
    "run": "0123456789abcdef",
    "events": {
        "name": f"fabrikam/findings/000001-{'a' * 16}.parquet", "sha256": "b", "bytes": 5, "checkpoint": True,
    },
    "summary": {
        "tenantId": "x", "complete": True, "open": {"high": 1}, "waived": 0, "notEvaluated": 0,
        "money": {"EUR": "12.50"}, "seatsWhole": True,
        "seats": [{"skuId": "a", "skuPartNumber": "E3", "name": "E3", "usable": 5, "consumed": 3, "spare": 2}],
        "policies": [{"id": "p", "severity": "high", "status": "fail", "open": 1, "waived": 0, "ages": [1, 0, 0, 0],
                      "opened": 1, "closed": 0, "repair": {"3": 1}}],
    },
}  # fmt: skip


def test_commits_of_nights(snapshot: Path) -> None:
    document = night(snapshot)

    def read(body: bytes) -> None:
        decode_night(body, "n")
        decode_counts(body, "n", tenant="fabrikam")

    assert is_readable(lambda: read(with_digest(document)))
    check_mutations(lambda random: mutate_sealed(document, random), read)


def test_commits_of_results() -> None:
    assert is_readable(lambda: decode_entry(with_digest(ENTRY), "r", "fabrikam"))
    check_mutations(lambda random: mutate_sealed(dict(ENTRY), random), lambda body: decode_entry(body, "r", "fabrikam"))


def mutate_sealed(document: Any, random: Random) -> bytes:
    changed = of_values(document, random)
    if isinstance(changed, dict) and random.randrange(5):
        return with_digest(changed)
    return of_bytes(with_digest(document), random)


def test_trends_of_mutated_commits(snapshot: Path) -> None:
    """Trends can be computed from all mutated counts that are accepted."""
    first, second = Random(1), Random(2)
    accepted = 0
    while accepted < 100:
        try:
            counts = decode_counts(mutate_sealed(night(snapshot), first), "n", tenant="fabrikam")
            entry = decode_entry(mutate_sealed(dict(ENTRY), second), "r", "fabrikam")
        except AuditorError:
            continue
        accepted += 1
        trends("fabrikam", [counts], [entry], now=NOW)


def test_policies() -> None:
    def read(body: bytes) -> None:
        load_policies([("p.yaml", body)], waivers_from=date(2026, 11, 20))

    check_mutations(lambda random: of_yaml(POLICY, random), read)


def test_policy_tests() -> None:
    def read(body: bytes) -> None:
        document = parse(body, file="t.yaml")
        mistakes = check(document, "policy-test")
        if mistakes:
            from auditor.domain.errors import InputError  # noqa: PLC0415

            raise InputError(mistakes)

    check_mutations(lambda random: of_yaml(TEST, random), read)


def test_tenants() -> None:
    check_mutations(lambda random: of_yaml(TENANTS, random), lambda body: load_tenants(body, file="t.yaml"))


@cache
def product_table() -> bytes:
    """Return a product table with three rows in Microsoft's format."""
    head = "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names"
    rows = [f"E3,SPE_E3,05e9a617-0261-4cee-bb44-138d3ef5d96{n},PLAN_{n},{n * 8}-1111-2222-3333-444444444444,Plan"
            for n in "123"]  # fmt: skip
    return "\r\n".join([head, *rows, ""]).encode()


def test_product_tables() -> None:
    def read(body: bytes) -> None:
        microsoft.parse(body, source="x", date="2026-11-20")

    check_mutations(lambda random: of_bytes(product_table(), random), read)


def test_product_catalogues() -> None:
    document = json.loads(resources.folder("auditor.catalogue").joinpath("products.json").read_text(encoding="utf-8"))
    shortened = {key: small(value) for key, value in document.items()}

    def read(body: bytes) -> None:
        # Invalid UTF-8 is refused when the file is read.
        catalogue.loads(body.decode("utf-8", "replace"), where="c.json")

    check_mutations(lambda random: of_json(shortened, random), read)


def test_lists_of_sent_mails(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"
    lines = [
        {"key": "k", "state": state, "claim": "c", "at": NOW.isoformat(), "run": "r", "recipient": "a@b.example",
         "messageId": "m", "week": "2026-W47"} for state in ("sending", "accepted")
    ]  # fmt: skip
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()

    def change(random: Random) -> bytes:
        return random.choice((of_bytes(body, random), json.dumps(of_values(lines[0], random)).encode() + b"\n"))

    def read(text: bytes) -> None:
        path.write_bytes(text)
        log = SentLog(path)
        log.state("k")
        log.weekly_sent("a@b.example", "2026-W47")

    check_mutations(change, read)


def commands(folder: Path) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    yield "r.json", saved_result(), ("report", "r.json", "-f", "markdown=-")
    yield "p.yaml", POLICY, ("validate", "p.yaml")
    yield "t.yaml", TENANTS, ("validate", "p.yaml", "--tenants", "t.yaml")
    yield "products.csv", product_table(), ("products", "update", "products.csv", "-o", str(folder / "out.json"))


def test_commands_never_exit_with_70_for_mutated_files(tmp_path: Path) -> None:
    """A few mutations per command, as exit code 70 would mean an unhandled exception."""
    random = Random(3)
    (tmp_path / "p.yaml").write_bytes(POLICY)
    for name, body, arguments in commands(tmp_path):
        for _ in range(25):
            changed = of_json(json.loads(body), random) if name == "r.json" else of_bytes(body, random)
            (tmp_path / name).write_bytes(changed)
            result = call(*arguments, cwd=tmp_path)
            assert result.code in {0, 1, 2, 3}, (arguments, changed, result.err)
        (tmp_path / name).write_bytes(body)
