"""Local object stores for tests: Azurite from npm and moto from PyPI."""

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

AZURITE = "3.37.0"
_ACCOUNT = "devstoreaccount1"
# The public key from Azurite's documentation, which is valid for emulators only.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Server(Struct, frozen=True, kw_only=True):
    """A running store: the address of a container in it, and the environment variables to use it."""

    address: str
    environment: Mapping[str, str]


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        for _ in range(300):
            if process.poll() is not None:
                pytest.fail(f"{command[0]} ended: {(folder / 'log').read_text()[-500:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail(f"{command[0]} does not listen after thirty seconds")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _azurite() -> Path:
    """Return the program, installed once into the user's cache folder; skips the test if that is not possible."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("NOT RUN against Azurite: node and npm are not installed")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auditor-tests" / f"azurite-{AZURITE}"
    program = home / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.is_file():
        pytest.importorskip("adlfs", reason="NOT RUN against Azurite: adlfs is not installed")
        home.mkdir(parents=True, exist_ok=True)
        process = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", str(home), f"azurite@{AZURITE}"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if process.returncode:
            pytest.skip(f"NOT RUN against Azurite: npm could not install it: {process.stderr.strip()[-200:]}")
    return program


@contextmanager
def azurite(folder: Path) -> Iterator[Server]:
    """Start Azurite with one empty container."""
    pytest.importorskip("adlfs", reason="NOT RUN against Azurite: adlfs is not installed")
    program, port = _azurite(), _port()
    command = [shutil.which("node") or "node", str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port),
               "--location", str(folder), "--skipApiVersionCheck", "--disableTelemetry"]  # fmt: skip
    endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
    connection = f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={endpoint};"
    with _running(command, port, folder):
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415  may be missing

        name = f"audits-{uuid.uuid4().hex[:8]}"
        with BlobServiceClient.from_connection_string(connection) as client:
            client.create_container(name)
        yield Server(address=f"az://{name}/nights", environment={"AZURE_STORAGE_CONNECTION_STRING": connection})


@contextmanager
def moto(folder: Path) -> Iterator[Server]:
    """Start moto's S3 with one empty bucket."""
    pytest.importorskip("moto", reason="NOT RUN against S3: moto is not installed")
    pytest.importorskip("s3fs", reason="NOT RUN against S3: s3fs is not installed")
    port = _port()
    endpoint = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port, folder, **keys):
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  may be missing

        client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="audits", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.close()
        yield Server(address="s3://audits/nights", environment={**keys, "AWS_ENDPOINT_URL": endpoint})
