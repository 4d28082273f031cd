// Keyboard shortcuts: single letters that do nothing while somebody types, and can be switched off.
(() => {
  const help = document.getElementById("keys-dialog");
  if (!help) return;
  const LINKS = ".change-rows > tr > th > a, .work-name";
  const OFF = "keys-off";
  const LIST = "keys-list";
  const switched = help.querySelector("[data-keys-on]");

  // Where the browser keeps nothing, shortcuts work and no list is remembered.
  function kept(store, name) {
    try {
      return store.getItem(name);
    } catch {
      return null;
    }
  }
  function keep(store, name, value) {
    try {
      store.setItem(name, value);
    } catch {
      // Nothing is kept in this browser.
    }
  }

  switched.checked = kept(localStorage, OFF) !== "yes";
  switched.addEventListener("change", () => keep(localStorage, OFF, switched.checked ? "no" : "yes"));

  function open() {
    if (!help.open) help.showModal();
  }
  for (const button of document.querySelectorAll("[data-keys-open]")) button.addEventListener("click", open);

  // The list that a change was opened from, in its order.
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.(LINKS)) return;
    const links = [...document.querySelectorAll(LINKS)].map((link) => link.pathname);
    keep(sessionStorage, LIST, JSON.stringify([...new Set(links)]));
  });
  function beside(by) {
    const links = [...document.querySelectorAll(LINKS)];
    if (links.length) {
      const at = links.indexOf(document.activeElement);
      links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by]?.focus();
      return;
    }
    const order = JSON.parse(kept(sessionStorage, LIST) || "[]");
    const at = order.findIndex((path) => window.location.pathname.startsWith(path));
    const next = at < 0 ? null : order[at + by];
    if (next) window.location.assign(next);
  }

  function focus(selector) {
    const found = [...document.querySelectorAll(selector)].find((one) => one.offsetParent !== null);
    found?.scrollIntoView({ block: "center" });
    found?.focus();
  }
  const follow = (selector) => document.querySelector(selector)?.click();
  const ACTS = {
    "?": open,
    "/": () => focus("#list-q, #app-search"),
    n: () => follow(".app-new"),
    j: () => beside(1),
    k: () => beside(-1),
    c: () => focus("#comment-form textarea"),
    m: () => follow(".next-actions a.btn-primary"),
    o: () => follow("[data-onward]"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.isComposing || document.querySelector("dialog[open], .modal.show")) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], [role=combobox]")) return;
    if (!switched.checked && event.key !== "?") return;
    const act = ACTS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
