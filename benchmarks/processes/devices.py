"""Reads the managed devices of a Graph service described on stdin in a separate process; prints time and memory.

usage: python -m benchmarks.processes.devices
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import decode_count
from auditor.collect.progress import Progress
from auditor.collect.sources.devices import DEVICES
from auditor.domain.policy.data_needs import Needs
from auditor.graph import requests
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import open_graph
from benchmarks.measurement import peak
from benchmarks.processes.collect import tenant_of
from benchmarks.processes.reports import resident


async def _read(graph_data: dict[str, Any], folder: Path) -> dict[str, float]:
    """Read every device and the row of each user; return CPU seconds, rows, and the memory in MB before and at peak."""
    tenant = tenant_of(graph_data, *graph_data["tenants"][0])
    environ = {**os.environ, "BEARER": graph_data["bearers"][0]}
    async with SignIn(tenant, environ=environ) as sign_in, open_graph(tenant, sign_in) as graph:
        context = CollectionContext(graph=graph, needs=Needs(), folder=folder, progress=Progress())
        # The first request imports the SDK's modules.
        await graph.answer(requests.user_count(graph), decode_count)
        before, started = resident(), time.process_time()
        owners = (await DEVICES.read(context)).users
        assert owners is not None
        rows = sum(table.num_rows for table in owners.tables())
        return {"before": before, "peak": peak(), "cpu": time.process_time() - started, "rows": rows}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(asyncio.run(_read(json.load(sys.stdin), Path(name) / "contoso" / "work"))))
