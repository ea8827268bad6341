"""The program `auditor` for scripts that call it many times: every call forks a process that has imported it."""

import atexit
import contextlib
import gc
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_CALL = """\
#!{python} -ISE
import json, os, socket, sys
umask = os.umask(0o077)
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), umask]).encode() + b"\\n"
    socket.send_fds(server, [call[:1]], [0, 1, 2])
    server.sendall(call[1:])
    sys.exit(int(server.recv(4) or 70))
"""
_NOT_IMPORTED = ("auditor.spark", "auditor.__main__")


@cache
def preloaded_program() -> Path:
    """Return the path of a program that behaves like `python -m auditor`; its server ends with this process (POSIX)."""
    folder = tempfile.TemporaryDirectory(prefix="program-")
    program, address = Path(folder.name, "bin", "auditor"), Path(folder.name, "calls")
    program.parent.mkdir()
    program.write_text(_CALL.format(python=sys.executable, address=str(address)), encoding="utf-8")
    program.chmod(0o755)
    server = subprocess.Popen([sys.executable, "-m", __name__, str(address)], cwd=Path(__file__).parents[3])
    atexit.register(folder.cleanup)
    atexit.register(server.wait)
    atexit.register(server.kill)
    while not address.exists():
        assert server.poll() is None, "the process ended at its start"
        time.sleep(0.02)
    return program


def main(address: str) -> None:
    """Import the program, and answer calls until this process is killed."""
    start = import_module("auditor.__main__")
    start.configure_process()
    for module in pkgutil.walk_packages(import_module("auditor").__path__, "auditor."):
        if not module.name.startswith(_NOT_IMPORTED):
            import_module(module.name)
    _fill_caches()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen()
        Path(f"{address}.new").rename(address)
        while True:
            caller, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(caller, start.main)
            caller.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _fill_caches() -> None:
    """Audit the demo to fill the caches of the process: compiled templates, catalogues, guidance and schemas."""
    run = import_module("auditor.cli.main").run
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        run(["audit", "--demo", f"--output={folder}", "--format=html,json,markdown", "--fail-on=never", "--quiet"])
    gc.freeze()


def _answer(caller: socket.socket, run: Any) -> None:
    """Run one call with the streams, folder, environment and umask of its caller; never returns."""
    code = 70
    try:
        first, files, _, _ = socket.recv_fds(caller, 1, 3)
        arguments, folder, environment, umask = json.loads(first + caller.makefile("rb").readline())
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        os.umask(umask)
        sys.argv = ["auditor", *arguments]
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, buffering=1, encoding="utf-8", errors="surrogateescape")
            for number, mode in enumerate("rww")
        )
        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        caller.sendall(str(code).encode())
        os.kill(os.getpid(), signal.SIGKILL)  # a regular exit takes long with so many modules


if __name__ == "__main__":
    main(sys.argv[1])
