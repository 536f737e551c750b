"""Goldens of reading and resizing pictures: small files of every kind, and what Pillow reads and makes of them.

Writes Tests/Golden/pictures.safetensors: for each name `file/NAME`, the bytes of a file, and `pixels/NAME`,
[height, width, channels], Pillow's reading of it turned upright; `source/MODE` and `resized/MODE/FILTER/WIDTHxHEIGHT`
are resizes. 16-bit files are the exception: Pillow drops their low bytes, so their pixels are the rounded values.
"""
import io
import pathlib
import struct
import zlib

import numpy
import PIL
from PIL import Image, ImageOps
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
WIDTH, HEIGHT, SEED = 37, 23, 5
FILTERS = {
    "box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
SIZES = {  # down, up, both, one side only, to one pixel
    "RGB": [(16, 9), (44, 27), (11, 40), (37, 10), (60, 23), (1, 1)],
    "L": [(16, 9), (44, 27), (5, 60)],
    "RGBA": [(16, 9), (41, 30)],
}


def smooth(width, height, channels):
    """Waves and an edge: JPEG keeps them well, and filters show on them."""
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    layers = [127 + 90 * numpy.sin(x / (3 + c) + c) * numpy.cos(y / (4 - c / 2)) + 30 * (x + y > 30) for c in range(channels)]
    return numpy.clip(numpy.stack(layers, -1), 0, 255).astype(numpy.uint8)


def noisy(width, height, channels):
    return numpy.random.default_rng(SEED).integers(0, 256, (height, width, channels), dtype=numpy.uint8)


def picture(array):
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(rows, depth, colour, width, height, interlaced=False, extra=b""):
    """A PNG of packed rows, for what Pillow cannot write."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def adam7(array):
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, dx, dy in passes:
        part = array[y::dy, x::dx]
        if part.size:
            yield from (row.tobytes() for row in part)


def files():
    photo, small = picture(smooth(WIDTH, HEIGHT, 3)), picture(smooth(13, 9, 3))
    yield "jpeg-444", saved(photo, "JPEG", quality=92, subsampling=0)
    yield "jpeg-422", saved(photo, "JPEG", quality=90, subsampling=1)
    yield "jpeg-420", saved(photo, "JPEG", quality=75, subsampling=2)
    yield "jpeg-progressive", saved(photo, "JPEG", quality=80, progressive=True)
    yield "jpeg-restarts", saved(photo, "JPEG", quality=80, restart_marker_blocks=2)
    yield "jpeg-rgb", saved(photo, "JPEG", quality=90, keep_rgb=True)
    yield "jpeg-grey", saved(photo.convert("L"), "JPEG", quality=85)
    inks = saved(photo.convert("CMYK"), "JPEG", quality=92)
    yield "jpeg-cmyk", inks
    transform = inks.index(b"Adobe") + 11  # 0 means CMYK, 2 YCCK: the same numbers as other colours
    yield "jpeg-ycck", inks[:transform] + b"\x02" + inks[transform + 1:]
    cut = saved(photo, "JPEG", quality=90)
    yield "jpeg-stray-bytes", cut[:-2] + b"\x11\x22\x33" + cut[-2:]

    alpha = noisy(WIDTH, HEIGHT, 4)
    yield "png-rgb", saved(photo, "PNG")
    yield "png-grey", saved(photo.convert("L"), "PNG")
    yield "png-rgba", saved(picture(alpha), "PNG")
    yield "png-grey-alpha", saved(picture(alpha).convert("LA"), "PNG")
    yield "png-palette", saved(photo.quantize(13), "PNG")
    yield "png-palette-alpha", saved(photo.quantize(13), "PNG", transparency=bytes(range(0, 250, 20)))
    yield "png-one-bit", saved(photo.convert("1"), "PNG")
    yield "png-key-colour", saved(picture(smooth(5, 4, 3)), "PNG", transparency=tuple(int(v) for v in smooth(5, 4, 3)[2, 3]))
    yield "png-interlaced", png(adam7(noisy(WIDTH, HEIGHT, 3)), 8, 2, WIDTH, HEIGHT, interlaced=True)
    yield "png-gamma", png((row.tobytes() for row in noisy(9, 7, 3)), 8, 2, 9, 7, extra=bytes.fromhex(
        "0000000467414d410000b18f0bfc6105"))

    yield "webp-lossy", saved(photo, "WEBP", quality=80)
    yield "webp-lossless", saved(photo, "WEBP", lossless=True)
    yield "webp-lossy-alpha", saved(picture(smooth(WIDTH, HEIGHT, 4)), "WEBP", quality=80)
    yield "webp-lossless-alpha", saved(picture(smooth(WIDTH, HEIGHT, 4)), "WEBP", lossless=True, exact=True)

    for value in range(1, 9):
        exif = Image.Exif()
        exif[0x0131] = "a program"
        exif[0x0112] = value
        yield f"jpeg-orientation-{value}", saved(small, "JPEG", quality=90, exif=exif)
        yield f"png-orientation-{value}", saved(small, "PNG", exif=exif)
        yield f"webp-orientation-{value}", saved(small, "WEBP", lossless=True, exif=exif)


def read(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if "transparency" in image.info or image.mode in ("LA", "PA"):
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    array = numpy.asarray(image)
    return array[..., None] if array.ndim == 2 else array


def sixteen_bits():
    for name, colour, channels in (("png-grey-16", 0, 1), ("png-rgb-16", 2, 3), ("png-rgba-16", 6, 4)):
        values = numpy.random.default_rng(SEED + colour).integers(0, 65536, (6, 11, channels), dtype=numpy.uint16)
        rows = [row.astype(">u2").tobytes() for row in values]
        yield name, png(rows, 16, colour, 11, 6), (values.astype(float) / 257).round().astype(numpy.uint8)


def main():
    tensors = {}
    for name, data in files():
        tensors[f"file/{name}"] = numpy.frombuffer(data, numpy.uint8)
        tensors[f"pixels/{name}"] = read(data)
    for name, data, pixels in sixteen_bits():
        tensors[f"file/{name}"], tensors[f"pixels/{name}"] = numpy.frombuffer(data, numpy.uint8), pixels
    for mode, sizes in SIZES.items():
        channels = len(mode)
        array = smooth(WIDTH, HEIGHT, channels)
        array[5:14, 8:20] = noisy(12, 9, channels)
        tensors[f"source/{mode}"] = array
        for name, kind in FILTERS.items():
            for width, height in sizes:
                resized = numpy.asarray(picture(array).resize((width, height), kind))
                tensors[f"resized/{mode}/{name}/{width}x{height}"] = resized.reshape(height, width, channels)
    tensors = {key: numpy.ascontiguousarray(value) for key, value in tensors.items()}
    save_file(tensors, ROOT / "pictures.safetensors", metadata={"pillow": PIL.__version__, "seed": str(SEED)})
    print(len(tensors), "tensors,", sum(value.nbytes for value in tensors.values()), "bytes")


main()
