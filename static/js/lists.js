// The list of changes: filters apply at once, menus close by themselves, arrow keys walk the rows.
(() => {
  const menus = () => document.querySelectorAll(".list-menu[open]");

  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });

  // A link of the list (remove a filter, sort, another view) says what to show: a search that is
  // still on its way, or about to go, must not come after it with the filters of before.
  let leading = false;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const from = event.detail.elt;
    const form = document.getElementById("filters");
    if (from === form) {
      if (leading) event.preventDefault();
    } else if (form && from.closest("#list") && !from.closest(".list-menu")) {
      leading = true;
      window.htmx.trigger(form, "htmx:abort");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const from = event.detail.elt;
    if (from.id !== "filters" && !from.classList.contains("list-menu-body")) leading = false;
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
    other.querySelector("th > a").focus();
  });
})();
