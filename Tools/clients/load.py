"""Many clients at once: the server refuses what is too much, forgets nobody, and draws like requests together."""

import collections
import statistics
import sys
import threading
import time

import httpx

from server import Server

CLIENTS, CALLS = 24, 3


def main():
    counts, seconds = collections.Counter(), []
    with Server("--queue", "8") as server:
        def client(number):
            with httpx.Client(base_url=server.address, timeout=600) as http:
                for call in range(CALLS):
                    begin = time.monotonic()
                    while True:
                        answer = http.post("/v1/images/generations", json={
                            "prompt": f"a cat number {number}", "seed": number, "steps": 4})
                        counts[answer.status_code] += 1
                        if answer.status_code != 429:
                            break
                        assert int(answer.headers["Retry-After"]) > 0
                        time.sleep(0.2)
                    assert answer.status_code == 200, answer.text
                    seconds.append(time.monotonic() - begin)

        # The same images one after the other, for comparison.
        begin = time.monotonic()
        with httpx.Client(base_url=server.address, timeout=600) as http:
            for number in range(8):
                http.post("/v1/images/generations", json={"prompt": "a cat", "seed": number, "steps": 4}).raise_for_status()
        single = (time.monotonic() - begin) / 8
        begin = time.monotonic()
        threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        worst = 0.0
        while any(thread.is_alive() for thread in threads):
            asked = time.monotonic()
            httpx.get(f"{server.address}/healthz").raise_for_status()
            worst = max(worst, time.monotonic() - asked)
            time.sleep(0.1)
        total = time.monotonic() - begin
        code = server.stop()
    images = CLIENTS * CALLS
    print(f"{images} images for {CLIENTS} clients in {total:.1f} s: {total / images:.3f} s each, {single:.3f} s alone")
    print(f"answers by status: {dict(counts)}")
    print(f"a client waited {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (longest)")
    print(f"/healthz answered within {worst * 1000:.0f} ms")
    failed = len(seconds) != images or code != 0
    sys.exit("a client got no image, or the server did not stop well" if failed else 0)


main()
