"""What schemathesis needs to know beyond the description: pictures, rules between fields, and to keep drawing short."""

import base64
import io

import schemathesis
from hypothesis import strategies
from PIL import Image

SMALL = 64  # pixels: whole cells of models/mini


def png(transparent):
    """A picture in black and white, which is a mask, too; a part of it may be transparent."""
    image = Image.new("RGBA", (SMALL, SMALL), "white")
    image.paste("black", (0, 0, SMALL, SMALL // 2))
    if transparent:
        image.paste((0, 0, 0, 0), (10, 10, 40, 40))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def url(picture):
    return "data:image/png;base64," + base64.b64encode(picture).decode()


# What OpenAI's interface redraws is transparent; to the other interfaces a mask is a mask.
PICTURE, MASK = png(False), png(True)
schemathesis.openapi.format("image", strategies.sampled_from(
    [base64.b64encode(PICTURE).decode(), url(PICTURE)]))
schemathesis.openapi.format("image-url", strategies.just(url(PICTURE)))
schemathesis.openapi.format("binary", strategies.just(PICTURE))


def is_number(value, low, high):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def shorten(body):
    """Lowers allowed numbers, so that a request is drawn in a moment; those that are not allowed stay as they are."""
    for name in ["steps", "num_inference_steps"]:
        if is_number(body.get(name), 1, 1000):
            body[name] = 1
    for name in ["count", "n", "batch_size", "n_iter"]:
        if is_number(body.get(name), 1, 10 if name == "n" else 64):
            body[name] = 1
    for name in ["width", "height"]:
        if is_number(body.get(name), 1, 16384):
            body[name] = SMALL
    for name in ["hr_scale", "hr_resize_x", "hr_resize_y"]:
        if is_number(body.get(name), 1, 16384):
            body[name] = SMALL if "resize" in name else 1
    if isinstance(body.get("size"), str) and body["size"] != "auto" and "x" in body["size"]:
        body["size"] = f"{SMALL}x{SMALL}"


def obey(body):
    """Rules between fields, which a schema does not say."""
    request = body.get("request")
    if not isinstance(request, dict):
        if body.get("batch_size") is not None:
            body.pop("n_iter", None)
        body.pop("scheduler", None)  # with --size-policy strict an unknown one is an error
        if isinstance(body.get("mask"), bytes):
            body["mask"] = MASK
        if isinstance(body.get("mask"), dict):
            body["mask"]["image_url"] = url(MASK)
        return
    body.pop("kind", None)  # it follows from the other fields
    request.pop("model", None)
    images = body.get("images") or {}
    if body.get("images") is None:
        body.pop("images", None)
    for name in ["strength", "fit"] if not images.get("init") else []:
        request.pop(name, None)
    for name in [name for name in request if name.startswith("mask_")] if not images.get("mask") else []:
        request.pop(name)
    for one, other in [("width", "height"), ("variation_seed", "variation_strength")]:
        if request.get(one) is None or request.get(other) is None:
            request.pop(one, None)
            request.pop(other, None)
    if images.get("mask"):
        request.pop("large_latents", None)


allowed = set()  # ids of requests that keep the description


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict):
        return
    # Before anything is changed: schemathesis checks a changed body anew.
    is_allowed = case.meta is not None and case.meta.generation.mode.is_positive
    request = body.get("request")
    for part in [body, request] if isinstance(request, dict) else [body]:
        shorten(part)
    if is_allowed:
        allowed.add(case.id)
        obey(body)
        if case.path.startswith(("/v1/images", "/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/flux/v1/jobs")):
            part = request if isinstance(request, dict) else body
            part["steps"] = part.get("steps") or 1
            if case.path.startswith("/v1/"):
                body["size"] = body.get("size") or f"{SMALL}x{SMALL}"
            else:
                part["width"], part["height"] = part.get("width") or SMALL, part.get("height") or SMALL


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """schemathesis takes a form with a file for forbidden once `before_call` changed it: bytes are no string to it."""
    return not (case.id in allowed and type(failure).__name__ == "AcceptedNegativeData")
