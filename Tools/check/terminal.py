#!/usr/bin/env python3
"""Runs flux draw in tmux, compares the image on its screen with the file, and records the session.

    .deps/oracle/bin/python Tools/check/terminal.py .build/release/flux [SCREEN.png] [SESSION.cast]

Lines are typed as people type them; the next one follows when the screen shows the prompt again. Every cell of the last image
must have the colors of the file, reduced with Lanczos to two pixels a cell. SCREEN.png is the screen at the end, SESSION.cast the
session for asciinema. Needs tmux, script (util-linux), Pillow and the font DejaVu Sans Mono. FLUX_HOME is the checkout.
"""
import json, os, pathlib, re, shlex, subprocess, sys, tempfile, time

import numpy
from PIL import Image, ImageDraw, ImageFont

program = os.path.abspath(sys.argv[1])
os.environ.setdefault("FLUX_HOME", str(pathlib.Path(__file__).resolve().parents[2]))
columns, rows = 72, 40
lines = ["/steps 12", "a red apple on a blue background", "/i last", "/strength 0.8", "a strawberry", "/quit"]
last = "drawings/0002-42.png"


def tmux(*arguments):
    return subprocess.run(["tmux", "-L", f"flux-{os.getpid()}", "-f", "/dev/null", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def screen():
    """The cells of the screen: a character with the colors in front of and behind it, None for the terminal's own."""
    cells = []
    for line in tmux("capture-pane", "-p", "-e", "-t", "0").split("\n")[:rows]:
        front = back = None
        row = []
        for codes, text in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if text:
                row.append((text, front, back))
                continue
            numbers = [int(code or 0) for code in codes.split(";")]
            while numbers:
                code = numbers.pop(0)
                if code in (38, 48):
                    assert numbers.pop(0) == 2, "a color of a palette: the terminal has 24 bits"
                    color, numbers = tuple(numbers[:3]), numbers[3:]
                    front, back = (color, back) if code == 38 else (front, color)
                elif code in (0, 39, 49):
                    front = None if code in (0, 39) else front
                    back = None if code in (0, 49) else back
        cells.append(row)
    return cells


def wait(is_shown, what):
    """Waits until something is shown; how long this takes says nothing, and only a minute is a failure."""
    for _ in range(1200):
        if is_shown():
            return
        time.sleep(0.05)
    sys.exit(f"{what} was not shown within a minute:\n" + tmux("capture-pane", "-p", "-t", "0"))


def text(cells):
    return ["".join(cell[0] for cell in row).rstrip() for row in cells]


def compare(cells, folder):
    """The largest difference between the image on the screen and the file, and the size of the former in cells."""
    shown = [[cell for cell in row if cell[0] == "▀"] for row in cells]
    ends = [y for y, row in enumerate(shown) if not row]
    bottom = max(y for y, row in enumerate(shown) if row) + 1
    top = max([y for y in ends if y < bottom], default=-1) + 1
    area = shown[top:bottom]
    assert len({len(row) for row in area}) == 1, "rows of different lengths"
    pixels = numpy.array([[cell[part] for cell in row] for row in area for part in (1, 2)], dtype=int)
    image = Image.open(folder / last).convert("RGB").resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.LANCZOS)
    return abs(pixels - numpy.asarray(image, dtype=int)).max(), (len(area[0]), len(area))


def picture(cells, path):
    """The screen as people see it."""
    font = ImageFont.truetype("DejaVuSansMono.ttf", 15)
    width, height = 9, 18
    used = max(y for y, row in enumerate(cells) if any(cell[0] != " " for cell in row)) + 1
    image = Image.new("RGB", (columns * width, used * height), (24, 24, 28))
    pen = ImageDraw.Draw(image)
    for y, row in enumerate(cells[:used]):
        for x, (letter, front, back) in enumerate(row):
            left, upper = x * width, y * height
            if letter == "▀":
                pen.rectangle((left, upper, left + width - 1, upper + height // 2 - 1), fill=front)
                pen.rectangle((left, upper + height // 2, left + width - 1, upper + height - 1), fill=back)
            elif letter != " ":
                pen.text((left, upper), letter, font=font, fill=front or (220, 220, 220))
    image.quantize(64).save(path, optimize=True)


def cast(folder, path):
    """What `script` recorded, as asciinema reads it."""
    data, at, elapsed = (folder / "session").read_bytes(), 0, 0.0
    at = data.index(b"\n") + 1  # its own first line
    events = [{"version": 2, "width": columns, "height": rows, "title": "flux draw"}]
    for line in (folder / "timing").read_text().split("\n"):
        kind, *values = line.split(" ")
        if kind != "O":
            continue
        elapsed += min(float(values[0]), 2)  # nobody waits for somebody who thinks
        events.append([round(elapsed, 3), "o", data[at:at + int(values[1])].decode("utf-8", "replace")])
        at += int(values[1])
    path.write_text("\n".join(json.dumps(event, ensure_ascii=False) for event in events) + "\n")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    environment = {"XDG_STATE_HOME": name, "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8", "FLUX_HOME": os.environ["FLUX_HOME"],
                   "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    command = shlex.join([program, "draw", "-m", "mini", "--preview", "blocks"])
    recorded = shlex.join(["script", "-q", "-e", "-m", "advanced", "-T", "timing", "-O", "session", "-c", command])
    assigned = [part for key, value in environment.items() for part in ("-e", f"{key}={value}")]
    tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", name, *assigned, recorded + "; sleep 600")
    try:
        prompts = lambda: sum(row.startswith("flux> ") or row == "flux>" for row in text(screen()))
        wait(lambda: prompts() == 1, "the prompt")
        for line in lines:
            tmux("send-keys", "-t", "0", "-l", line)
            wait(lambda: any(row == f"flux> {line}" for row in text(screen())), f"the line {line}")
            tmux("send-keys", "-t", "0", "Enter")
            if line == "/quit":
                wait(lambda: "Script done" in (folder / "session").read_text(errors="replace"), "the end")
            else:
                wait(lambda: [row for row in text(screen()) if row][-1] == "flux>", "the next prompt")
        cells = screen()
        difference, (width, height) = compare(cells, folder)
        print(f"{width}×{height} cells of {last} on the screen of {tmux('-V').strip()}: largest difference {difference} of 255")
        if len(sys.argv) > 2:
            picture(cells, sys.argv[2])
        if len(sys.argv) > 3:
            cast(folder, pathlib.Path(sys.argv[3]))
    finally:
        subprocess.run(["tmux", "-L", f"flux-{os.getpid()}", "kill-server"], stderr=subprocess.DEVNULL)
    sys.exit(difference > 2)
