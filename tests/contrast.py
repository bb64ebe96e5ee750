"""Texts of a page that are too faint to read, by WCAG 2.2 AA.

Source: https://www.w3.org/TR/WCAG22/#contrast-minimum
"""

from typing import Any

SCRIPT = r"""() => {
  const changing = document.getAnimations().filter(each => each instanceof CSSTransition);
  changing.forEach(each => each.finish());
  const parts = colour => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    const full = colour.startsWith("color(") ? 255 : 1;
    return [r * full, g * full, b * full, a];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const light = colour => {
    const [r, g, b] = colour.map(each => each / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const above = element => element ? [...above(element.parentElement), element] : [];
  const faint = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
    const shown = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!text || !shown || !element.getClientRects().length) continue;
    const styles = above(element).map(each => getComputedStyle(each));
    const paper = styles.reduce((below, style) => over(parts(style.backgroundColor), below),
                                [255, 255, 255]);
    const { color, fontSize, fontWeight } = styles.at(-1);
    const ink = parts(color);
    ink[3] *= styles.reduce((all, style) => all * style.opacity, 1);
    const [darker, lighter] = [light(over(ink, paper)), light(paper)].sort((a, b) => a - b);
    const ratio = (lighter + 0.05) / (darker + 0.05), size = parseFloat(fontSize);
    const isLarge = size >= 24 || size >= 18.66 && fontWeight >= 700;
    if (ratio < (isLarge ? 3 : 4.5)) faint.set(`${element.tagName} ${element.className}`,
      `${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return Object.fromEntries(faint);
}"""


def too_faint(page: Any) -> dict[str, str]:
    """By element and class, a ratio and its text. Pictures behind a text are not seen."""
    return page.evaluate(SCRIPT)
