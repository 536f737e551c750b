#!/usr/bin/env python3
"""Interrupts flux generate at random times, by Ctrl-C and kill -9, and goes on until the image is there.

    python3 Tools/check/interruptions.py .build/release/flux [COUNT] [MODEL]

Every image must be equal to the byte to the one that is drawn without interruptions, whatever step a signal hits. Samplers, batches
and kinds of signals take turns; the times are random, from a fixed seed. FLUX_HOME is the checkout.
"""
import collections, itertools, os, pathlib, random, signal, subprocess, sys, tempfile, time

program, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
model = sys.argv[3] if len(sys.argv) > 3 else "mini"
os.environ.setdefault("FLUX_HOME", str(pathlib.Path(__file__).resolve().parents[2]))
samplers = ["dpmpp_2m", "unipc", "dpmpp_2s", "heun", "euler_a", "ddim", "euler", "ddpm", "lcm"]
random.seed(1)
hit, lost, images, residue = collections.Counter(), 0, 0, 0


def call(sampler, batch):
    steps = ["--steps", "8" if sampler == "lcm" else "20"]
    return ["generate", "a red apple", "-m", model, "--sampler", sampler, "-b", str(batch), "--save-state-every", "0", "-q",
            *steps]


def run(arguments, folder, after=None, number=None):
    """The exit code of a call that gets a signal after some seconds, and the step that it was at."""
    process = subprocess.Popen([program, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if after is not None:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    errors = process.communicate()[1]
    if process.returncode not in (0, 130, -signal.SIGINT, -signal.SIGKILL):
        sys.exit(f"{arguments}: exit code {process.returncode}: {errors}")
    return process.returncode


with tempfile.TemporaryDirectory() as work:
    for sampler, batch in itertools.cycle(itertools.product(samplers, [1, 2])):
        folder = pathlib.Path(work, f"{images}")
        folder.mkdir()
        begun = time.time()
        run([*call(sampler, batch), "-o", "whole.png"], folder)
        seconds = time.time() - begun
        arguments, ended = [*call(sampler, batch), "-o", "image.png"], False
        while not ended:
            number = random.choice([signal.SIGINT, signal.SIGKILL]) if sum(hit.values()) < count else None
            code = run(arguments, folder, random.uniform(0.1, 1) * seconds if number else None, number)
            ended = code == 0
            parts = list(folder.glob("*.part.safetensors"))
            if not ended:
                hit["Ctrl-C" if number == signal.SIGINT else "kill -9"] += 1
                lost += not parts
            if parts:
                arguments = ["generate", "-q", "--resume", parts[0].name]
        for whole in folder.glob("whole*.png"):
            image = whole.with_name(whole.name.replace("whole", "image"))
            if image.read_bytes() != whole.read_bytes():
                sys.exit(f"{sampler}, {batch} images: {image.name} differs from the one without interruptions")
            images += 1
        if parts:
            sys.exit(f"{parts[0].name} was left behind")
        residue += len(list(folder.glob(".*")))
        if sum(hit.values()) >= count:
            break
print(f"{hit['Ctrl-C']} times Ctrl-C and {hit['kill -9']} times kill -9, {lost} of them before a step was done: all {images} images "
      f"are those without interruptions, to the byte; {residue} temporary files were left by kill -9")
