"""How flat plain backgrounds are: the share of the pixels within 64 of the border that are within 3/255 of their median.

    flux generate --prompt-file Tools/check/plain_prompts.txt -s 1 -o out/
    python3 Tools/check/clean_border.py out/*.png

Needs numpy and Pillow. Only for images whose objects stay away from the border.
"""

import sys

import numpy
from PIL import Image


def clean(path):
    image = numpy.asarray(Image.open(path).convert("RGB")).astype(float)
    border = numpy.ones(image.shape[:2], bool)
    border[64:-64, 64:-64] = False
    pixels = image[border]
    return (numpy.abs(pixels - numpy.median(pixels, 0)).max(1) <= 3).mean()


values = [clean(path) for path in sys.argv[1:]]
for path, value in zip(sys.argv[1:], values):
    print(f"{value:.3f} {path}")
print(f"{numpy.mean(values):.3f} mean")
