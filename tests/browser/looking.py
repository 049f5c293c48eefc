"""Checks that the tests of all pages share."""

from __future__ import annotations

from playwright.sync_api import Page

OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (each) => each.closest(".scroller, .unseen, .skip, .shapes, .cards thead, .plot");
  const wide = [...document.querySelectorAll("body *")]
    .filter((each) => !scrolls(each.parentElement) && each.getBoundingClientRect().right > width + 0.5)
    .map((each) => each.tagName + "." + each.className + " " + each.textContent.slice(0, 40));
  return document.documentElement.scrollWidth > width ? ["the page itself", ...wide] : wide;
}"""

# WCAG 2.2, relative luminance and contrast ratio: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
LOW_CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const v = c / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const each of document.querySelectorAll("body *")) {
    const says = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!says || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(each.tagName)) continue;
    const pair = [rgb(getComputedStyle(each).color), ground(each)].map(luminance).sort();
    const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (ratio < 4.5) low.push(ratio.toFixed(2) + " " + each.className + " " + each.textContent.slice(0, 40));
  }
  return low;
}"""


def charts(page: Page) -> int:
    """How many charts are drawn after all of them were requested."""
    page.evaluate("Charts.ensureAll()")
    return page.locator(".plot canvas").count()
