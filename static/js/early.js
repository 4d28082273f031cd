// What has to be so before the first paint, or the page would jump: the remembered theme, and what
// starts folded or hidden. Loaded blocking, in <head>.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try {
      return window.localStorage.getItem("theme") || "auto";
    } catch {
      return "auto";
    }
  };
  const apply = () => {
    const choice = stored();
    const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    root.setAttribute("data-bs-theme", theme);
    root.dataset.themeChoice = choice;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      if (button === root) continue;
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
    document.dispatchEvent(new CustomEvent("theme:change", { detail: theme }));
  };

  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", (event) => event.key === "theme" && apply());
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-theme-choice]");
    if (!button) return;
    try {
      window.localStorage.setItem("theme", button.dataset.themeChoice);
    } catch {
      return; // Storage is refused: the system's theme stays.
    }
    apply();
  });
})();

(() => {
  document.documentElement.classList.add("scripted");
  const phone = window.matchMedia("(max-width: 767.98px)");
  const narrow = window.matchMedia("(max-width: 991.98px)");

  // <details data-fold-on="phone"> (or "narrow"), unless it is [data-open]; <div data-asked-for>
  // stands open where no script can open it.
  function prepare(elements) {
    for (const one of elements) {
      if (one.matches(":not([data-fold-on], [data-asked-for]), [data-open]")) continue;
      if ("askedFor" in one.dataset) one.hidden = true;
      else if ((one.dataset.foldOn === "phone" ? phone : narrow).matches) one.open = false;
    }
  }

  // While the page is read, element by element; afterwards whatever htmx brings.
  const take = (changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    prepare(added.filter((node) => node.nodeType === Node.ELEMENT_NODE));
  };
  const reading = new MutationObserver(take);
  reading.observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => {
    take(reading.takeRecords());
    reading.disconnect();
    document.addEventListener("htmx:load", ({ target }) => {
      if (target !== document.body) prepare([target, ...target.querySelectorAll("*")]);
    });
  });
})();
