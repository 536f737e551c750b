"""Acceptance tests: clients of others, as they come from PyPI, against `flux serve` with models/mini."""

import asyncio
import base64
import io
import os
import signal
import threading
import time
import unittest
import urllib.error
import urllib.request

import httpx
import openai
import webuiapi
from httpx_sse import connect_sse
from openapi_spec_validator import validate
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from server import Server

server: Server


def setUpModule():
    global server
    server = Server().wait()


def tearDownModule():
    assert server.stop() == 0


def image(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


def png(picture):
    """A PNG file, as the SDK sends it."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "image.png", file.getvalue(), "image/png"


class OpenAITests(unittest.TestCase):
    def setUp(self):
        self.client = openai.OpenAI(base_url=f"{server.address}/v1", api_key="any")

    def generate(self, **fields):
        return self.client.images.generate(prompt="a red apple on a blue background", **fields)

    def test_models(self):
        names = [model.id for model in self.client.models.list()]
        self.assertIn("mini", names)
        self.assertEqual(self.client.models.retrieve("mini").owned_by, "flux")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("nothing")

    def test_image_as_base64(self):
        answer = self.generate(model="gpt-image-1", n=2, extra_body={"seed": 7, "steps": 4})
        self.assertEqual([image(one.b64_json).size for one in answer.data], [(512, 512)] * 2)
        again = self.generate(model="gpt-image-1", n=2, extra_body={"seed": 7, "steps": 4})
        self.assertEqual(answer.data[0].b64_json, again.data[0].b64_json)
        self.assertIn("Seed: 7", image(answer.data[0].b64_json).text["parameters"])

    def test_image_as_address(self):
        answer = self.generate(model="dall-e-3", size="1024x1024", quality="hd", extra_body={"steps": 2})
        with urllib.request.urlopen(answer.data[0].url) as file:
            self.assertEqual(Image.open(file).size, (1024, 1024))

    def test_low_quality_uses_the_student(self):
        answer = self.generate(quality="low", output_format="jpeg", output_compression=80)
        self.assertEqual(image(answer.data[0].b64_json).format, "JPEG")

    def test_stream(self):
        stream = self.generate(stream=True, partial_images=2, extra_body={"steps": 6})
        kinds = [(event.type, image(event.b64_json).size) for event in stream]
        self.assertEqual(kinds[-1], ("image_generation.completed", (512, 512)))
        self.assertEqual([kind for kind, _ in kinds[:-1]], ["image_generation.partial_image"] * 2)

    def test_errors_have_the_right_class(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.generate(size="wide")
        self.assertEqual(caught.exception.param, "size")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.images.edit(image=b"x", prompt="y")
        self.assertEqual(caught.exception.param, "image")
        with self.assertRaises(openai.BadRequestError):
            self.client.images.create_variation(image=b"x")

    def test_edit_with_a_mask(self):
        photo, mask = Image.new("RGB", (300, 200), "teal"), Image.new("RGBA", (300, 200), "black")
        mask.paste((0, 0, 0, 0), (100, 50, 200, 150))
        for given in [png(photo), [png(photo)]]:
            answer = self.client.images.edit(
                model="gpt-image-1", image=given, mask=png(mask), prompt="a red apple", n=2, extra_body={"steps": 4})
            first, second = (image(one.b64_json) for one in answer.data)
            self.assertEqual(first.size, (300, 200))
            self.assertEqual(first.getpixel((10, 10)), photo.getpixel((10, 10)))
            self.assertNotEqual(first.getpixel((150, 100)), photo.getpixel((150, 100)))
            self.assertNotEqual(first.tobytes(), second.tobytes())

    def test_edit_as_a_stream(self):
        stream = self.client.images.edit(
            image=png(Image.new("RGB", (512, 512), "teal")), prompt="a red apple", input_fidelity="high", stream=True,
            partial_images=1, extra_body={"steps": 12})
        kinds = [event.type for event in stream]
        self.assertEqual(kinds, ["image_edit.partial_image", "image_edit.completed"])

    def test_variations(self):
        answer = self.generate(extra_body={"seed": 7, "steps": 4})
        varied = self.client.images.create_variation(image=base64.b64decode(answer.data[0].b64_json), n=2)
        self.assertEqual(len(varied.data), 2)
        self.assertIn("a red apple on a blue background", image(varied.data[0].b64_json).text["parameters"])

    def test_token(self):
        with Server(environment={"FLUX_TOKEN": "correct-token"}) as guarded:
            wrong = openai.OpenAI(base_url=f"{guarded.address}/v1", api_key="wrong")
            with self.assertRaises(openai.AuthenticationError):
                wrong.models.list()
            right = openai.OpenAI(base_url=f"{guarded.address}/v1", api_key="correct-token")
            self.assertTrue(list(right.models.list()))


class WebUITests(unittest.TestCase):
    def setUp(self):
        self.api = webuiapi.WebUIApi(host="127.0.0.1", port=server.port)

    def test_txt2img_with_everything_that_the_client_sends(self):
        result = self.api.txt2img(prompt="a cat", negative_prompt="dark", seed=3, steps=4, cfg_scale=3, n_iter=2)
        self.assertEqual([one.size for one in result.images], [(512, 512)] * 2)
        self.assertEqual(result.info["all_seeds"], [3, 4])
        text = self.api.png_info(result.images[0])
        self.assertIsNotNone(text)

    def test_other_sizes_and_samplers(self):
        result = self.api.txt2img(prompt="a cat", steps=2, width=912, height=512, sampler_name="DPM++ 2M Karras")
        self.assertEqual(result.image.size, (912, 512))
        with self.assertRaises(RuntimeError):
            self.api.txt2img(prompt="a cat", sampler_name="Restart")

    def test_model_and_lists(self):
        self.assertTrue(self.api.util_get_model_names())
        self.api.util_set_model("mini")
        self.api.util_wait_for_ready(check_interval=0.1)
        self.assertIn("mini", self.api.util_get_current_model())
        self.assertIn("Euler a", self.api.util_get_sampler_names())
        for ask in ["get_schedulers", "get_upscalers", "get_loras", "get_scripts", "get_embeddings", "get_memory",
                    "get_sd_vae", "get_cmd_flags", "get_options", "get_latent_upscale_modes"]:
            getattr(self.api, ask)()

    def test_interrupt_answers_with_the_image_as_it_is(self):
        found = []
        thread = threading.Thread(target=lambda: found.append(self.api.txt2img(prompt="a cat", steps=500)))
        thread.start()
        while self.api.get_progress()["state"]["sampling_step"] < 3:
            time.sleep(0.05)
        self.api.interrupt()
        thread.join()
        self.assertEqual(found[0].image.size, (512, 512))

    def test_img2img_with_everything_that_the_client_sends(self):
        photo = Image.new("RGB", (512, 512), "teal")
        result = self.api.img2img(images=[photo], prompt="a cat", seed=3, steps=4, cfg_scale=3, denoising_strength=0.5)
        self.assertEqual(result.image.size, (512, 512))
        self.assertEqual(result.info["denoising_strength"], 0.5)

    def test_inpainting(self):
        photo, mask = Image.new("RGB", (400, 300), "teal"), Image.new("RGB", (400, 300))
        mask.paste("white", (100, 100, 200, 200))
        result = self.api.img2img(images=[photo], mask_image=mask, prompt="a cat", steps=4, cfg_scale=3)
        self.assertEqual(result.image.size, (400, 300))
        self.assertEqual(result.image.getpixel((300, 50)), photo.getpixel((300, 50)))
        self.assertNotEqual(result.image.getpixel((150, 150)), photo.getpixel((150, 150)))

    def test_a_second_seed(self):
        result = self.api.txt2img(prompt="a cat", seed=3, subseed=8, subseed_strength=0.3, steps=2, n_iter=2)
        self.assertEqual(result.info["all_subseeds"], [8, 9])


class BackendClientTests(unittest.TestCase):
    """sd-backend-client checks every answer against its own schema."""

    def setUp(self):
        from sd_backend_client.api.a1111_webservice import A1111Webservice

        self.service = A1111Webservice(server.address)

    def test_it_is_detected(self):
        from sd_backend_client.api import detect

        self.assertTrue(self.service.get_capabilities().scheduler)
        self.assertFalse(self.service.get_capabilities().interrogate)
        self.assertTrue(detect)

    def test_text_to_image(self):
        from sd_backend_client.api.shared_data.diffusion_params import DiffusionParams

        names = [self.service.list_checkpoints, self.service.list_samplers, self.service.list_schedulers,
                 self.service.list_upscalers, self.service.list_loras, self.service.get_styles]
        for ask in names:
            ask()
        handle = self.service.submit_txt2img(DiffusionParams(prompt="a cat", steps=4, seed=9, cfg_scale=3))
        result = handle.wait(timeout=60, poll_interval=0.05)
        self.assertEqual(result.images[0].size, (512, 512))

    def test_cancel(self):
        from sd_backend_client.api.shared_data.diffusion_params import DiffusionParams

        handle = self.service.submit_txt2img(DiffusionParams(prompt="a cat", steps=400))
        while not self.service.progress_check().state.sampling_step:
            time.sleep(0.05)
        self.assertTrue(handle.cancel())


class ImageGenerationTests(unittest.TestCase):
    """image-generation-mcp's two providers."""

    def test_web_ui(self):
        from image_generation_mcp.providers.sd_webui import SdWebuiImageProvider

        provider = SdWebuiImageProvider(host=server.address)
        result = asyncio.run(provider.generate("a red apple", aspect_ratio="16:9"))
        self.assertTrue(result.image_data)

    def test_openai(self):
        from image_generation_mcp.providers.openai import OpenAIImageProvider

        os.environ["OPENAI_BASE_URL"] = f"{server.address}/v1"
        provider = OpenAIImageProvider(api_key="any")
        result = asyncio.run(provider.generate("a red apple"))
        self.assertTrue(result.image_data)


class NativeTests(unittest.TestCase):
    def add(self, client, **fields):
        answer = client.post("/flux/v1/jobs", json={"request": {"prompt": "a cat", **fields}, "preview_every": 2})
        self.assertEqual(answer.status_code, 202, answer.text)
        return answer.json()["id"]

    def test_events(self):
        with httpx.Client(base_url=server.address, timeout=60) as client:
            job = self.add(client, steps=6)
            with connect_sse(client, "GET", f"/flux/v1/jobs/{job}/events") as source:
                events = list(source.iter_sse())
            names = [event.event for event in events]
            self.assertEqual(names[0], "queued")
            self.assertEqual(names[-2:], ["image", "done"])
            self.assertTrue(any("preview" in event.json() for event in events if event.event == "step"))
            with connect_sse(client, "GET", f"/flux/v1/jobs/{job}/events",
                             headers={"Last-Event-ID": events[-2].id}) as source:
                self.assertEqual([event.event for event in source.iter_sse()], ["done"])
            picture = events[-2].json()
            answer = client.get(picture["url"])
            self.assertEqual(Image.open(io.BytesIO(answer.content)).size, (512, 512))
            same = client.get(picture["url"], headers={"If-None-Match": answer.headers["ETag"]})
            self.assertEqual(same.status_code, 304)

    def test_cancel(self):
        with httpx.Client(base_url=server.address, timeout=60) as client:
            job = self.add(client, steps=800)
            client.delete(f"/flux/v1/jobs/{job}").raise_for_status()
            with connect_sse(client, "GET", f"/flux/v1/jobs/{job}/events") as source:
                self.assertEqual(list(source.iter_sse())[-1].event, "cancelled")

    def test_a_client_that_leaves_cancels_its_call(self):
        with self.assertRaises(httpx.ReadTimeout):
            httpx.post(f"{server.address}/v1/images/generations", json={"prompt": "left alone", "steps": 900}, timeout=1)
        while True:
            job = next(job for job in server.get("/flux/v1/jobs")["jobs"] if job["request"]["prompt"] == "left alone")
            if job["finished"]:
                break
            time.sleep(0.05)
        self.assertEqual(job["cancel_reason"], "disconnected")

    def test_metrics_and_description(self):
        with httpx.Client(base_url=server.address) as client:
            families = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
            self.assertLessEqual({"flux_jobs", "flux_queue_depth", "flux_step_seconds", "flux_http_requests"}, families)
            validate(client.get("/openapi.json").json())

    def test_other_sites_are_refused(self):
        for headers in [{"Origin": "https://evil.example"}, {"Host": "evil.example"}]:
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(urllib.request.Request(f"{server.address}/flux/v1/jobs", headers=headers))
            self.assertEqual(caught.exception.code, 403)

    def test_damaged_requests_are_answered(self):
        for body in [b"", b"{", b"[]", b"\xff\xfe", b'{"request": {"prompt": "' + b"a" * 40000 + b'"}}']:
            answer = httpx.post(
                f"{server.address}/flux/v1/jobs", content=body, headers={"Content-Type": "application/json"})
            self.assertEqual(answer.status_code, 400, body[:20])


class StopTests(unittest.TestCase):
    def test_sigterm_lets_running_jobs_end(self):
        with Server() as own:
            answers = []
            thread = threading.Thread(target=lambda: answers.append(
                httpx.post(f"{own.address}/v1/images/generations", json={"prompt": "a cat"}, timeout=60)))
            thread.start()
            while not any(job["step"] for job in own.get("/flux/v1/jobs")["jobs"]):
                time.sleep(0.02)
            self.assertEqual(own.stop(), 0)
            thread.join()
            self.assertEqual(answers[0].status_code, 200)

    def test_jobs_that_take_longer_than_the_drain_are_cancelled(self):
        with Server("--drain", "0") as own:
            answers = []
            thread = threading.Thread(target=lambda: answers.append(
                httpx.post(f"{own.address}/v1/images/generations", json={"prompt": "a cat", "steps": 900}, timeout=60)))
            thread.start()
            while not any(job["step"] for job in own.get("/flux/v1/jobs")["jobs"]):
                time.sleep(0.02)
            self.assertEqual(own.stop(signal.SIGINT), 0)
            thread.join()
            self.assertEqual(answers[0].status_code, 503)

    def test_other_addresses_need_a_token(self):
        own = Server("--host", "0.0.0.0")
        self.assertEqual(own.process.wait(timeout=60), 2)


if __name__ == "__main__":
    unittest.main()
