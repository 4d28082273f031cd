// The list of changes: filters apply at once, arrow keys walk the rows,
// and rows are ticked to act on many at once.
(() => {
  // A link of the list (remove a filter, sort, another view) says what to show: a search that is
  // still on its way, or about to go, must not come after it with the filters of before.
  let leading = false;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const from = event.detail.elt;
    const form = document.getElementById("filters");
    if (from === form) {
      if (leading) event.preventDefault();
    } else if (form && from.closest("#list") && !from.classList.contains("list-menu-body")) {
      leading = true;
      window.htmx.trigger(form, "htmx:abort");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const from = event.detail.elt;
    if (from.id !== "filters" && !from.classList.contains("list-menu-body")) leading = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const row = event.target.closest?.(".change-rows > tr");
    if (!row) return;
    const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    if (!other) return;
    event.preventDefault();
    other.querySelector("th > a").focus();
  });

  // --- Rows that are ticked -----------------------------------------------------------------
  const BOXES = '#many input[type="checkbox"]:is([name="change"], [name="row"])';
  const boxes = () => [...document.querySelectorAll(BOXES)];
  let last = null;

  // A change that a page lists twice has two boxes, which are one choice.
  const distinct = (some) => new Set(some.map((box) => box.value)).size;

  function count() {
    const all = boxes();
    const ticked = distinct(all.filter((box) => box.checked));
    for (const place of document.querySelectorAll("[data-many-count]"))
      place.textContent = place.dataset.manyCount.replace("%d", ticked);
    for (const every of document.querySelectorAll("[data-many-all]")) {
      every.hidden = false;
      every.checked = ticked > 0 && ticked === distinct(all);
      every.indeterminate = ticked > 0 && ticked < distinct(all);
    }
  }

  // From the box that was pressed before to this one, all become what this one is now.
  function range(box) {
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
    if (from >= 0) for (const between of all.slice(from, to + 1)) between.checked = box.checked;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-many-every]")) {
      for (const box of boxes()) box.checked = true;
      count();
    }
    if (!event.target.matches?.(BOXES)) return;
    if (event.shiftKey) range(event.target);
    last = event.target;
    count();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-many-all]"))
      for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches?.(BOXES))
      for (const twin of boxes())
        if (twin.value === event.target.value) twin.checked = event.target.checked;
    if (event.target.closest?.("#many")) count();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "x" && event.key !== "X") return;
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.matches?.(".change-rows > tr > th > a")) return;
    const box = event.target.closest(".change-rows > tr").querySelector("input");
    if (!box) return;
    event.preventDefault();
    box.checked = !box.checked;
    if (event.shiftKey) range(box);
    last = box;
    count();
  });
  document.addEventListener("reset", (event) => {
    if (event.target.id === "many") window.setTimeout(count);
  });
  document.addEventListener("htmx:afterSettle", count);
  window.addEventListener("pageshow", count);
  count();
})();
