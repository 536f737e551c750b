"""Draws with the page and keeps what a browser shows: screenshot.py FILE.jpg"""

import sys

from playwright.sync_api import expect, sync_playwright

from browser import launch
from server import Server

PROMPTS = [
    ("a green turtle on a yellow background", "3"), ("three red mushrooms on a white background", "5"),
    ("a blue fish above an orange cat", "2"), ("a red car left of a yellow star", "4"),
]


def main(file):
    with Server(environment={"FLUX_MODEL": "midi"}) as server, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.address)
        for count, (prompt, seed) in enumerate(PROMPTS, 1):
            page.fill("#prompt", prompt)
            page.fill("#seed", seed)
            page.click("button[type=submit]")
            expect(page.locator("#gallery button")).to_have_count(count, timeout=120_000)
            expect(page.locator("#cancel")).to_be_disabled()
        page.locator("#prompt").blur()
        page.screenshot(path=file, quality=85)
        browser.close()


main(sys.argv[1])
