// Applies the remembered theme before the first paint. Loaded blocking, in <head>.
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
