"""Computes the checksum of the content of a file; containers are unpacked, so that compression does not matter."""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal.

    A zip container (xlsx, mail attachment) is hashed by the names and bytes of its members, a Parquet file by its
    schema and rows, a mail without its Date header, which is the time of the run, and any other file by its bytes.
    """
    digest = hashlib.sha256()
    for part in _parts(path):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _parts(path: Path) -> Iterator[bytes]:
    body = path.read_bytes()
    if zipfile.is_zipfile(BytesIO(body)):
        with zipfile.ZipFile(BytesIO(body)) as container:
            for name in container.namelist():
                yield name.encode()
                yield container.read(name)
    elif path.suffix == ".parquet":
        table = pq.ParquetFile(BytesIO(body)).read()
        yield table.schema.remove_metadata().to_string().encode()
        for row in table.to_pylist():
            yield json.dumps(row, sort_keys=True, default=str).encode()
    elif path.suffix == ".eml":
        yield re.sub(rb"\r?\nDate: [^\r\n]*", b"", body, count=1)
    else:
        yield body
