// The order of an agenda by pointer and keyboard; printing a version. The arrows work without.
(() => {
  const list = () => document.querySelector("[data-order]");
  const movable = () => [...(list()?.querySelectorAll("[data-movable]") ?? [])];
  let refocus = null;
  let undo = null;

  function prepare() {
    for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
  }

  // --- Sending the order ---------------------------------------------------------------
  function send(moved) {
    const form = document.querySelector("form[data-reorder]");
    const fields = { order: movable().map((row) => row.dataset.item).join(","), moved };
    for (const [name, value] of Object.entries(fields)) {
      const field = form.querySelector(`[name="${name}"]`) || document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      form.append(field);
    }
    form.requestSubmit();
  }

  // htmx does not send the button that stands outside of the form it submits.
  document.addEventListener("htmx:configRequest", (event) => {
    const button = event.detail.triggeringEvent?.submitter;
    if (!event.target.matches?.("[data-reorder]") || !button?.name) return;
    event.detail.parameters[button.name] = button.value;
  });

  // --- Alt and an arrow key on an item -------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const row = event.target.closest?.("[data-movable]");
    if (!row) return;
    event.preventDefault();
    const step = event.key === "ArrowUp" ? "up" : "down";
    const button = row.querySelector(`button[name="${step}"]`);
    if (button.disabled) return;
    refocus = { item: row.dataset.item, selector: ".agenda-link" };
    button.form.requestSubmit(button);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".agenda-move");
    if (button) refocus = { item: button.value, selector: `button[name="${button.name}"]` };
    if (event.target.closest("[data-print]")) window.print();
  });

  // --- Dragging by the grip --------------------------------------------------------------
  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    const row = grip.closest("[data-movable]");
    const before = [...list().children];
    row.classList.add("is-dragged");
    grip.setPointerCapture(event.pointerId);

    // The others make room: a row that leaves the page for a moment would lose the pointer.
    const move = (at) => {
      const middle = (other) => {
        const box = other.getBoundingClientRect();
        return box.top + box.height / 2;
      };
      const rows = movable();
      const place = rows.indexOf(row);
      for (const other of rows.slice(place + 1)) if (at.clientY > middle(other)) row.before(other);
      for (const other of rows.slice(0, place).reverse()) if (at.clientY < middle(other)) row.after(other);
    };
    const end = (at) => {
      grip.removeEventListener("pointermove", move);
      grip.removeEventListener("pointerup", end);
      grip.removeEventListener("pointercancel", end);
      row.classList.remove("is-dragged");
      if (at.type === "pointercancel") list().append(...before);
      else if ([...list().children].some((one, place) => one !== before[place])) {
        undo = before;
        send(row.dataset.item);
      }
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end);
    grip.addEventListener("pointercancel", end);
  });

  // --- What was refused goes back to where it was --------------------------------------------
  for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, (event) => {
      if (!event.target.matches?.("[data-reorder]")) return;
      for (const field of event.target.querySelectorAll("[name=order], [name=moved]")) field.remove();
      if (undo) list()?.append(...undo);
      undo = refocus = null;
    });
  }

  document.addEventListener("htmx:afterSettle", () => {
    prepare();
    undo = null;
    if (!refocus) return;
    const row = list()?.querySelector(`[data-item="${refocus.item}"]`);
    const wanted = row?.querySelector(refocus.selector);
    (wanted?.disabled ? row.querySelector(".agenda-link") : wanted)?.focus();
    refocus = null;
  });
  prepare();
})();
