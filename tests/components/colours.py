"""Text of one colour, size and weight on one ground is tried for its contrast once a run.

Finding out what lies behind a text is most of what it costs to look at a page, and a list shows
the same few kinds of text in a thousand places, on each page, at each width. What was measured
and found good is not measured again where everything is the same: the text's own look, and each
ground, image and transparency behind it, up to the page. Text that something laid over another
holds is always measured, for nobody knows what lies behind it. What is bad is found each time.
"""

GOOD_COLOURS: set[str] = set()
"""The kinds of text that this process has measured and found good."""

TRY_COLOURS_ONCE = """;(() => {
  const rule = axe._audit.rules.find(({ id }) => id === "color-contrast");
  const check = axe._audit.checks["color-contrast"];
  const { matches } = rule;
  const measure = check.evaluate;
  let known, found, grounds;
  const ground = (element) => {
    if (!element) return "";
    if (grounds.has(element)) return grounds.get(element);
    const style = getComputedStyle(element);
    let kind = ground(element.parentElement);
    const is_laid_over = style.position !== "static" && style.position !== "relative";
    const { backgroundColor, backgroundImage, opacity, filter, mixBlendMode } = style;
    if (is_laid_over || backgroundImage !== "none" || style.transform !== "none") kind = null;
    const own = `${backgroundColor} ${opacity} ${filter} ${mixBlendMode}`;
    if (kind !== null && own !== "rgba(0, 0, 0, 0) 1 none normal") kind += `/${own}`;
    grounds.set(element, kind);
    return kind;
  };
  const kind_of = (element) => {
    const behind = ground(element);
    if (behind === null) return null;
    const style = getComputedStyle(element);
    const { color, fontSize, fontWeight, textShadow, webkitTextStroke } = style;
    return `${color} ${fontSize} ${fontWeight} ${textShadow} ${webkitTextStroke} on ${behind}`;
  };
  const is_text = ({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim() !== "";
  const has_text = (element) =>
    element.matches("input, select, textarea") || [...element.childNodes].some(is_text);
  // What axe would find out at length: an element without text, or one that is known as good.
  rule.matches = function (element, ...rest) {
    if (!has_text(element) || known.has(kind_of(element))) return false;
    return matches.call(this, element, ...rest);
  };
  check.evaluate = function (element, ...rest) {
    const kind = kind_of(element);
    if (kind !== null && known.has(kind)) return true;
    let was_measured = false;
    const told = Object.create(this, {
      data: { value: (data) => { was_measured = Boolean(data?.contrastRatio); this.data(data); } },
    });
    const is_good = measure.call(told, element, ...rest);
    if (is_good && was_measured && kind !== null) { known.add(kind); found.add(kind); }
    return is_good;
  };
  globalThis.triedColours = (before) => {
    known = new Set(before);
    found = new Set();
    grounds = new WeakMap();
    return found;
  };
})()"""
