"""What one short look at a page makes certain, so that axe need not try it at length.

A rule of axe costs as much on a page on which it has nothing to find. Whether links are told from
text, targets have their 24 px or that much room, and texts have known colours, is seen from
styles and places alone where it is plain. Each of these looks is stricter than axe's rule: where
one of them is not satisfied, the rule itself decides.
"""

CERTAIN = """;(() => {
  const LEAST = 24;
  const SLACK = 4;  // lines of text reach a little into each other
  const TARGETS = `a[href], area, button, input, select, textarea, summary,
    [tabindex][role]:not([role=region], [role=group], [role=dialog], [role=status])`;
  const BLOCKS = "block list-item table flex grid inline-block".split(" ");
  const DISTINCT = ["textDecorationLine", "fontWeight", "fontStyle", "fontSize"];
  const is_block = ({ display }) => BLOCKS.includes(display) || display.startsWith("table-");
  // Cut off for all but those who listen.
  const is_cut_off = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const { position, clip, clipPath } = getComputedStyle(one);
      const is_cut = clip === "rect(0px, 0px, 0px, 0px)" || clipPath === "inset(50%)";
      if (is_cut && ["absolute", "fixed"].includes(position)) return true;
    }
    return false;
  };
  const is_aside = (element) => {
    const { right, bottom } = element.getBoundingClientRect();
    return right + window.scrollX <= 0 || bottom + window.scrollY <= 0;
  };
  globalThis.isOnPage = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && !is_aside(element) && !is_cut_off(element);

  const is_told_from_text = (link) => {
    const style = getComputedStyle(link);
    if (is_block(style)) return true;
    let block = link.parentElement;
    while (block.parentElement && !is_block(getComputedStyle(block))) block = block.parentElement;
    const text = getComputedStyle(block);
    if (DISTINCT.some((property) => style[property] !== text[property])) return true;
    const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { data, parentElement } = texts.currentNode;
      if (data.trim() !== "" && !parentElement.closest("a[href]")) return false;
    }
    return true;
  };
  const are_links_told = () => [...document.querySelectorAll("a[href]")].every(
    (link) => is_told_from_text(link) || !isOnPage(link));

  const have_targets_room = () => {
    // Axe minds nothing else that lies over a target: only what can be pressed instead of it.
    const all = [];
    for (const element of document.body.querySelectorAll(TARGETS)) {
      if (!element.checkVisibility({ visibilityProperty: true })) continue;
      const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
      if (width === 0 || height === 0) continue;
      const least = Math.min(width, height);
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      all.push({ element, left, right, top, bottom, x, y, least });
    }
    const targets = all.filter(({ element }) => !is_cut_off(element));
    const is_part = (one, other) =>
      one.element.contains(other.element) || other.element.contains(one.element);
    const reaches_into = (one, other, slack) =>
      Math.min(one.right, other.right) - Math.max(one.left, other.left) > slack
      && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > slack
      && (one.left < other.left || one.right > other.right
        || one.top < other.top || one.bottom > other.bottom);
    // Not what all of it lies in: either that is behind, or axe minds no target that is covered.
    const covers = (one, other, slack) => {
      if (is_part(one, other) || !reaches_into(one, other, slack)) return false;
      const { display, pointerEvents } = getComputedStyle(other.element);
      return pointerEvents !== "none" && (display !== "inline"
        || [...other.element.getClientRects()].some((line) => reaches_into(one, line, slack)));
    };
    const has_size = (one) => one.least >= LEAST + 2 * SLACK
      || (one.least >= LEAST && !all.some((other) => covers(one, other, 0)));
    const to = (from, least, most) => Math.max(least - from, 0, from - most);
    const is_near = (one, other) =>
      Math.hypot(to(one.x, other.left, other.right), to(one.y, other.top, other.bottom))
        < LEAST / 2 + SLACK
      || (other.least < LEAST + 2 * SLACK
        && Math.hypot(one.x - other.x, one.y - other.y) < LEAST + SLACK);
    return targets.every((one) => !all.some((other) => covers(one, other, SLACK))
      && (has_size(one) || targets.every((other) => other === one || !is_near(one, other))));
  };
  globalThis.certainRules = (asked) => {
    const looks = {
      "link-in-text-block": are_links_told,
      "target-size": have_targets_room,
      "color-contrast": areColoursKnown,
    };
    return asked.filter((rule) => looks[rule]());
  };
})()"""
