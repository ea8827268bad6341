"""Reads all texts in an output, also those in compressed parts."""

import json
import re
import zlib
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile, is_zipfile

import pyarrow.parquet as pq


def texts(body: bytes) -> Iterator[str]:
    """Yield all texts of a file, including the content of zip files, Parquet tables, and compressed data in a page."""
    if is_zipfile(BytesIO(body)):
        with ZipFile(BytesIO(body)) as book:
            for name in book.namelist():
                yield from texts(book.read(name))
    elif body.startswith(b"PAR1"):
        yield json.dumps(pq.read_table(BytesIO(body)).to_pylist(), default=str)
    else:
        text = body.decode()
        yield text
        for encoded in re.findall(r">([A-Za-z0-9+/\s]{200,}={0,2})<", text):
            yield from unpacked(encoded)


def unpacked(encoded: str) -> Iterator[str]:
    try:
        raw = b64decode(encoded, validate=False)
        yield (zlib.decompress(raw, zlib.MAX_WBITS | 32) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
    except (Error, zlib.error):
        return
