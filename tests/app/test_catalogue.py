"""The user's product catalogue: which catalogue is active, updates from files and URLs, and rejected input."""

import datetime as dt
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.app.catalogue import active, update, user_file
from auditor.catalogue import builtin, dumps, loads
from auditor.catalogue.microsoft import parse
from auditor.domain.errors import AuditorError
from tests.builders.document.microsoft_csv import E3, E3_ENTRA, FLOW, ROWS, csv_text
from tests.builders.service.web_server import Response, web_server

CSV = csv_text(ROWS, line_end="\r\n").encode("utf-8-sig")
LATER, EARLIER = dt.date(2099, 1, 31), dt.date(2020, 1, 31)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without stored catalogue."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AUDITOR_PRODUCTS", raising=False)
    return tmp_path


@pytest.fixture
def table(home: Path) -> Path:
    path = home / "table.csv"
    path.write_bytes(CSV)
    return path


def redirect(address: str) -> Response:
    return Response(status=302, headers={"Location": address}, body=b"")


RESPONSES = {
    "/table.csv": Response(headers={"Last-Modified": "Wed, 29 Jul 2026 23:59:00 GMT"}, body=CSV),
    "/undated.csv": Response(body=CSV),
    "/future.csv": Response(headers={"Last-Modified": "Fri, 30 Jan 2099 10:00:00 GMT"}, body=CSV),
    "/moved": redirect("/table.csv"),
    "/to-file": redirect("file:///etc/hostname"),
    "/to-ftp": redirect("ftp://127.0.0.1/table.csv"),
    "/to-https": redirect("https://127.0.0.1:1/table.csv"),
    "/to-elsewhere": redirect("http://example.invalid/table.csv"),
    "/loop": redirect("/loop"),
    "/html": Response(body=b"<!doctype html><title>Sign in</title>"),
    "/cut": Response(headers={"Content-Length": str(len(CSV))}, body=CSV[:-40]),
    "/huge": Response(headers={"Content-Length": str(10**10)}, body=b"x" * 1_000_000, endless=True),
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with web_server(lambda request: RESPONSES.get(request.path.partition("?")[0], Response(status=404))) as port:
        yield f"http://127.0.0.1:{port}"


def update_error(origin: str | Path) -> AuditorError:
    path = user_file()
    assert path is not None
    with pytest.raises(AuditorError) as caught:
        update(str(origin))
    assert not path.parent.exists()
    assert caught.value.hint
    return caught.value


def test_builtin_catalogue_is_active_without_a_user_file() -> None:
    assert active() is builtin()


def test_newer_user_file_is_active_with_the_builtin_free_list(table: Path, home: Path) -> None:
    result = update(str(table), date=LATER)
    assert result.path == home / "share" / "auditor" / "products.json"
    assert not result.unused
    catalogue = active()
    assert (catalogue.date, len(catalogue.products), catalogue.source) == ("2099-01-31", 3, "table.csv")
    assert {"flow_free", FLOW, "power_bi_standard"} <= catalogue.free


def test_older_user_file_is_not_active_and_reported_as_unused(table: Path) -> None:
    assert update(str(table), date=EARLIER).unused
    assert active() is builtin()


def test_user_file_of_the_same_day_is_active(table: Path) -> None:
    assert not update(str(table), date=dt.date.fromisoformat(builtin().date)).unused
    assert len(active().products) == 3


def test_file_in_the_environment_variable_is_active_regardless_of_its_date(
    table: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "named.json"
    monkeypatch.setenv("AUDITOR_PRODUCTS", str(path))
    result = update(str(table), date=EARLIER)
    assert (result.path, result.unused) == (path, False)
    assert len(active().products) == 3


def test_missing_file_in_the_environment_variable_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_PRODUCTS", str(home / "nowhere.json"))
    with pytest.raises(AuditorError, match=r"nowhere\.json cannot be read"):
        active()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", dumps(builtin()).encode()[:-100]])
def test_damaged_file_is_an_error_that_an_update_fixes(content: bytes, table: Path) -> None:
    path = update(str(table), date=LATER).path
    path.write_bytes(content)
    with pytest.raises(AuditorError) as caught:
        active()
    assert caught.value.slug == "products-catalogue"
    assert str(path) in caught.value.message
    update(str(table), date=LATER)
    assert len(active().products) == 3


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/auditor/products.json"),
        ({"HOME": "/h"}, "/h/.local/share/auditor/products.json"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/h"}, "/h/.local/share/auditor/products.json"),
        ({"AUDITOR_PRODUCTS": "mine.json", "XDG_DATA_HOME": "/x"}, "mine.json"),
    ],
)
def test_path_of_the_user_file(environ: dict[str, str], expected: str) -> None:
    assert user_file(environ) == Path(expected)


def test_update_reports_changes_compared_with_the_replaced_file(table: Path) -> None:
    first = update(str(table), date=LATER)
    assert len(first.changes.removed) == len(builtin().products) - 3
    table.write_text(csv_text([("Renamed", *E3_ENTRA[1:]), *ROWS[2:]]), encoding="utf-8")
    second = update(str(table), date=LATER)
    assert (second.changes.added, second.changes.removed) == ((), ())
    assert [new.name for _, new in second.changes.renamed] == ["Renamed"]
    assert [new.sku_id for _, new in second.changes.replanned] == [E3]


def test_date_of_a_file_is_its_modification_date(table: Path) -> None:
    stamp = dt.datetime(2026, 8, 15, 12, tzinfo=dt.UTC).timestamp()
    os.utime(table, (stamp, stamp))
    assert update(str(table)).catalogue.date == "2026-08-15"


def test_update_is_reproducible_and_leaves_no_temporary_file(table: Path, home: Path) -> None:
    output = home / "new" / "folder" / "out.json"
    update(str(table), output=output, source="Microsoft", date=LATER)
    expected = dumps(parse(CSV, source="Microsoft", date="2099-01-31"))
    assert output.read_text(encoding="utf-8") == expected
    assert [path.name for path in output.parent.iterdir()] == ["out.json"]
    assert active() is builtin()


@pytest.mark.parametrize("content", [b"", b"<html>", b"a;b", CSV[:300]])
def test_invalid_input_keeps_the_old_file(content: bytes, table: Path) -> None:
    path = update(str(table), date=LATER).path
    before = path.read_bytes()
    table.write_bytes(content)
    with pytest.raises(AuditorError):
        update(str(table))
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["products.json"]


def test_missing_file_folder_and_large_file_are_errors(home: Path) -> None:
    assert "No such file" in update_error(home / "nothing.csv").message
    assert "Is a directory" in update_error(home).message
    large = home / "large.csv"
    with large.open("wb") as file:
        file.truncate(32 * 1024 * 1024 + 1)
    assert "larger than 32 MB" in update_error(large).message


def test_output_that_cannot_be_written_is_an_error(table: Path, home: Path) -> None:
    with pytest.raises(AuditorError, match="cannot be written"):
        update(str(table), output=table / "below" / "a-file.json")
    with pytest.raises(AuditorError, match="cannot be written"):
        update(str(table), output=home)
    assert not [entry for entry in home.parent.iterdir() if entry.name.startswith(f".{home.name}.")]


def test_date_and_source_of_a_url_are_stored_without_the_query(site: str) -> None:
    result = update(f"{site}/table.csv?token=secret#part")
    assert result.catalogue.source == f"{site}/table.csv"
    assert result.catalogue.date == "2026-07-29"
    assert loads(result.path.read_text(encoding="utf-8"), where="x").products == result.catalogue.products


@pytest.mark.parametrize("path", ["/undated.csv", "/future.csv"])
def test_url_without_a_date_or_with_a_future_one_gets_the_current_date(site: str, path: str) -> None:
    before = dt.datetime.now(tz=dt.UTC).date()
    day = dt.date.fromisoformat(update(site + path).catalogue.date)
    assert before <= day <= dt.datetime.now(tz=dt.UTC).date()


def test_redirect_with_the_same_scheme_is_followed(site: str) -> None:
    assert len(update(f"{site}/moved").catalogue.products) == 3


@pytest.mark.parametrize(
    ("path", "slug", "message"),
    [
        ("/to-file", "products-address", "no host"),
        ("/to-ftp", "products-address", "ftp://127.0.0.1"),
        ("/to-https", "products-address", "to https://127.0.0.1"),
        ("/to-elsewhere", "products-address", "http://example.invalid"),
        ("/loop", "products-download", "302"),
        ("/html", "products-format", "HTML"),
        ("/cut", "products-download", "ended after"),
        ("/huge", "products-file", "larger than 32 MB"),
        ("/nothing", "products-download", "returned 404"),
    ],
)
def test_invalid_response_is_an_error_and_nothing_is_written(site: str, path: str, slug: str, message: str) -> None:
    error = update_error(site + path)
    assert error.slug.startswith(slug)
    assert message in error.message


@pytest.mark.parametrize(
    "address",
    [
        "http://example.invalid/table.csv",
        "http://10.0.0.1/table.csv",
        "http://127.0.0.1.example.invalid/table.csv",
        "file:///etc/hostname",
        "ftp://127.0.0.1/table.csv",
        "https://user:word@example.invalid/table.csv",
        "https:///table.csv",
        "https://[::1/table.csv",
        "https://example.invalid:port/table.csv",
    ],
)
def test_only_https_and_local_http_addresses_are_requested(address: str) -> None:
    error = update_error(address)
    assert error.slug == "products-address"
    assert "word" not in str(error)


def test_unreachable_server_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert update_error(f"http://127.0.0.1:{port}/table.csv").slug == "products-download"


def test_url_with_a_blank_is_an_error(site: str) -> None:
    assert update_error(f"{site}/a table.csv").slug == "products-download"
