"""Encodes and decodes images that the autoencoder was not trained for, and draws them beside their reconstructions.

    python Tools/check/autoencoder_outside.py SHEET.jpg [IMAGE...]

Without images it makes its own (numpy 2.4.6, Pillow 13, safetensors 0.8; seed 1); given images are cropped to squares.
Prints the PSNR of each at 512x512. Run it from the repository's root, after `make build`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import load_file, save_file

SIZE = 512
y, x = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1)


def fractal(rng, exponent):
    """Noise whose spectrum falls with a power of the frequency, 0 to 1: clouds, rock, water."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None]) + 1 / SIZE
    spectrum = np.fft.fft2(rng.standard_normal((SIZE, SIZE))) / frequency**exponent
    field = np.fft.ifft2(spectrum).real
    return (field - field.min()) / (field.max() - field.min())


def blend(field, *colors):
    colors = np.array(colors, dtype=float)
    place = np.clip(field, 0, 1) * (len(colors) - 1)
    low = np.minimum(place.astype(int), len(colors) - 2)
    return colors[low] + (colors[low + 1] - colors[low]) * (place - low)[..., None]


def landscape(rng):
    image = blend(y * 1.6, (96, 150, 210), (214, 226, 236))
    for depth in range(4):
        ridge = 0.42 + 0.13 * depth - 0.22 * (fractal(rng, 2)[0] - 0.5) * (1 + depth / 2)
        color = np.array([120, 138, 150]) * (1 - depth / 4) + np.array([34, 66, 40]) * depth / 4
        rock = 0.75 + 0.5 * fractal(rng, 1.3)
        image = np.where((y > ridge)[..., None], color * rock[..., None], image)
    return image


def sphere(rng):
    dx, dy = (x - 0.5) / 0.34, (y - 0.5) / 0.34
    inside = dx**2 + dy**2 < 1
    dz = np.sqrt(np.clip(1 - dx**2 - dy**2, 0, 1))
    light = np.clip(-0.5 * dx - 0.6 * dy + 0.62 * dz, 0, 1)
    shaded = np.array([200, 60, 40]) * (0.15 + 0.85 * light)[..., None] + 180 * (light**30)[..., None]
    return np.where(inside[..., None], shaded, blend(y, (230, 230, 226), (150, 150, 160)))


def text(rng):
    image = Image.new("RGB", (SIZE, SIZE), (252, 250, 244))
    draw = ImageDraw.Draw(image)
    for row, height in enumerate((64, 44, 30, 20, 14)):
        draw.text((24, 30 + row * 92), "The quick brown fox", (30, 30, 34), ImageFont.load_default(height))
    return np.array(image)


def lines(rng):
    image = Image.new("RGB", (SIZE, SIZE), "white")
    draw = ImageDraw.Draw(image)
    for k in range(40):
        ends = [tuple(rng.integers(0, SIZE, 2).tolist()) for _ in range(2)]
        draw.line(ends, tuple(rng.integers(0, 200, 3).tolist()), int(rng.integers(1, 9)))
    return np.array(image)


def made():
    rng = np.random.default_rng(1)
    checks = ((x * 16).astype(int) + (y * 16).astype(int)) % 2
    return {
        "gradient": blend((x + y) / 2, (250, 120, 60), (90, 40, 140), (20, 30, 70)),
        "clouds": blend(fractal(rng, 1.8), (60, 110, 180), (240, 244, 250)),
        "landscape": landscape(rng),
        "shaded sphere": sphere(rng),
        "rock": blend(fractal(rng, 1.2), (40, 34, 30), (150, 130, 110), (220, 210, 190)),
        "text": text(rng),
        "lines": lines(rng),
        "checks": blend(checks, (30, 30, 30), (230, 230, 230)),
        "rainbow noise": np.stack([fractal(rng, 1.5) for _ in range(3)], -1) * 255,
        "white noise": rng.integers(0, 256, (SIZE, SIZE, 3)),
    }


def read(path):
    image = Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.array(image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def main():
    sheet_path, paths = Path(sys.argv[1]), sys.argv[2:]
    images = {Path(path).stem: read(path) for path in paths} or made()
    images = {name: np.clip(image, 0, 255).round().astype(np.uint8) for name, image in images.items()}
    pixels = np.stack(list(images.values())).astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{name}.safetensors" for name in ("pixels", "latents", "decoded")]
        save_file({"pixels": np.ascontiguousarray(pixels)}, files[0])
        for component, source, target in (("encoder", *files[:2]), ("decoder", *files[1:])):
            command = ["./flux", "forward", component, "-m", "midi-autoencoder", "--in", source, "--out", target]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        decoded = load_file(files[2])["pixels"]
    decoded = ((np.clip(decoded, -1, 1) + 1) * 127.5).round().transpose(0, 2, 3, 1).astype(np.uint8)

    columns, side, margin = 2, 208, 6
    rows = -(-len(images) // columns)
    width = columns * (2 * side + 3 * margin)
    sheet = Image.new("RGB", (width, rows * (side + margin) + margin), "white")
    for index, (name, image) in enumerate(images.items()):
        error = np.mean((image.astype(float) - decoded[index]) ** 2)
        print(f"{name:20} {10 * np.log10(255**2 / error):6.2f} dB")
        left = index % columns * (2 * side + 3 * margin) + margin
        top = index // columns * (side + margin) + margin
        for place, picture in enumerate((image, decoded[index])):
            small = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(small, (left + place * (side + margin), top))
    sheet.save(sheet_path, quality=90)


if __name__ == "__main__":
    main()
