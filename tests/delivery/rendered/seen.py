"""What can be told of a page that was rendered: the contrast of its texts, and whether it all fits."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3."""

# Of every text on screen: its colour over all grounds behind it, and where it stands.
_TEXTS = """
(root) => {
  const channels = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return found.length < 4 ? [...found, 1] : found;
  };
  const over = (top, below) =>
    top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const behind = [];
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      behind.push(colour);
      if (colour[3] === 1) break;
    }
    return behind.reverse().reduce((below, colour) => over(colour, below), [255, 255, 255]);
  };
  const walker = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const range = document.createRange();
    range.selectNodeContents(node);
    const place = range.getBoundingClientRect();
    const style = getComputedStyle(node.parentElement);
    if (!node.textContent.trim() || !place.width || !place.height || style.display === "none") continue;
    const below = ground(node.parentElement);
    const shades = [light(over(channels(style.color), below)), light(below)];
    const [brighter, darker] = shades.sort((a, b) => b - a);
    texts.push({
      text: node.textContent.trim().replaceAll("\\u200b", ""),
      contrast: (brighter + 0.05) / (darker + 0.05),
      left: place.left, right: place.right, top: place.top, bottom: place.bottom,
      lines: Array.from(
        range.getClientRects(), ({left, right, top, bottom}) => [left, right, top, bottom]),
    });
  }
  return texts;
}
"""


@dataclass(frozen=True)
class SeenText:
    text: str
    contrast: float
    left: float
    right: float
    top: float
    bottom: float
    lines: list[tuple[float, float, float, float]]
    """Left, right, top and bottom of each line."""


def texts(page: Page, root: str) -> list[SeenText]:
    return [SeenText(**each) for each in page.evaluate(_TEXTS, root)]


def top_of(seen: list[SeenText], text: str) -> float:
    return next(each.top for each in seen if each.text == text)


def assert_readable(page: Page, root: str) -> list[SeenText]:
    """Every text can be read, and none stands outside of the page."""
    seen = texts(page, root)
    faint = [
        (each.text, round(each.contrast, 2)) for each in seen if each.contrast < LEAST_CONTRAST
    ]
    assert not faint, faint
    width = page.viewport_size["width"] if page.viewport_size else 0
    outside = [(each.text, each.left, each.right) for each in seen if each.right > width + 1]
    assert not outside, outside
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    over = [
        (one.text, other.text)
        for place, one in enumerate(seen)
        for other in seen[place + 1 :]
        if _overlap(one, other)
    ]
    assert not over, over
    return seen


def _overlap(one: SeenText, other: SeenText) -> bool:
    """Whether a line of one stands over a line of the other, by more than letters reach out."""
    if other.top > one.bottom or one.top > other.bottom:
        return False
    return any(
        min(right, right2) - max(left, left2) > 2 and min(bottom, bottom2) - max(top, top2) > 6
        for left, right, top, bottom in one.lines
        for left2, right2, top2, bottom2 in other.lines
    )
