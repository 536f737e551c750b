"""schemathesis against `flux serve`: the description at /openapi.json is true, and no request that it makes breaks the server."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from server import Server

EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "3")


class SchemaTests(unittest.TestCase):
    def test_the_description_is_true(self):
        with Server("--queue", "256", "--size-policy", "strict") as server, tempfile.TemporaryDirectory() as folder:
            result = subprocess.run(
                [Path(sys.executable).with_name("schemathesis"), "run", f"{server.address}/openapi.json",
                 "--phases", "examples,coverage,fuzzing", "--checks", "all", "--max-examples", EXAMPLES, "--seed", "1",
                 "--generation-deterministic", "--request-timeout", "60", "--max-response-time", "60", "--continue-on-failure", "--no-shrink",
                 "--no-color"],
                cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": Path(__file__).parent},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(result.returncode, 0, result.stdout[-20000:])
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
