"""Starts `flux serve` for a test and stops it: the program as people run it."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / ".deps/test-clients.log"  # all servers write to its end


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server on a free port, with its log."""

    def __init__(self, *options, environment=None, port=None):
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        program = os.environ.get("FLUX_SERVE", ROOT / ".build/server/release/flux-serve")
        self.log = open(LOG, "ab")
        self.begin = self.log.tell()
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--log-json", *options],
            stderr=self.log,
            env={
                **os.environ, "FLUX_HOME": str(ROOT), "FLUX_MODEL": "mini", "GOMP_SPINCOUNT": "3000",
                **(environment or {}),
            },
        )

    def wait(self):
        """Waits until the model is loaded."""
        while self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/readyz")
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the server ended with {self.process.returncode}: see .deps/test-clients.log")

    def stop(self, number=signal.SIGTERM):
        """Sends a signal; gives the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=120)

    def get(self, path):
        with urllib.request.urlopen(self.address + path) as answer:
            return json.load(answer)

    def status(self, key):
        """A number of the kernel's about the process: VmRSS and VmHWM in MiB, Threads, FDs."""
        if key == "FDs":
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            name, value = line.split(":", 1)
            if name == key:
                number = int(value.split()[0])
                return number // 1024 if value.strip().endswith("kB") else number
        raise KeyError(key)

    def ended_jobs(self):
        """The log's lines about jobs that ended."""
        lines = LOG.read_bytes()[self.begin:].splitlines()
        entries = (json.loads(line) for line in lines if line.startswith(b"{"))
        return [entry for entry in entries if entry["message"] == "job"]

    def __enter__(self):
        return self.wait()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.log.close()
