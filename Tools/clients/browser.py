"""Starts Chromium (Debian's package `chromium`) for Playwright."""

import os
import shutil


def launch(playwright):
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        raise RuntimeError("Chromium is needed: apt-get install chromium, or CHROMIUM=PROGRAM")
    # Chromium has no sandbox for root; a busy machine may take long to start it.
    return playwright.chromium.launch(
        executable_path=program, args=["--no-sandbox"] if os.getuid() == 0 else [], timeout=120_000)
