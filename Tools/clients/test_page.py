"""Tests of the page in Chromium (Debian's package `chromium`), in the windows of a desktop and of a phone, with models/mini.

`FLUX_SCREENSHOTS=DIR` keeps screenshots."""

import base64
import io
import json
import os
import re
import unittest
import urllib.request
from pathlib import Path

from PIL import Image, ImageChops, PngImagePlugin
from playwright.sync_api import expect, sync_playwright

from browser import launch
from server import Server

server: Server
PROMPT = "a red apple on a blue background"
expect.set_options(timeout=120_000)  # a bound for what hangs; a busy machine may take long


def setUpModule():
    global server, playwright, browser
    playwright = sync_playwright().start()
    browser = launch(playwright)
    server = Server().wait()


def tearDownModule():
    browser.close()
    playwright.stop()
    assert server.stop() == 0


def png(color, size=(512, 512), parameters=None):
    """A PNG of one color, with the text that generators write."""
    info = PngImagePlugin.PngInfo()
    if parameters:
        info.add_text("parameters", parameters)
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def jpeg(color, size=(640, 320)):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "JPEG", quality=95)
    return file.getvalue()


class PageTests:
    """What holds in every window."""

    window: dict
    colors = "light"

    def setUp(self):
        self.context = browser.new_context(**self.window, color_scheme=self.colors)
        self.context.set_default_timeout(120_000)
        self.page = self.context.new_page()
        self.problems = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.problems.append(line.text))
        self.open()

    def tearDown(self):
        # Nothing that the page does is an error of its script or against its Content-Security-Policy.
        problems, self.problems = self.problems, []
        self.context.close()
        self.assertEqual(problems, [])

    def open(self, address=None, fragment=""):
        self.page.goto((address or server.address) + "/" + fragment)
        expect(self.page.locator("#status")).to_contain_text("version")

    def keep(self, name):
        """Keeps a screenshot if somebody wants to see it."""
        if folder := os.environ.get("FLUX_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{type(self).__name__}-{name}.png", full_page=True)

    def accepted(self, act):
        """Does what sends a job; gives the job's id."""
        is_job = lambda answer: answer.url.endswith("/flux/v1/jobs") and answer.request.method == "POST"
        with self.page.expect_response(is_job) as answer:
            act()
        return answer.value.json()["id"]

    def submit(self, prompt=PROMPT, seed="7"):
        self.page.fill("#prompt", prompt)
        self.page.fill("#seed", seed)
        return self.accepted(lambda: self.page.click("button[type=submit]"))

    def finished(self, job):
        """Waits until the page shows the job's last image; gives that image."""
        expect(self.page.locator(f"#image[src*='{job}-']")).to_be_visible()
        expect(self.page.locator("#cancel")).to_be_disabled()
        expect(self.page.locator("#problem")).to_be_empty()
        with urllib.request.urlopen(server.address + self.page.get_attribute("#image", "src")) as answer:
            return Image.open(io.BytesIO(answer.read())).convert("RGB")

    def parameters(self):
        return self.page.text_content("#parameters")

    def gallery(self):
        return self.page.locator("#gallery button")

    def drop(self, name, kind, data, target="#frame"):
        """Drops a file, as a file manager does."""
        transfer = self.page.evaluate_handle(
            """([name, type, data]) => {
                const bytes = Uint8Array.from(atob(data), one => one.charCodeAt(0)), transfer = new DataTransfer();
                transfer.items.add(new File([bytes], name, { type }));
                return transfer;
            }""",
            [name, kind, base64.b64encode(data).decode()],
        )
        self.page.dispatch_event(target, "drop", {"dataTransfer": transfer})

    def paint(self, start, end):
        """Paints on the init image from one point to another, in shares of its size."""
        self.page.locator("#canvas").scroll_into_view_if_needed()
        box = self.page.locator("#canvas").bounding_box()
        place = lambda point: (box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"])
        self.page.mouse.move(*place(start))
        self.page.mouse.down()
        self.page.mouse.move(*place(end), steps=5)
        self.page.mouse.up()

    def jobs(self, **matching):
        jobs = server.get("/flux/v1/jobs")["jobs"]
        return [job for job in jobs if all(job[name] == value for name, value in matching.items())]

    def cancel_all(self):
        for job in self.jobs():
            if job["status"] in ("queued", "running"):
                path = f"{server.address}/flux/v1/jobs/{job['id']}"
                urllib.request.urlopen(urllib.request.Request(path, method="DELETE")).close()

    # Drawing

    def test_it_draws_what_the_form_says(self):
        image = self.finished(self.submit())
        self.assertEqual(image.size, (512, 512))
        self.assertTrue(self.parameters().startswith(PROMPT + "\n"))
        self.assertIn("Seed: 7,", self.parameters())
        expect(self.page.locator("#image")).to_have_attribute("alt", PROMPT)
        with self.page.expect_download() as download:
            self.page.click("#download")
        self.assertEqual(download.value.suggested_filename, "flux-7.png")
        self.assertEqual(Image.open(download.value.path()).convert("RGB").tobytes(), image.tobytes())
        self.keep("drawn")

    def test_it_shows_an_image_while_it_is_drawn_and_cancels(self):
        self.page.click("#more summary")
        self.page.fill("#steps", "1000")
        self.submit()
        expect(self.page.locator("#image[alt=Preview]")).to_be_visible()
        expect(self.page.locator("#eta")).to_contain_text("of 1000")
        self.keep("preview")
        self.page.click("#cancel")
        expect(self.page.locator("#eta")).to_have_text("Cancelled")
        expect(self.page.locator("#progress")).to_be_hidden()
        self.assertEqual(self.jobs(status="running"), [])

    def test_the_queue_is_shown_and_its_jobs_can_be_cancelled(self):
        self.page.click("#more summary")
        self.page.fill("#steps", "1000")
        self.submit("a green circle on a white background")
        self.submit("a yellow star on a blue background")
        second = self.page.locator("#queue li", has_text="1. a yellow star")
        expect(second).to_be_visible()
        self.keep("queue")
        second.get_by_role("button").click()
        expect(second).to_have_count(0)
        self.assertEqual(len(self.jobs(status="running")), 1)
        self.cancel_all()

    def test_the_meter_counts_tokens_and_strikes_out_what_is_cut(self):
        self.page.fill("#prompt", PROMPT)
        expect(self.page.locator("#meter")).to_have_text(re.compile(r"^9 of \d+ tokens$"))
        self.page.fill("#prompt", "apple " * 200)
        expect(self.page.locator("#meter s")).to_contain_text("apple")

    def test_what_the_server_refuses_is_said(self):
        self.page.click("#more summary")
        self.page.evaluate("document.getElementById('form').noValidate = true")
        self.page.fill("#steps", "2000")
        self.page.fill("#prompt", PROMPT)
        self.page.click("button[type=submit]")
        expect(self.page.locator("#problem")).to_contain_text("steps")
        self.problems = [one for one in self.problems if "status of 400" not in one]

    # Settings

    def test_a_dropped_image_of_flux_gives_its_settings(self):
        body = {
            "prompt": "a blue fish", "seed": 12, "steps": 5, "cfg_scale": 4, "negative_prompt": "red", "sampler": "euler",
        }
        request = urllib.request.Request(
            server.address + "/v1/images/generations", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            data = base64.b64decode(json.load(answer)["data"][0]["b64_json"])
        self.drop("fish.png", "image/png", data)
        expect(self.page.locator("#prompt")).to_have_value("a blue fish")
        for field, value in [("#negative", "red"), ("#seed", "12"), ("#steps", "5"), ("#guidance", "4")]:
            self.assertEqual(self.page.input_value(field), value)
        self.assertEqual(self.page.input_value("#sampler"), "euler")
        self.assertTrue(self.page.locator("#editor").is_hidden())

    def test_text_of_a_dropped_image_is_text(self):
        hostile = "<img src=x onerror=alert(1)>\nSteps: 3, Sampler: Euler, CFG scale: 2, Seed: 9, Size: 512x512"
        self.drop("hostile.png", "image/png", png("white", parameters=hostile))
        expect(self.page.locator("#prompt")).to_have_value("<img src=x onerror=alert(1)>")
        self.finished(self.accepted(lambda: self.page.click("button[type=submit]")))
        self.assertEqual(self.page.locator("#about img").count(), 0)
        self.assertIn("<img src=x onerror=alert(1)>", self.parameters())

    def test_the_address_holds_the_form(self):
        self.page.click("#more summary")
        self.page.fill("#steps", "11")
        self.page.fill("#seed", "44")
        self.page.fill("#prompt", "a small cat & a dog")
        self.page.locator("#prompt").blur()
        address = self.page.url
        self.open(fragment="#")
        self.page.goto(address)
        self.page.reload()
        expect(self.page.locator("#status")).to_contain_text("version")
        self.assertEqual(self.page.input_value("#prompt"), "a small cat & a dog")
        self.assertEqual((self.page.input_value("#steps"), self.page.input_value("#seed")), ("11", "44"))

    def test_a_kept_seed_draws_the_same_image_again(self):
        first = self.finished(self.submit(seed=""))
        self.page.click("#lock")
        self.assertIn(f"Seed: {self.page.input_value('#seed')},", self.parameters())
        again = self.accepted(lambda: self.page.click("button[type=submit]"))
        self.assertEqual(self.finished(again).tobytes(), first.tobytes())

    # Images from images

    def test_an_init_image_is_redrawn_and_compared_with(self):
        # A JPEG of other proportions is cropped as the server crops it.
        self.drop("wide.jpg", "image/jpeg", jpeg("red"))
        expect(self.page.locator("#editor")).to_be_visible()
        self.page.fill("#strength", "1")
        self.finished(self.submit("a yellow star on a blue background"))
        self.assertIn("Denoising strength: 1", self.parameters())
        expect(self.page.locator("#vary")).to_be_disabled()
        expect(self.page.locator("#compare")).to_be_visible()
        middle = lambda: Image.open(io.BytesIO(self.page.locator("#frame").screenshot())).convert("RGB")
        after = middle()
        self.page.fill("#compare", "100")
        before = middle()
        center = before.getpixel((before.width // 2, before.height // 2))
        self.assertLess(sum(abs(a - b) for a, b in zip(center, (255, 0, 0))), 30)
        self.assertNotEqual(before.tobytes(), after.tobytes())
        self.page.fill("#compare", "50")
        self.keep("compare")

    def test_what_is_painted_over_is_redrawn_and_the_rest_stays(self):
        self.page.click("#start summary")
        init = png((250, 250, 250), (400, 300))
        self.page.set_input_files("#file", {"name": "white.png", "mimeType": "image/png", "buffer": init})
        expect(self.page.locator("#editor")).to_be_visible()
        self.page.fill("#strength", "1")
        self.paint((0.3, 0.5), (0.7, 0.5))
        self.paint((0.05, 0.05), (0.2, 0.05))
        self.page.click("#undo")
        expect(self.page.locator("#edithint")).to_contain_text("painted part")
        self.keep("mask")
        image = self.finished(self.submit("a red car on a white background"))
        self.assertEqual(image.size, (400, 300))
        changed = ImageChops.difference(image, Image.open(io.BytesIO(init)).convert("RGB")).getbbox()
        self.assertIsNotNone(changed)
        self.assertGreater(changed[1], 60, f"above the stroke, and where it was undone, nothing changes: {changed}")
        self.assertLess(changed[3], 240)
        self.page.click("#remove")
        expect(self.page.locator("#editor")).to_be_hidden()

    def test_a_png_on_the_fields_of_the_init_image_is_one(self):
        text = "a cat\nSteps: 3, Sampler: Euler, CFG scale: 2, Seed: 9, Size: 512x512"
        self.drop("cat.png", "image/png", png("white", parameters=text), target="#start summary")
        expect(self.page.locator("#editor")).to_be_visible()
        self.assertEqual(self.page.input_value("#prompt"), "")

    def test_variations_lie_near_an_image(self):
        first, count = self.finished(self.submit()), self.gallery().count()
        other = self.finished(self.accepted(lambda: self.page.click("#vary")))
        expect(self.gallery()).to_have_count(count + 4)
        self.assertIn("Variation seed strength: 0.5", self.parameters())
        self.assertIn("Seed: 7,", self.parameters())
        self.assertNotEqual(other.tobytes(), first.tobytes())
        # What they are compared with is the image that they vary.
        self.page.fill("#compare", "100")
        self.assertEqual(self.page.evaluate("document.getElementById('before').width"), 512)
        self.keep("variations")

    # Keys

    def test_the_page_works_by_keyboard(self):
        self.page.focus("#prompt")
        self.page.keyboard.type("a green circle on a white background")
        for _ in range(2):
            self.finished(self.accepted(lambda: self.page.keyboard.press("Control+Enter")))
        self.page.focus("#copy")
        newest = self.page.get_attribute("#image", "src")
        self.page.keyboard.press("ArrowRight")
        self.assertNotEqual(self.page.get_attribute("#image", "src"), newest)
        self.page.keyboard.press("ArrowLeft")
        self.assertEqual(self.page.get_attribute("#image", "src"), newest)
        self.page.evaluate("document.getElementById('more').open = true")
        self.page.fill("#steps", "1000")
        self.page.keyboard.press("Control+Enter")
        expect(self.page.locator("#image[alt=Preview]")).to_be_visible()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#eta")).to_have_text("Cancelled")

    def test_nothing_is_wider_than_the_window(self):
        self.finished(self.submit())
        for summary in ("#start summary", "#more summary"):
            self.page.click(summary)
        width, inner = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        self.assertLessEqual(width, inner)
        self.keep("open")

    def test_a_token_is_asked_for(self):
        with Server(environment={"FLUX_TOKEN": "0123456789abcdef"}) as closed:
            self.page.goto(closed.address)
            expect(self.page.locator("#tokenrow")).to_be_visible()
            self.page.fill("#token", "0123456789abcdef")
            self.page.locator("#token").blur()
            expect(self.page.locator("#status")).to_contain_text("version")
            self.assertTrue(self.page.locator("#tokenrow").is_hidden())
            self.page.goto("about:blank")
        self.problems = [one for one in self.problems if "status of 401" not in one]


class DesktopTests(PageTests, unittest.TestCase):
    window = {"viewport": {"width": 1280, "height": 900}}


class PhoneTests(PageTests, unittest.TestCase):
    window = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    colors = "dark"

    def test_it_is_dark_where_the_system_is(self):
        self.assertEqual(self.page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(22, 23, 21)")


if __name__ == "__main__":
    unittest.main()
