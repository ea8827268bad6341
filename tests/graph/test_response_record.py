"""Tests that answers are recorded on disk and returned once; whole collections are in tests/collect."""

import tracemalloc
import zlib
from contextlib import closing
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from auditor.graph.transport.response_record import ResponseRecord

USERS = httpx.Request("GET", "https://graph.microsoft.com/v1.0/users")
REPORT = httpx.Request("GET", "https://graph.microsoft.com/v1.0/reports/getMailboxUsageDetail(period='D180')")
SMALL, LARGE = b"name,size\n", b"name,size\n" * 400_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def record_of(folder: Path) -> "closing[ResponseRecord]":
    return closing(ResponseRecord(folder, "contoso"))


def take(record: ResponseRecord, request: httpx.Request) -> bytes | None:
    body = record.take(request)
    return None if body is None else bytes(body)


def add_file(record: ResponseRecord, folder: Path, content: bytes) -> None:
    """Record content as a download leaves it: written, but not flushed."""
    with (folder.parent / "download").open("w+b") as file:
        file.write(content)
        record.add_file(REPORT, file)


def test_small_answers_are_written_only_when_the_record_is_closed(folder: Path) -> None:
    with record_of(folder) as record:
        record.add(USERS, b"{}")
        add_file(record, folder, SMALL)
        assert not list(folder.iterdir())
    with record_of(folder) as resumed:
        assert take(resumed, USERS) == b"{}"
        assert take(resumed, REPORT) == SMALL
        assert take(resumed, REPORT) is None, "an answer is returned once"


def test_large_files_are_recorded_without_reading_them_into_memory(folder: Path) -> None:
    tracemalloc.start()
    allocated = pa.total_allocated_bytes()
    with record_of(folder) as record:
        record.add(USERS, b"{}")
        add_file(record, folder, LARGE)
        # The first process may be killed now.
        with record_of(folder) as resumed:
            report = resumed.take(REPORT)
            assert report is not None
            assert (len(report), zlib.crc32(report)) == (len(LARGE), zlib.crc32(LARGE))
            assert take(resumed, USERS) == b"{}"
    assert tracemalloc.get_traced_memory()[1] < len(LARGE) / 4
    assert pa.total_allocated_bytes() - allocated < len(LARGE) / 4
    tracemalloc.stop()
    resumed.discard()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("bytes_left", [0, 100, 1 << 20])
def test_file_that_was_being_recorded_is_not_returned(folder: Path, bytes_left: int) -> None:
    with record_of(folder) as record:
        add_file(record, folder, LARGE)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:bytes_left])
    with record_of(folder) as resumed:
        assert take(resumed, REPORT) is None
        add_file(resumed, folder, LARGE[::-1])
    with record_of(folder) as resumed:
        assert take(resumed, REPORT) == LARGE[::-1]
