"""Reads images of Flux with other programs' metadata readers, and compares what they find.

    python3 -m venv venv && venv/bin/pip install sd-parsers sd-prompt-reader piexif
    venv/bin/python Tools/check/metadata_readers.py FLUX

FLUX is the built program (FLUX_HOME has to be set). It draws a PNG, a JPEG and a WebP; sd-parsers and the library of
sd-prompt-reader have to find prompt, negative prompt, seed, steps, sampler, scale and size in each.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader

PROMPT = "a red apple, on a \"blue\" background é 日本"
NEGATIVE = "blurry, dark"
EXPECTED = {"Steps": "2", "Sampler": "Euler", "CFG scale": "2.5", "Seed": "7", "Size": "512x512"}


def check(what, found, expected):
    if str(found) != str(expected):
        sys.exit(f"{what}: found {found!r}, expected {expected!r}")


def main():
    flux = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for ending in ["png", "jpg", "webp"]:
            file = Path(folder) / f"image.{ending}"
            subprocess.run(
                [flux, "generate", PROMPT, "-n", NEGATIVE, "-s", "7", "--steps", "2", "--sampler", "euler",
                 "--cfg-scale", "2.5", "-o", file], check=True, stdout=subprocess.DEVNULL)

            reader = ImageDataReader(str(file))
            check(f"sd-prompt-reader, {ending}, tool", reader.tool, "A1111 webUI")
            check(f"sd-prompt-reader, {ending}, prompt", reader.positive, PROMPT)
            check(f"sd-prompt-reader, {ending}, negative", reader.negative, NEGATIVE)
            for key, value in EXPECTED.items():
                if f"{key}: {value}," not in reader.setting + ",":
                    sys.exit(f"sd-prompt-reader, {ending}: no {key}: {value} in {reader.setting}")

            info = ParserManager().parse(file)
            if info is None:
                sys.exit(f"sd-parsers, {ending}: nothing is found")
            sampler = info.samplers[0]
            check(f"sd-parsers, {ending}, prompt", sampler.prompts[0].value, PROMPT)
            check(f"sd-parsers, {ending}, negative", sampler.negative_prompts[0].value, NEGATIVE)
            check(f"sd-parsers, {ending}, sampler", sampler.name, "Euler")
            check(f"sd-parsers, {ending}, steps", sampler.parameters["steps"], 2)
            check(f"sd-parsers, {ending}, scale", sampler.parameters["cfg_scale"], 2.5)
            check(f"sd-parsers, {ending}, seed", sampler.parameters["seed"], 7)
            check(f"sd-parsers, {ending}, model", sampler.model.name, "mini")
            print(f"{ending}: sd-prompt-reader and sd-parsers find all settings")


if __name__ == "__main__":
    main()
