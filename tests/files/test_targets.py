"""What stands where a file is to be: links are refused, devices and pipes are written and not replaced."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auditor.collect.work_folder import work_folder
from auditor.deliver.github.actions import append_outputs
from auditor.deliver.mail.sent_log import Mailing, SentLog
from auditor.deliver.report_folder import ChildFile, FilePart, write_all
from auditor.demo.tenants import snapshots
from auditor.domain.errors import DeliveryError, SnapshotError
from auditor.snapshot.writer import SnapshotWriter, folder_name, write
from auditor.store.objects.backends import FolderBackend
from tests.builders.result.results import AS_OF as INSTANT
from tests.builders.service.command_line import AS_OF, ROOT, call, clean_environment, contents, spawn
from tests.builders.tenant.nights import night
from tests.builders.tenant.tenants import NOW
from tests.builders.tenant.two_people import TWO_PEOPLE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other links and no pipes with paths")
Asked = tuple[str | Path, ...]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """An audit of the smaller tenant of the demo, by one policy that has findings."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "all.yaml").write_text(
        "version: 1\npolicies: [{id: all, severity: high, assignments: {of: paid, allow: []}}]\n"
    )
    write(folder / "nights", snapshots(NOW)[1])
    return ("audit", folder / "all.yaml", "--snapshot", folder / "nights", "--as-of", AS_OF)


@pytest.fixture
def null(tmp_path: Path) -> Path:
    """A device that forgets what it gets: one of our own for root, who could replace that of the system."""
    if os.geteuid() != 0:
        return Path("/dev/null")
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_bytes(b"x")
    except OSError:
        pytest.skip("no device can be made here")
    return device


@pytest.mark.slow
def test_a_device_stays_a_device(asked: Asked, null: Path, tmp_path: Path) -> None:
    before = null.stat()
    done = call(*asked, "-f", f"json={null}", "-f", "csv=findings.csv", "-q", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    after = null.lstat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_dev, after.st_rdev) == (before.st_ino, before.st_dev, before.st_rdev)
    assert (tmp_path / "findings.csv").read_bytes().startswith(b"tenant,")


