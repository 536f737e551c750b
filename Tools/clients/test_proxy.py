"""Two servers behind nginx with Examples/nginx/flux.conf: clients use them as one, and one of them may end."""

import io
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import httpx
import openai
from httpx_sse import connect_sse
from PIL import Image

from server import ROOT, Server, free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Proxy:
    """nginx with the configuration of the repository, on other ports."""

    def __init__(self, first, second):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp())
        text = (ROOT / "Examples/nginx/flux.conf").read_text()
        for old, new in [("127.0.0.1:7861", f"127.0.0.1:{first}"), ("127.0.0.1:7862", f"127.0.0.1:{second}"),
                         ("listen 8080", f"listen 127.0.0.1:{self.port}")]:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "flux.conf").write_text(text)
        places = "".join(f"{kind}_temp_path {self.folder}/{kind};\n"
                         for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        user = "user root;\n" if os.getuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user}daemon off;\npid {self.folder}/pid;\nerror_log {self.folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{places}include {self.folder}/flux.conf;\n}}\n")
        self.process = subprocess.Popen([NGINX, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"])
        while self.process.poll() is None:
            try:
                httpx.get(self.address)
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError((self.folder / "error.log").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        shutil.rmtree(self.folder)


@unittest.skipUnless(NGINX, "nginx is not installed: apt-get install nginx-light")
class ProxyTests(unittest.TestCase):
    def setUp(self):
        self.servers = {letter: self.start(letter) for letter in "ab"}
        for server in self.servers.values():
            server.wait()
        self.proxy = Proxy(self.servers["a"].port, self.servers["b"].port)
        self.http = httpx.Client(base_url=self.proxy.address, timeout=120)

    def start(self, letter, port=None):
        return Server("--job-prefix", letter, "--threads", "1", port=port)

    def tearDown(self):
        self.http.close()
        self.proxy.stop()
        for server in self.servers.values():
            server.__exit__()

    def add(self, http=None, **fields):
        answer = (http or self.http).post(
            "/flux/v1/jobs", json={"request": {"prompt": "a cat", "fast": not fields, **fields}})
        self.assertEqual(answer.status_code, 202, answer.text)
        return answer.json()["id"]

    def add_to(self, letter, **fields):
        """A job of one of the servers."""
        for _ in range(20):
            job = self.add(**fields)
            if job.startswith(letter):
                return job
            self.http.delete(f"/flux/v1/jobs/{job}")
        self.fail(f"no job reached server {letter}")

    def events(self, job, http=None):
        with connect_sse(http or self.http, "GET", f"/flux/v1/jobs/{job}/events") as source:
            return list(source.iter_sse())

    def wait_for_step(self, server):
        while not any(job["step"] for job in server.get("/flux/v1/jobs")["jobs"] if not job["finished"]):
            time.sleep(0.02)

    def test_clients_use_both_as_one(self):
        found, problems = [], []

        def client():
            try:
                with httpx.Client(base_url=self.proxy.address, timeout=120) as http:
                    for _ in range(3):
                        job = self.add(http)
                        events = self.events(job, http)
                        assert [event.event for event in events][-2:] == ["image", "done"], events
                        picture = http.get(events[-2].json()["url"])
                        assert Image.open(io.BytesIO(picture.content)).size == (512, 512)
                        assert http.get(f"/flux/v1/jobs/{job}").json()["status"] == "done"
                        found.append(job)
            except Exception as error:
                problems.append(error)

        threads = [threading.Thread(target=client) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.assertEqual({job[0] for job in found}, {"a", "b"})
        self.assertEqual(len(set(found)), 18)

    def test_addresses_of_images_are_those_of_the_proxy(self):
        client = openai.OpenAI(base_url=f"{self.proxy.address}/v1", api_key="any")
        for _ in range(3):
            answer = client.images.generate(prompt="a cat", quality="low", response_format="url")
            self.assertTrue(answer.data[0].url.startswith(f"{self.proxy.address}/flux/v1/images/"), answer.data[0].url)
            self.assertEqual(httpx.get(answer.data[0].url).status_code, 200)

    def test_events_arrive_as_they_happen(self):
        job = self.add(steps=60)
        with connect_sse(self.http, "GET", f"/flux/v1/jobs/{job}/events") as source:
            for event in source.iter_sse():
                if event.event == "step" and event.json()["index"] < 30:
                    self.assertEqual(httpx.get(f"{self.proxy.address}/flux/v1/jobs/{job}").json()["status"], "running")
                    return
        self.fail("no step arrived before the job was half done")

    def test_a_client_that_leaves_cancels_its_call(self):
        with self.assertRaises(httpx.ReadTimeout):
            self.http.post("/v1/images/generations", json={"prompt": "left alone", "steps": 900}, timeout=1)
        for _ in range(200):
            jobs = [job for server in self.servers.values() for job in server.get("/flux/v1/jobs")["jobs"]]
            if [job["cancel_reason"] for job in jobs] == ["disconnected"]:
                return
            time.sleep(0.05)
        self.fail(f"{jobs}")

    def test_the_web_ui_s_calls_of_a_client_reach_one_server(self):
        thread = threading.Thread(target=lambda: httpx.post(
            f"{self.proxy.address}/sdapi/v1/txt2img", json={"prompt": "a cat", "steps": 500}, timeout=120))
        thread.start()
        while not self.http.get("/sdapi/v1/progress").json()["state"]["sampling_step"]:
            time.sleep(0.05)
        self.http.post("/sdapi/v1/interrupt")
        thread.join()

    def test_a_server_that_stops_ends_its_jobs_and_the_other_serves(self):
        job = self.add_to("a", steps=60)
        events = []

        def read():
            with httpx.Client(base_url=self.proxy.address, timeout=120) as http:
                events.extend(self.events(job, http))

        thread = threading.Thread(target=read)
        thread.start()
        self.wait_for_step(self.servers["a"])
        self.servers["a"].process.send_signal(signal.SIGTERM)
        for _ in range(6):  # while it ends its job, and after it
            self.assertEqual(self.events(self.add())[-1].event, "done")
        thread.join()
        self.assertEqual(events[-1].event, "done")
        self.assertEqual(self.servers["a"].process.wait(timeout=60), 0)
        for _ in range(4):
            self.assertTrue(self.add().startswith("b"))
            self.assertEqual(self.http.get("/readyz").status_code, 200)
        self.servers["a"].log.close()
        self.servers["a"] = self.start("a", self.servers["a"].port).wait()
        self.assertEqual(self.events(self.add_to("a"))[-1].event, "done")

    def test_calls_of_a_server_that_is_killed_are_drawn_by_the_other(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(httpx.post(
            f"{self.proxy.address}/v1/images/generations", json={"prompt": "a cat", "steps": 60}, timeout=120)))
            for _ in range(2)]
        lost = self.add_to("a", steps=800)
        for thread in threads:
            thread.start()
        for server in self.servers.values():
            self.wait_for_step(server)
        self.servers["a"].process.kill()
        self.servers["a"].process.wait()
        for thread in threads:
            thread.join()
        self.assertEqual([answer.status_code for answer in answers], [200, 200])
        # What only its own memory held is lost, and said to be so.
        self.assertEqual(self.http.get(f"/flux/v1/jobs/{lost}").status_code, 502)
        for _ in range(4):
            self.assertEqual(self.events(self.add())[-1].event, "done")


class TrustedProxyTests(unittest.TestCase):
    """A server behind a proxy, here the client itself, that says who the client is."""

    def statuses(self, server, addresses):
        return [httpx.post(f"{server.address}/flux/v1/jobs", headers={"X-Forwarded-For": address}, timeout=60,
                           json={"request": {"prompt": "a cat", "steps": 1000}}).status_code for address in addresses]

    def test_every_client_of_a_trusted_proxy_has_its_own_limit(self):
        with Server("--trusted-proxy", "127.0.0.1", "--drain", "0") as server:
            self.assertEqual(self.statuses(server, ["1.2.3.4"] * 17 + ["5.6.7.8"]), [202] * 16 + [429, 202])

    def test_nobody_else_is_believed(self):
        with Server("--drain", "0") as server:
            self.assertEqual(self.statuses(server, ["1.2.3.4"] * 16 + ["5.6.7.8"]), [202] * 16 + [429])


if __name__ == "__main__":
    unittest.main()
