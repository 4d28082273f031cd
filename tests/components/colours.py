"""Text of one colour, size and weight on one ground is tried for its contrast once a run.

Finding out what lies behind a text is most of what it costs to look at a page, and a list shows
the same few kinds of text in a thousand places, on each page, at each width. Plain text on plain
colours is good where the two have the contrast that any text needs, and a little more; axe tries
all other kinds. What was found good is not tried again where everything is the same: the
text's own look, and each ground, image and transparency behind it, up to the page or to what lets
nothing through. Text in something see-through that is laid over another is always measured, for
nobody knows what lies behind it; text on an image or a gradient is tried once, for axe says of none
that it is wrong. What is bad is found each time.
"""

GOOD_COLOURS: set[str] = set()
"""The kinds of text that this process has found good, or unmeasurable on an image or gradient."""

TRY_COLOURS_ONCE = r""";(() => {
  const rule = axe._audit.rules.find(({ id }) => id === "color-contrast");
  const check = axe._audit.checks["color-contrast"];
  const { matches } = rule;
  const measure = check.evaluate;
  const UPSIDE_DOWN = "matrix(-1, 0, 0, -1, 0, 0)";
  const UNMEASURABLE = ["bgImage", "bgGradient"];
  const NEVER_TRIED = `option, script, style, template, :disabled, [type=hidden], [type=checkbox],
    [type=radio], [type=range], [type=color], [type=image]`;
  const LEAST = 4.6;  // a little more than axe asks of any text
  const PLAIN = /^[a-z]+\([^()]*\)$/;
  const THIN = /^([a-z]+\([^()]*\)) 1 none normal$/;
  const BETWEEN = /(?<! )\/(?! )/;
  const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  let known, found, weak, grounds, mixed;
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
  // How light a dot is on which these were painted one after another; the first is opaque.
  const lightness = (colours) => {
    for (const one of colours) {
      dot.fillStyle = one;
      dot.fillRect(0, 0, 1, 1);
    }
    const [red, green, blue] = [...dot.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  // Plain text on plain colours has the contrast of the two, without a look at what lies where.
  const stands_out = (element) => {
    const { color, textShadow, webkitTextStrokeWidth } = getComputedStyle(element);
    const [nothing, first, ...others] = ground(element).split(BETWEEN);
    const layers = [first, ...others.map((one) => THIN.exec(one)?.[1])];
    const is_plain = nothing === "" && textShadow === "none" && webkitTextStrokeWidth === "0px"
      && [...layers, color].every((one) => PLAIN.test(one) && CSS.supports("color", one));
    if (!is_plain) return false;
    const [text, behind] = [lightness([...layers, color]), lightness(layers)];
    return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05) >= LEAST;
  };
  const is_good = (element) => {
    const kind = kind_of(element);
    if (kind === null || weak.has(kind)) return false;
    if (known.has(kind)) return true;
    if (!stands_out(element)) {
      weak.add(kind);
      return false;
    }
    known.add(kind);
    found.add(kind);
    return true;
  };
  const is_text = ({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim() !== "";
  const has_text = (element) =>
    element.matches("input, select, textarea") || [...element.childNodes].some(is_text);
  // What axe would find out at length: an element without text, or one that is known as good.
  rule.matches = function (element, ...rest) {
    if (!has_text(element) || is_good(element)) return false;
    return matches.call(this, element, ...rest);
  };
  check.evaluate = function (element, ...rest) {
    if (is_good(element)) return true;
    const kind = kind_of(element);
    let measured;
    const told = Object.create(this, {
      data: { value: (data) => { measured = data; this.data(data); } },
    });
    const has_contrast = measure.call(told, element, ...rest);
    const { contrastRatio, messageKey } = measured ?? {};
    const is_known = has_contrast ? contrastRatio : UNMEASURABLE.includes(messageKey);
    if (is_known && kind !== null) {
      known.add(kind);
      found.add(kind);
      weak.delete(kind);
    }
    return has_contrast;
  };
  globalThis.triedColours = (before) => {
    known = new Set(before);
    found = new Set();
    weak = new Set();
    grounds = new WeakMap();
    mixed = new WeakSet();
    return found;
  };
  globalThis.areColoursKnown = () =>
    [...document.body.querySelectorAll("*")].every((element) => !has_text(element)
      || element.matches(NEVER_TRIED) || is_good(element) || !isOnPage(element));
})()"""
