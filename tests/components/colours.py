"""Text of one colour, size and weight on one ground is tried for its contrast once a run.

Finding out what lies behind a text is most of what it costs to look at a page, and a list shows
the same few kinds of text in a thousand places, on each page, at each width. What was measured
and found good is not measured again where everything is the same: the text's own look, and each
ground, image and transparency behind it, up to the page or to what lets nothing through. Text in
something see-through that is laid over another is always measured, for nobody knows what lies
behind it; text on an image or a gradient is tried once, for axe says of none that it is wrong.
What is bad is found each time.
"""

GOOD_COLOURS: set[str] = set()
"""The kinds of text that this process has found good, or unmeasurable on an image or gradient."""

TRY_COLOURS_ONCE = """;(() => {
  const rule = axe._audit.rules.find(({ id }) => id === "color-contrast");
  const check = axe._audit.checks["color-contrast"];
  const { matches } = rule;
  const measure = check.evaluate;
  const UPSIDE_DOWN = "matrix(-1, 0, 0, -1, 0, 0)";
  const UNMEASURABLE = ["bgImage", "bgGradient"];
  const NEVER_TRIED = `option, script, style, template, :disabled, [type=hidden], [type=checkbox],
    [type=radio], [type=range], [type=color], [type=image]`;
  let known, found, grounds, mixed;
  const is_opaque = (colour) => !colour.startsWith("rgba(") && !colour.includes("/");
  const ground = (element) => {
    if (!element) return "";
    if (grounds.has(element)) return grounds.get(element);
    const style = getComputedStyle(element);
    const { position, backgroundColor, backgroundImage, opacity, filter, mixBlendMode } = style;
    const is_mixed = opacity !== "1" || filter !== "none" || mixBlendMode !== "normal";
    let kind = ground(element.parentElement);
    if (!["none", UPSIDE_DOWN].includes(style.transform)) kind = null;
    else if (backgroundImage === "none" && is_opaque(backgroundColor) && !is_mixed
        && !mixed.has(element.parentElement)) kind = `/${backgroundColor}`;
    else {
      const { backgroundPosition, backgroundSize, backgroundRepeat } = style;
      const image = backgroundImage === "none" ? ""
        : ` ${backgroundImage} ${backgroundPosition} ${backgroundSize} ${backgroundRepeat}`;
      const own = `${backgroundColor} ${opacity} ${filter} ${mixBlendMode}${image}`;
      if (position !== "static" && position !== "relative") kind = null;
      if (kind !== null && own !== "rgba(0, 0, 0, 0) 1 none normal") kind += `/${own}`;
    }
    if (is_mixed || mixed.has(element.parentElement)) mixed.add(element);
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
    let measured;
    const told = Object.create(this, {
      data: { value: (data) => { measured = data; this.data(data); } },
    });
    const is_good = measure.call(told, element, ...rest);
    const { contrastRatio, messageKey } = measured ?? {};
    const is_known = is_good ? contrastRatio : UNMEASURABLE.includes(messageKey);
    if (is_known && kind !== null) { known.add(kind); found.add(kind); }
    return is_good;
  };
  globalThis.triedColours = (before) => {
    known = new Set(before);
    found = new Set();
    grounds = new WeakMap();
    mixed = new WeakSet();
    return found;
  };
  globalThis.areColoursKnown = () =>
    [...document.body.querySelectorAll("*")].every((element) => !has_text(element)
      || element.matches(NEVER_TRIED) || known.has(kind_of(element)) || !isOnPage(element));
})()"""
