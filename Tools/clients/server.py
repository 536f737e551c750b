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


class Server:
    """A server on a free port, with its log."""

    def __init__(self, *options, environment=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        program = ROOT / ".build/server/release/flux-serve"
        self.log = open(ROOT / ".deps/test-clients.log", "ab")
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

    def __enter__(self):
        return self.wait()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.log.close()
