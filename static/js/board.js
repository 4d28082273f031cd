// The meeting: on a phone the agenda starts folded, so that the item comes first.
(() => {
  const phone = window.matchMedia("(max-width: 991.98px)");
  const fold = (root) => {
    if (!phone.matches) return;
    for (const part of root.querySelectorAll("[data-fold-on-phone]")) part.open = false;
  };
  fold(document);
  document.addEventListener("htmx:afterSwap", () => fold(document));
})();
