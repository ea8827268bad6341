"""Tests output paths that already exist: links are refused, devices and pipes are written to and not replaced."""

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
from tests.builders.service.command_line import AS_OF, ROOT, call, clean_environment, contents, expect, spawn
from tests.builders.tenant.nights import night
from tests.builders.tenant.tenants import NOW
from tests.builders.tenant.two_people import TWO_PEOPLE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other links and no pipes with paths")
Arguments = tuple[str | Path, ...]


@pytest.fixture(scope="module")
def audit_arguments(tmp_path_factory: pytest.TempPathFactory) -> Arguments:
    """The arguments of an audit of the smaller demo tenant with one policy that has findings."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "all.yaml").write_text(
        "version: 1\npolicies: [{id: all, severity: high, assignments: {of: paid, allow: []}}]\n"
    )
    write(folder / "nights", snapshots(NOW)[1])
    return ("audit", folder / "all.yaml", "--snapshot", folder / "nights", "--as-of", AS_OF)


@pytest.fixture
def null_device(tmp_path: Path) -> Path:
    """A null device; for root a new one, because root could replace /dev/null."""
    if os.geteuid() != 0:
        return Path("/dev/null")
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_bytes(b"x")
    except OSError:
        pytest.skip("cannot create a device")
    return device


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_error_about_a_full_disk_says_to_free_space(audit_arguments: Arguments, tmp_path: Path) -> None:
    completed = expect(3, *audit_arguments, "-f", "json=/dev/full", "-q", cwd=tmp_path)
    assert "No space left on device" in completed.err
    assert "free disk space" in completed.err


@pytest.mark.slow
def test_device_is_written_to_and_not_replaced(audit_arguments: Arguments, null_device: Path, tmp_path: Path) -> None:
    before = null_device.stat()
    completed = call(*audit_arguments, "-f", f"json={null_device}", "-f", "csv=findings.csv", "-q", cwd=tmp_path)
    assert (completed.code, completed.err) == (1, "")
    after = null_device.lstat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_dev, after.st_rdev) == (before.st_ino, before.st_dev, before.st_rdev)
    assert (tmp_path / "findings.csv").read_bytes().startswith(b"tenant,")


@pytest.mark.slow
def test_report_is_written_to_a_pipe(audit_arguments: Arguments, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (tmp_path / "read").open("wb") as read, subprocess.Popen(["cat", pipe], stdout=read) as reader:
        try:
            completed = spawn(*audit_arguments, "-f", "json=pipe", "-f", "csv=findings.csv", "-q", cwd=tmp_path)
            assert (completed.code, completed.err) == (1, "")
            assert stat.S_ISFIFO(pipe.lstat().st_mode), "the pipe was replaced by a file"
            reader.wait(60)
        finally:
            reader.kill()
    assert json.loads((tmp_path / "read").read_bytes())["tenants"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["findings.csv", "pipe", "read"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_report_is_written_to_an_inherited_file_descriptor(
    audit_arguments: Arguments, name: str, tmp_path: Path
) -> None:
    read_end, write_end = os.pipe()
    with ThreadPoolExecutor(1) as threads, os.fdopen(read_end, "rb") as stream:
        reader = threads.submit(stream.read)
        completed = subprocess.run(
            [sys.executable, "-m", "auditor", *audit_arguments, "-f", f"json={name.format(write_end)}", "-q"],
            cwd=tmp_path,
            env=clean_environment({"PYTHONPATH": str(ROOT)}),
            pass_fds=[write_end],
            capture_output=True,
            check=False,
        )
        os.close(write_end)
        assert completed.returncode == 1, completed.stderr
        assert json.loads(reader.result(60))["tenants"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_report_is_written_to_a_redirected_stdout(audit_arguments: Arguments, tmp_path: Path) -> None:
    with (tmp_path / "output.json").open("wb") as output:
        completed = subprocess.run(
            [sys.executable, "-m", "auditor", *audit_arguments, "-f", "json=/dev/stdout", "-q"],
            cwd=tmp_path,
            env=clean_environment({"PYTHONPATH": str(ROOT)}),
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (completed.returncode, completed.stderr) == (1, b"")
    assert json.loads((tmp_path / "output.json").read_bytes())["tenants"]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/{}"])
def test_a_reader_that_leaves_early_is_no_error(target: str, audit_arguments: Arguments, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    completed = subprocess.run(
        [sys.executable, "-m", "auditor", *audit_arguments, "-f", f"json={target.format(write_end)},terminal"],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        pass_fds=[write_end],
        stdout=write_end if target == "/dev/stdout" else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert completed.returncode == 1
    # The summary goes to stderr if stdout is a report.
    assert ("open finding" in (completed.stdout or completed.stderr), "error" in completed.stderr) == (True, False)


def test_unknown_file_descriptor_is_refused(audit_arguments: Arguments, tmp_path: Path) -> None:
    completed = expect(2, *audit_arguments, "-f", "json=/dev/fd/987654", "-q", cwd=tmp_path)
    assert "format-path" in completed.err


@pytest.fixture
def outside_file(tmp_path: Path) -> Iterator[Path]:
    """A file outside the output folder, which must not change."""
    file = tmp_path / "victim"
    file.write_text("untouched")
    yield file
    assert file.read_text() == "untouched"
    assert not file.is_symlink()


def test_link_as_output_path_is_refused_before_the_audit(
    audit_arguments: Arguments, outside_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "latest.json").symlink_to(outside_file)
    completed = expect(2, *audit_arguments, "-f", "json=latest.json", "-q", cwd=tmp_path)
    assert "output-link" in completed.err
    assert (tmp_path / "latest.json").is_symlink()


def test_link_in_the_output_folder_is_refused(audit_arguments: Arguments, outside_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").symlink_to(outside_file)
    expect(2, *audit_arguments, "-f", "html,json", "-q", cwd=tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


def test_link_created_during_the_audit_is_refused(outside_file: Path, tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        (tmp_path / "report.html").symlink_to(outside_file)
        yield b"second"

    with pytest.raises(DeliveryError) as caught:
        write_all([(tmp_path / "other.csv", [b"x"]), (tmp_path / "report.html", chunks())])
    assert caught.value.slug == "output-link"
    assert (tmp_path / "report.html").is_symlink()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_names_of_temporary_files_are_unpredictable(
    audit_arguments: Arguments, outside_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("result.json", "report.html"):
        (out / f".{name}.partial-{os.getpid()}").symlink_to(outside_file)
    assert call(*audit_arguments, "-f", "html,json", "-q", cwd=tmp_path).code == 1
    assert not (out / "result.json").is_symlink()


def test_link_as_subfolder_of_the_output_folder_is_refused(audit_arguments: Arguments, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tenants").symlink_to(tmp_path / "elsewhere")
    completed = expect(3, *audit_arguments, "-f", "json", "-q", cwd=tmp_path)
    assert "output-link" in completed.err
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tenants"]


def test_output_folder_may_be_a_link(audit_arguments: Arguments, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    assert call(*audit_arguments, "-f", "json", "-q", cwd=tmp_path).code == 1
    assert (tmp_path / "disk" / "tenants" / "fabrikam.json").is_file()


def test_link_as_tenant_folder_of_a_snapshot_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "contoso").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryError):
        write(tmp_path / "snapshots", night(TWO_PEOPLE, 0))
    with pytest.raises(DeliveryError), work_folder(tmp_path / "snapshots" / "contoso"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_link_as_tenant_folder_of_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "contoso").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryError):
        FolderBackend(tmp_path / "store").create("contoso/parts/x.zip", b"x")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_appending_to_a_link_is_refused(outside_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(outside_file)
    with pytest.raises(DeliveryError):
        append_outputs(link, {"result": "x"})
    mailing = Mailing(key="k", run="r", recipient="ann@contoso.example", message_id="m")
    with pytest.raises(DeliveryError):
        SentLog(link).claim(mailing, INSTANT)


def test_folder_as_output_path_is_refused(audit_arguments: Arguments, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DeliveryError, match="folder"):
        write_all([(tmp_path / "folder", [b"x"])])
    assert (tmp_path / "folder").is_dir()
    assert call(*audit_arguments, "-f", "json=folder", "-q", cwd=tmp_path).code == 2


def test_concurrent_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """In two containers both processes have id 1, so names of temporary files must not depend on the process id."""
    target = tmp_path / "report.html"

    def first() -> Iterator[bytes]:
        yield b"first "
        write_all([(target, [b"second"])])
        yield b"still first"

    write_all([(target, first())])
    assert target.read_bytes() == b"first still first"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_second_writer_of_the_same_snapshot_fails(tmp_path: Path) -> None:
    state = night(TWO_PEOPLE, 0)
    with SnapshotWriter(tmp_path, "contoso", folder_name(state.manifest)) as writer:
        for batch in state.batches():
            writer.write_users(batch.users, batch.assignments)
        folder = write(tmp_path, state)
        before = contents(folder)
        with pytest.raises(SnapshotError, match="exists already"):
            writer.commit(state.manifest)
    assert contents(tmp_path / "contoso") == {folder.name: "/", **{f"{folder.name}/{k}": v for k, v in before.items()}}


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
def test_work_folder_of_a_process_in_another_container_is_kept(tmp_path: Path) -> None:
    """Its process has the same id in its container, but its work folder is in use and not a leftover."""
    tenant = tmp_path / "contoso"
    tenant.mkdir()
    foreign_work_folder = tenant / f".collecting-{os.getpid()}-0a0b0c0d"
    with subprocess.Popen(
        [sys.executable, "-c", COLLECTING, str(foreign_work_folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"collecting\n"
        with work_folder(tenant):
            assert foreign_work_folder.exists()
        process.stdin.close()
        process.wait(60)
    with work_folder(tenant):
        assert not foreign_work_folder.exists(), "the other process has ended, so this is a leftover"


def test_interrupted_write_leaves_no_files(tmp_path: Path) -> None:
    def interrupted_chunks() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all([(tmp_path / "a.csv", [b"x"]), (ChildFile(tmp_path, ("tenants", "b.json")), interrupted_chunks())])
    assert list(tmp_path.rglob("*.*")) == []


def test_file_part_copies_a_range_of_a_file_written_before(tmp_path: Path) -> None:
    source, target = tmp_path / "whole", tmp_path / "part"
    for offset, size in ((0, 10), (3, 0), (5, 3 << 20)):
        content = bytes(range(256)) * (4 << 12)
        copied_range = FilePart(source, offset, offset + size)
        write_all([(source, [content[:7], content[7:]]), (target, [b"<", copied_range, b">"])], sources=(source,))
        assert target.read_bytes() == b"<" + content[offset : offset + size] + b">"


def test_file_part_beyond_the_end_of_its_source_leaves_no_files(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    with pytest.raises(DeliveryError, match="whole"):
        write_all([(whole, [b"short"]), (tmp_path / "part", [FilePart(whole, 0, 9)])], sources=(whole,))
    assert list(tmp_path.iterdir()) == []
