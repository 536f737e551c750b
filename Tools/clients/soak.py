"""Everything at once for half an hour, with the server's memory every 30 seconds: soak.py [--minutes 30] [--seed 0].

Images of mixed sizes and formats, edits with and without masks, previews, cancelled jobs, clients that vanish, and damaged
requests. It fails if a request is answered by 5xx, the memory of the last third is above that after a third by more than a
tenth, threads or descriptors grow, or a job has no end.
"""

import argparse
import base64
import collections
import io
import random
import sys
import threading
import time

import httpx
from httpx_sse import connect_sse
from PIL import Image

from server import Server

SIZES = ["256x256", "512x512", "512x384", "320x512", "640x512", "1024x1024"]


def picture(chance, mode="RGB"):
    """A picture of noise and its PNG in base64."""
    size = chance.randint(60, 900), chance.randint(60, 900)
    small = Image.frombytes("RGB", (8, 8), chance.randbytes(192)).resize(size).convert(mode)
    file = io.BytesIO()
    small.save(file, "PNG")
    return small, base64.b64encode(file.getvalue()).decode()


def mask_of(image, chance):
    mask = Image.new("L", image.size)
    x, y = chance.randint(0, image.width // 2), chance.randint(0, image.height // 2)
    mask.paste(255, (x, y, x + image.width // 3, y + image.height // 3))
    file = io.BytesIO()
    mask.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def draw(http, chance):
    return http.post("/v1/images/generations", json={
        "prompt": f"a {chance.choice(['cat', 'dog', 'red apple'])} {chance.randint(0, 999)}", "quality": "low",
        "size": chance.choice(SIZES), "n": chance.randint(1, 4), "seed": chance.randint(0, 1 << 40),
        "output_format": chance.choice(["png", "jpeg", "webp"]), "response_format": chance.choice(["url", "b64_json"])})


def edit(http, chance):
    """A job of Flux's own interface; its events are read and its images fetched."""
    image, text = picture(chance)
    images = {"init": text}
    if chance.random() < 0.5:
        images["mask"] = mask_of(image, chance)
    answer = http.post("/flux/v1/jobs", json={
        "images": images, "count": chance.randint(1, 3), "preview_every": 1,
        "request": {"prompt": "a star", "fast": True, "strength": chance.uniform(0.3, 1)}})
    if answer.status_code == 202:
        with connect_sse(http, "GET", f"/flux/v1/jobs/{answer.json()['id']}/events") as source:
            for event in source.iter_sse():
                if event.event == "image":
                    http.get(event.json()["url"].replace(".png", chance.choice([".png", ".jpg", ".webp"])))
    return answer


def web_ui(http, chance):
    http.get("/sdapi/v1/progress")
    body = {"prompt": "a cat", "steps": chance.randint(1, 4), "width": chance.choice([256, 400, 512]), "height": 512,
            "batch_size": chance.randint(1, 2), "override_settings": {"show_progress_every_n_steps": 1}}
    if chance.random() < 0.5:
        return http.post("/sdapi/v1/txt2img", json=body)
    return http.post("/sdapi/v1/img2img", json={**body, "init_images": [picture(chance, "RGBA")[1]]})


def cancel(http, chance):
    answer = http.post("/flux/v1/jobs", json={"request": {"prompt": "long", "steps": 400}, "count": 4, "preview_every": 3})
    if answer.status_code == 202:
        time.sleep(chance.uniform(0, 1))
        http.delete(f"/flux/v1/jobs/{answer.json()['id']}")
    return answer


def vanish(http, chance):
    body = {"prompt": "left alone", "steps": 400, "stream": chance.random() < 0.5, "partial_images": 2}
    try:
        with http.stream("POST", "/v1/images/generations", json=body, timeout=chance.uniform(0.05, 1)) as answer:
            return answer  # leaving the block closes the connection
    except httpx.TimeoutException:
        return None


def damage(http, chance):
    body = bytearray(b'{"request": {"prompt": "a cat", "steps": 2}, "images": {"init": "iVBORw0KGgoAAAANSUhEUgAAA"}}')
    for _ in range(chance.randint(1, 8)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    path = chance.choice(["/flux/v1/jobs", "/v1/images/edits", "/sdapi/v1/img2img"])
    time.sleep(0.2)
    return http.post(path, content=bytes(body), headers={"Content-Type": "application/json"})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts, problems, ending = collections.Counter(), [], threading.Event()
    with Server("--job-prefix", "soak") as server:
        def client(work, seed):
            chance = random.Random(seed)
            while not ending.is_set():
                with httpx.Client(base_url=server.address, timeout=300) as http:
                    for _ in range(20):
                        if ending.is_set():
                            return
                        try:
                            answer = work(http, chance)
                        except Exception as error:  # the thread goes on, and the run fails
                            problems.append(f"{work.__name__}: {error!r}")
                            continue
                        status = answer.status_code if answer is not None else "left"
                        counts[work.__name__, status] += 1
                        if answer is not None and answer.status_code >= 500:
                            problems.append(f"{work.__name__}: {status}")
                        # Jobs that are given up are few, so that most of the time images are drawn.
                        if status == 429 or work in [cancel, vanish]:
                            time.sleep(chance.uniform(1, 6))

        works = [draw, draw, edit, edit, web_ui, cancel, vanish, damage]
        threads = [threading.Thread(target=client, args=(work, options.seed * 100 + index), daemon=True)
                   for index, work in enumerate(works)]
        begin, samples = time.monotonic(), []
        for thread in threads:
            thread.start()
        print("minute  resident MiB  threads  descriptors  requests", flush=True)
        while True:
            minute = (time.monotonic() - begin) / 60
            if server.process.poll() is not None:  # the clients, which are daemons, end with this
                sys.exit(f"the server ended with {server.process.returncode}: see .deps/test-clients.log")
            samples.append((minute, server.status("VmRSS"), server.status("Threads"), server.status("FDs")))
            print(f"{minute:6.1f} {samples[-1][1]:13} {samples[-1][2]:8} {samples[-1][3]:12} {sum(counts.values()):9}",
                  flush=True)
            if minute >= options.minutes:
                break
            time.sleep(min(30, max(0.1, (options.minutes - minute) * 60)))
        ending.set()
        for thread in threads:
            thread.join()
        peak = server.status("VmHWM")
        jobs = server.get("/flux/v1/jobs")["jobs"]
        code = server.stop()
        ended = [job for job in server.ended_jobs() if job["job"].startswith("soak")]
    print(f"peak {peak} MiB; jobs that ended: {dict(collections.Counter(job['outcome'] for job in ended))}")
    for (name, status), count in sorted(counts.items(), key=str):
        print(f"{name:8} {status}: {count}")
    early = [sample for sample in samples if sample[0] >= options.minutes / 3 - 0.01]
    late = [sample for sample in samples if sample[0] >= options.minutes * 2 / 3]
    if max(sample[1] for sample in late) > 1.1 * early[0][1]:
        problems.append(f"memory grew from {early[0][1]} to {max(sample[1] for sample in late)} MiB")
    if max(sample[2] for sample in late) > early[0][2] + 8:
        problems.append("threads grew")
    if max(sample[3] for sample in late) > early[0][3] + 40:
        problems.append("descriptors grew")
    # A client that vanished may have left a job that ended with the server: the log has its end.
    unfinished = {job["id"][:8] for job in jobs if not job["finished"]} - {job["job"] for job in ended}
    if unfinished or code != 0:
        problems.append(f"jobs without end: {unfinished}, exit code {code}")
    sys.exit("\n".join(problems[:20]) if problems else 0)


main()
