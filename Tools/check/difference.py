"""How much images differ from the first one: the largest difference of a byte, and the share of pixels that differ.

    python3 Tools/check/difference.py reference.png other.png …

Needs numpy and Pillow.
"""

import sys

import numpy
from PIL import Image

reference, *others = [numpy.asarray(Image.open(path).convert("RGB")).astype(int) for path in sys.argv[1:]]
for path, image in zip(sys.argv[2:], others):
    difference = abs(image - reference).max(2)
    print(f"{path}: {difference.max()} of 255, {100 * (difference > 0).mean():.3f} % of the pixels")
