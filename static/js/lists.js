// The list of changes: filters apply at once, menus close by themselves, arrow keys walk the rows.
(() => {
  document.documentElement.classList.add("scripted");
  const menus = () => document.querySelectorAll(".list-menu[open]");

  // On a phone the filters start closed unless one is on.
  if (window.matchMedia("(max-width: 767.98px)").matches) {
    for (const more of document.querySelectorAll(".list-more:not([data-open])")) more.open = false;
  }

  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of menus()) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const row = event.target.closest?.(".change-row");
    if (!row) return;
    const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    if (!other) return;
    event.preventDefault();
    other.querySelector(".change-link").focus();
  });
})();
