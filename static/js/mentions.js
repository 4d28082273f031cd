// Naming people in a comment: after an at sign, the server offers whom the name may mean.
(() => {
  const WAIT = 200; // milliseconds of quiet before the server is asked
  const STARTED = /(?:^|[^\w@.+/-])@([^\s@][^\n@]{0,60})$/u;
  let asked = null;
  let waiting = 0;

  const boxOf = (field) => field.closest?.("[data-mentions]");
  const listOf = (box) => box.querySelector("[role=listbox]");
  const optionsOf = (list) => [...list.querySelectorAll("[role=option]")];
  const before = (field) => field.value.slice(0, field.selectionStart);

  function close(box) {
    clearTimeout(waiting);
    asked?.abort();
    asked = null;
    const field = box.querySelector("textarea");
    listOf(box).hidden = true;
    listOf(box).replaceChildren();
    field.removeAttribute("aria-activedescendant");
    field.removeAttribute("aria-controls");
  }

  function mark(box, option) {
    const field = box.querySelector("textarea");
    for (const one of optionsOf(listOf(box))) one.setAttribute("aria-selected", String(one === option));
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  async function offer(box, field, typed) {
    const address = new URL(box.dataset.mentions, location.href);
    const audience = field.form.querySelector("[name=audience]:checked");
    address.searchParams.set("text", typed);
    if (audience) address.searchParams.set("audience", audience.value);
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const answer = await fetch(address, { signal, headers: { "HX-Request": "true" } });
      if (!answer.ok || answer.redirected) return;
      const html = await answer.text();
      if (signal.aborted || STARTED.exec(before(field))?.[1] !== typed) return;
      const list = listOf(box);
      list.innerHTML = html;
      const first = optionsOf(list)[0];
      list.hidden = !first;
      list.dataset.answers = typed;
      if (!first) return;
      field.setAttribute("aria-controls", list.id);
      mark(box, first);
    } catch {
      // No list is offered where the server cannot be asked; the name is typed in full.
    }
  }

  function choose(box, option) {
    const field = box.querySelector("textarea");
    const started = STARTED.exec(before(field));
    // Elsewhere in the text by now: what stands there is not what the list answers.
    if (started && started[1] === listOf(box).dataset.answers) {
      const from = field.selectionStart - started[1].length;
      field.setRangeText(`${option.dataset.value} `, from, field.selectionStart, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    close(box);
    field.focus();
  }

  document.addEventListener("input", (event) => {
    const box = event.target.matches?.("textarea") && boxOf(event.target);
    if (!box) return;
    const typed = STARTED.exec(before(event.target))?.[1];
    close(box);
    if (typed && !typed.endsWith("  ")) {
      waiting = setTimeout(() => offer(box, event.target, typed), WAIT);
    }
  });

  // Before others hear of the key: Ctrl+Enter sends, Enter and Tab take what is marked.
  document.addEventListener(
    "keydown",
    (event) => {
      const box = event.target.matches?.("textarea") && boxOf(event.target);
      if (!box || listOf(box).hidden || event.isComposing || event.ctrlKey || event.metaKey) return;
      if (STARTED.exec(before(event.target))?.[1] !== listOf(box).dataset.answers) {
        close(box);
        return;
      }
      const options = optionsOf(listOf(box));
      const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
      if (event.key === "ArrowDown") mark(box, options[(at + 1) % options.length]);
      else if (event.key === "ArrowUp") mark(box, options[at > 0 ? at - 1 : options.length - 1]);
      else if (event.key === "Escape") close(box);
      else if (["Enter", "Tab"].includes(event.key) && !event.shiftKey) choose(box, options[at]);
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("textarea") && boxOf(event.target)) {
      event.target.setAttribute("aria-autocomplete", "list");
    }
  });
  document.addEventListener("reset", (event) => {
    const box = event.target.querySelector?.("[data-mentions]");
    if (box) close(box);
  });
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[data-mentions] [role=listbox]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const option = event.target.closest?.("[data-mentions] [role=option]");
    if (option) choose(boxOf(option), option);
  });
  document.addEventListener("focusout", (event) => {
    const box = event.target.matches?.("textarea") && boxOf(event.target);
    if (box) close(box);
  });
})();
