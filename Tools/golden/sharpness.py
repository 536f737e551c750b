"""Goldens of the sharpness measures: numpy in float64, over the whole spectrum instead of half of it.

Writes Tests/Golden/sharpness.safetensors: for three pairs of images of 256 x 256 pixels, which the test paints by the
same whole-number rules, `power` and `reference` [pairs, octaves], `averaged` [pairs, resolutions, octaves], and of all
pairs together `values`: effective resolution, sharpness, contrast, clean background of images and references, offset
of the background and of the mean color.
"""
import math
import pathlib

import numpy
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
SIDE = 256
OCTAVES = [(4, 16), (16, 32), (32, 64), (64, 128), (128, 256)]
RESOLUTIONS = [32, 48, 64, 96, 128, 192]
# Per pair: background, whether it is a gradient, disc (x, y, radius, color), stripes (left, top, right, bottom, width,
# color), radius of the blur, what is added to green.
PAIRS = [
    ((200, 180, 90), False, (90, 110, 50, (30, 60, 200)), (160, 60, 220, 120, 3, (250, 240, 10)), 1, 2),
    ((40, 90, 160), False, (150, 130, 70, (220, 20, 60)), (20, 20, 60, 90, 5, (10, 200, 120)), 3, -3),
    ((120, 60, 30), True, (120, 90, 40, (240, 240, 240)), (60, 160, 200, 220, 2, (0, 0, 0)), 2, 0),
]


def painted(background, gradient, disc, stripes):
    y, x = numpy.mgrid[0:SIDE, 0:SIDE]
    image = numpy.empty((SIDE, SIDE, 3), numpy.int64)
    image[:] = background
    if gradient:
        image += (y // 4)[..., None]
    cx, cy, radius, color = disc
    image[(x - cx) ** 2 + (y - cy) ** 2 <= radius * radius] = color
    left, top, right, bottom, width, color = stripes
    image[(x >= left) & (x < right) & (y >= top) & (y < bottom) & ((x - left) // width % 2 == 0)] = color
    return image


def blurred(image, radius, green):
    """Means of squares, rounded half up, edges repeated; then the tint, and every 17th pixel redder by five levels."""
    size = 2 * radius + 1
    wide = numpy.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    total = sum(wide[dy:dy + SIDE, dx:dx + SIDE] for dy in range(size) for dx in range(size))
    result = (2 * total + size * size) // (2 * size * size)
    result[..., 1] += green
    y, x = numpy.mgrid[0:SIDE, 0:SIDE]
    result[(7 * x + 13 * y) % 17 == 0, 0] += 5
    return numpy.clip(result, 0, 255)


def power(image):
    luma = image @ numpy.array([0.299, 0.587, 0.114])
    hann = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(SIDE) / (SIDE - 1))
    spectrum = numpy.abs(numpy.fft.fft2((luma - luma.mean()) * hann[:, None] * hann)) ** 2 / SIDE**4
    wave = numpy.fft.fftfreq(SIDE, 1 / SIDE)
    length = numpy.hypot(wave[:, None], wave)
    return [spectrum[(length >= low) & (length < high)].sum() for low, high in OCTAVES]


def averaged(image, count):
    """Averages over count x count equal squares, enlarged bilinearly between the squares' centers."""
    size = SIDE / count
    thirds = image.repeat(3, 0).repeat(3, 1)  # which squares of 48, 96 and 192 a side hold wholly
    small = thirds.reshape(count, 3 * SIDE // count, count, 3 * SIDE // count, 3).mean((1, 3))
    at = numpy.clip((numpy.arange(SIDE) + 0.5) / size - 0.5, 0, count - 1)
    low = numpy.minimum(at.astype(int), count - 1)
    high, part = numpy.minimum(low + 1, count - 1), at - low
    rows = small[low] * (1 - part)[:, None, None] + small[high] * part[:, None, None]
    return numpy.round(rows[:, low] * (1 - part)[:, None] + rows[:, high] * part[:, None])


def background(pair):
    """Pixels more than 12 (24 of 512) from both boxes."""
    _, _, (cx, cy, radius, _), (left, top, right, bottom, _, _), _, _ = pair
    free = numpy.ones((SIDE, SIDE), bool)
    for l, t, r, b in [(cx - radius, cy - radius, cx + radius, cy + radius), (left, top, right, bottom)]:
        free[max(0, t - 12):b + 13, max(0, l - 12):r + 13] = False
    return free


def clean(pixels, tolerance):
    return (numpy.abs(pixels - numpy.median(pixels, 0)).max(1) <= tolerance).mean()


def main():
    images, references, tables, shares, own, offsets, colors = [], [], [], [], [], [], []
    for pair in PAIRS:
        reference = painted(*pair[:4])
        image = blurred(reference, pair[4], pair[5])
        images.append(power(image))
        references.append(power(reference))
        tables.append([power(averaged(reference, count)) for count in RESOLUTIONS])
        free = background(pair)
        colors.append(numpy.abs(image.mean((0, 1)) - reference.mean((0, 1))).max())
        if clean(reference[free], 1) > 0.999:
            shares.append(clean(image[free], 3))
            own.append(clean(reference[free], 3))
            offsets.append(numpy.abs(numpy.median(image[free], 0) - numpy.median(reference[free], 0)).max())
    images, references, tables = map(numpy.array, (images, references, tables))

    def amplitudes(powers):
        return numpy.sqrt(powers.sum(0) / references.sum(0))

    def sharpness(powers):
        return amplitudes(powers)[1:4].prod() ** (1 / 3)

    known = [sharpness(tables[:, index]) for index in range(len(RESOLUTIONS))] + [1.0]
    resolution = 2 ** numpy.interp(sharpness(images), known, [math.log2(count) for count in RESOLUTIONS + [SIDE]])
    values = [resolution, sharpness(images), amplitudes(images)[0]] + [
        numpy.mean(part) for part in (shares, own, offsets, colors)]
    save_file(
        {"power": images, "reference": references, "averaged": tables, "values": numpy.array(values)},
        ROOT / "sharpness.safetensors", metadata={"numpy": numpy.__version__})
    print(values, len(shares))


main()
