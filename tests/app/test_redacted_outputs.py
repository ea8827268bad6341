"""`--redact` in every output of the demo: nobody's name, address or id is anywhere, however the file is packed."""

import re
import zlib
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import pyarrow.parquet as pq
import pytest

from auditor.demo import policies, previous, snapshots
from auditor.render import FORMATS
from auditor.snapshot.model import Snapshot
from tests.cli.harness import AS_OF, call

TENANTS = """version: 1
tenants:
- name: {name}
  tenantId: {id}
  recipients: [{{address: reader@example.org, locale: en, attach: html}}]
mail: {{from: audit@example.org, send: always, smtp: {{host: 127.0.0.1, port: 9, starttls: none}}}}
"""


def names_of(*states: Snapshot) -> Iterator[str]:
    for state in states:
        for batch in state.batches(("id", "displayName", "userPrincipalName"), None):
            for row in batch.users.to_pylist():
                yield from (row["id"], row["userPrincipalName"], row["displayName"])


class People:
    """Everybody of the demo, found in a text by the words of their names, addresses and ids."""

    def __init__(self, known: set[str]) -> None:
        # A name of one word, such as a shared mailbox's, may well be a word of the report.
        self.known = {name for name in known if " " in name or "@" in name or "-" in name}
        self.longest = max(len(name.split()) for name in self.known)

    def findall(self, text: str) -> list[str]:
        words = re.findall(r"\w(?:[\w@.'\u2019-]*\w)?", text)
        runs = (
            " ".join(run)
            for size in range(1, self.longest + 1)
            for run in zip(*(words[n:] for n in range(size)), strict=False)
        )
        return [run for run in runs if run in self.known]


@pytest.fixture(scope="module")
def people() -> People:
    as_of = datetime.fromisoformat(AS_OF)
    known = {name for name in names_of(*snapshots(as_of), *previous(as_of)) if name}
    assert len(known) > 1000
    return People(known)


def texts(body: bytes) -> Iterator[str]:
    """Everything that a file says: zip files and Parquet opened, what is compressed in a page unpacked."""
    if is_zipfile(BytesIO(body)):
        with ZipFile(BytesIO(body)) as book:
            for name in book.namelist():
                yield from texts(book.read(name))
    elif body.startswith(b"PAR1"):
        yield str(pq.read_table(BytesIO(body)).to_pylist())
    else:
        text = body.decode()
        yield text
        for packed in re.findall(r">([A-Za-z0-9+/\s]{200,}={0,2})<", text):
            yield from unpacked(packed)


def unpacked(packed: str) -> Iterator[str]:
    try:
        raw = b64decode(packed, validate=False)
        yield (zlib.decompress(raw, zlib.MAX_WBITS | 32) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
    except (Error, zlib.error):
        return


def mails(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=default)
        yield str(message["Subject"])
        for part in message.walk():
            if not part.is_multipart():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                yield from texts(content)


def test_no_report_and_no_mail_names_anybody(tmp_path: Path, people: People) -> None:
    formats = ",".join((*FORMATS, "terminal"))
    ran = call("audit", "--demo", "--as-of", AS_OF, "--redact", "-f", formats, "-o", "out", cwd=tmp_path)
    assert ran.code in {1, 3}
    said = [ran.text, ran.err]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {kind.file for kind in FORMATS.values()}
    said += [text for path in files for text in texts(path.read_bytes())]
    first = snapshots(datetime.fromisoformat(AS_OF))[0].manifest
    (tmp_path / "tenants.yaml").write_text(TENANTS.format(name=first.tenant, id=first.tenant_id))
    sent = call("send", "out/result.json", "--dry-run", cwd=tmp_path)
    assert sent.code == 0, sent.err
    letters = list(mails(tmp_path))
    assert len(letters) >= 3
    for text in [*said, *letters]:
        assert people.findall(text) == []
    assert sum("user-" in text for text in said) >= len(FORMATS) - 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert "under pseudonyms" in page
    assert "It names" not in page


def test_no_plan_and_no_preview_names_anybody(tmp_path: Path, people: People) -> None:
    plan = call("plan", "--demo", "--as-of", AS_OF, "--redact", "-f", "json,markdown,terminal", "-o", "out", cwd=tmp_path)  # fmt: skip
    assert plan.code in {0, 1, 3}
    for number, (name, body) in enumerate(policies(datetime.fromisoformat(AS_OF))):
        place = tmp_path / "policies" / f"{number}-{Path(name).name}"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(body)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: only, severity: low, seats: {of: paid, spare: {min: 0}}}\n"
    )
    seen = call("preview", "--demo", "--as-of", AS_OF, "--base", "base", "-f", "json,markdown,html", "-o", "out", "policies", cwd=tmp_path)  # fmt: skip
    assert seen.code in {0, 1, 3}, seen.err
    said = [plan.text, plan.err, seen.text, seen.err]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".md", ".html"}
    said += [text for path in files for text in texts(path.read_bytes())]
    for text in said:
        assert people.findall(text) == []
    assert "user-" in "".join(said)


def test_without_it_people_are_found(tmp_path: Path, people: People) -> None:
    """What the others look for is there when nobody hides it, in packed files too."""
    call("audit", "--demo", "--as-of", AS_OF, "-f", "xlsx,parquet,html", "-o", "out", cwd=tmp_path)
    for name in ("report.xlsx", "findings.parquet", "report.html"):
        found = [len(people.findall(text)) for text in texts((tmp_path / "out" / name).read_bytes())]
        assert sum(found) > 50