@pytest.mark.slow
def test_a_pipe_gets_the_report(asked: Asked, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (tmp_path / "read").open("wb") as read, subprocess.Popen(["cat", pipe], stdout=read) as reader:
        try:
            done = spawn(*asked, "-f", "json=pipe", "-f", "csv=findings.csv", "-q", cwd=tmp_path)
            assert (done.code, done.err) == (1, "")
            assert stat.S_ISFIFO(pipe.lstat().st_mode), "the pipe was replaced by a file"
            reader.wait(60)
        finally:
            reader.kill()
    assert json.loads((tmp_path / "read").read_bytes())["tenants"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["findings.csv", "pipe", "read"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_a_stream_that_the_program_was_given_gets_the_report(asked: Asked, name: str, tmp_path: Path) -> None:
    read, given = os.pipe()
    with ThreadPoolExecutor(1) as threads, os.fdopen(read, "rb") as end:
        reader = threads.submit(end.read)
        done = subprocess.run(
            [sys.executable, "-m", "auditor", *asked, "-f", f"json={name.format(given)}", "-q"],
            cwd=tmp_path,
            env=clean_environment({"PYTHONPATH": str(ROOT)}),
            pass_fds=[given],
            capture_output=True,
            check=False,
        )
        os.close(given)
        assert done.returncode == 1, done.stderr
        assert json.loads(reader.result(60))["tenants"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_standard_stream_may_lead_to_a_file(asked: Asked, tmp_path: Path) -> None:
    with (tmp_path / "said.json").open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "auditor", *asked, "-f", "json=/dev/stdout", "-q"],
            cwd=tmp_path,
            env=clean_environment({"PYTHONPATH": str(ROOT)}),
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")
    assert json.loads((tmp_path / "said.json").read_bytes())["tenants"]


def test_a_stream_that_nobody_gave_is_refused(asked: Asked, tmp_path: Path) -> None:
    done = call(*asked, "-f", "json=/dev/fd/987654", "-q", cwd=tmp_path)
    assert done.code == 2
    assert "format-path" in done.err


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file of somebody else, which has to stay as it is."""
    file = tmp_path / "victim"
    file.write_text("untouched")
    yield file
    assert file.read_text() == "untouched"
    assert not file.is_symlink()


def test_a_link_that_is_named_is_refused_before_the_audit(asked: Asked, victim: Path, tmp_path: Path) -> None:
    (tmp_path / "latest.json").symlink_to(victim)
    done = call(*asked, "-f", "json=latest.json", "-q", cwd=tmp_path)
    assert done.code == 2
    assert "output-link" in done.err
    assert (tmp_path / "latest.json").is_symlink()


def test_a_link_planted_in_the_output_folder_is_refused(asked: Asked, victim: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").symlink_to(victim)
    done = call(*asked, "-f", "html,json", "-q", cwd=tmp_path)
    assert done.code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


def test_a_link_planted_while_the_audit_runs_is_refused(victim: Path, tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"first"
        (tmp_path / "report.html").symlink_to(victim)
        yield b"second"

    with pytest.raises(DeliveryError) as refused:
        write_all([(tmp_path / "other.csv", [b"x"]), (tmp_path / "report.html", pieces())])
    assert refused.value.slug == "output-link"
    assert (tmp_path / "report.html").is_symlink()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_nobody_can_guess_the_name_of_a_temporary_file(asked: Asked, victim: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("result.json", "report.html"):
        (out / f".{name}.partial-{os.getpid()}").symlink_to(victim)
    assert call(*asked, "-f", "html,json", "-q", cwd=tmp_path).code == 1
    assert not (out / "result.json").is_symlink()


def test_no_folder_below_the_output_folder_is_a_link(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tenants").symlink_to(tmp_path / "elsewhere")
    done = call(*asked, "-f", "json", "-q", cwd=tmp_path)
    assert done.code == 3
    assert "output-link" in done.err
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tenants"]


def test_the_output_folder_itself_may_be_a_link(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    assert call(*asked, "-f", "json", "-q", cwd=tmp_path).code == 1
    assert (tmp_path / "disk" / "tenants" / "fabrikam.json").is_file()


def test_a_tenant_of_a_snapshot_root_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "contoso").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryError):
        write(tmp_path / "snapshots", night(TWO_PEOPLE, 0))
    with pytest.raises(DeliveryError), work_folder(tmp_path / "snapshots" / "contoso"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_tenant_of_a_store_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "contoso").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryError):
        FolderBackend(tmp_path / "store").create("contoso/parts/x.zip", b"x")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_files_that_grow_are_no_links(victim: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(victim)
    with pytest.raises(DeliveryError):
        append_outputs(link, {"result": "x"})
    mailing = Mailing(key="k", run="r", recipient="ann@contoso.example", message_id="m")
    with pytest.raises(DeliveryError):
        SentLog(link).claim(mailing, INSTANT)


def test_a_folder_and_a_socket_are_refused(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DeliveryError, match="folder"):
        write_all([(tmp_path / "folder", [b"x"])])
    assert (tmp_path / "folder").is_dir()
    assert call(*asked, "-f", "json=folder", "-q", cwd=tmp_path).code == 2


def test_two_containers_share_an_output_folder(tmp_path: Path) -> None:
    """Both are process 1 of their own: their files have one name, and so had their temporary files."""
    target = tmp_path / "report.html"

    def first() -> Iterator[bytes]:
        yield b"first "
        write_all([(target, [b"second"])])
        yield b"still first"

    write_all([(target, first())])
    assert target.read_bytes() == b"first still first"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_two_containers_write_the_same_snapshot(tmp_path: Path) -> None:
    state = night(TWO_PEOPLE, 0)
    with SnapshotWriter(tmp_path, "contoso", folder_name(state.manifest)) as writer:
        for batch in state.batches():
            writer.write_users(batch.users, batch.assignments)
        whole = write(tmp_path, state)
        before = contents(whole)
        with pytest.raises(SnapshotError, match="exists already"):
            writer.commit(state.manifest)
    assert contents(tmp_path / "contoso") == {whole.name: "/", **{f"{whole.name}/{k}": v for k, v in before.items()}}


COLLECTING = """
import sys
from pathlib import Path
import pyarrow as pa
from auditor.collect.tables.external_sort import Spool
folder = Path(sys.argv[1])
spool = Spool(folder, "users", pa.schema([("id", pa.string())]), limit=1)
spool.add(pa.record_batch([["a"]], names=["id"]))
print("collecting", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_collection_in_another_container_keeps_its_folder(tmp_path: Path) -> None:
    """Its process has our number in its own container: what it has put aside is not a leftover of ours."""
    tenant = tmp_path / "contoso"
    tenant.mkdir()
    theirs = tenant / f".collecting-{os.getpid()}-0a0b0c0d"
    with subprocess.Popen(
        [sys.executable, "-c", COLLECTING, str(theirs)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"collecting\n"
        with work_folder(tenant):
            assert theirs.exists()
        other.stdin.close()
        other.wait(60)
    with work_folder(tenant):
        assert not theirs.exists(), "it ended, and left this behind"


def test_what_fails_half_way_leaves_no_trace(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all([(tmp_path / "a.csv", [b"x"]), (ChildFile(tmp_path, ("tenants", "b.json")), broken())])
    assert list(tmp_path.rglob("*.*")) == []


def test_a_file_holds_a_part_of_one_that_was_written_before(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    for offset, size in ((0, 10), (3, 0), (5, 3 << 20)):
        content = bytes(range(256)) * (4 << 12)
        taken = FilePart(whole, offset, offset + size)
        write_all([(whole, [content[:7], content[7:]]), (part, [b"<", taken, b">"])], sources=(whole,))
        assert part.read_bytes() == b"<" + content[offset : offset + size] + b">"


def test_a_part_beyond_the_end_of_its_file_leaves_no_trace(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    with pytest.raises(DeliveryError, match="whole"):
        write_all([(whole, [b"short"]), (tmp_path / "part", [FilePart(whole, 0, 9)])], sources=(whole,))
    assert list(tmp_path.iterdir()) == []
