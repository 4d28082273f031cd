// Writing: lists that offer while one types, files that are too large, comments, quick keys.
(() => {
  // --- Combobox: the list is drawn by the server, the keys are handled here ---------------
  const boxOf = (element) => element.closest?.("[data-combobox]");
  const partsOf = (box) => ({
    input: box.querySelector("[role=combobox]"),
    list: box.querySelector("[role=listbox]"),
  });
  const optionsOf = (list) => [...list.querySelectorAll("[role=option]:not([aria-disabled])")];

  function open(box, yes) {
    const { input, list } = partsOf(box);
    const shown = yes && list.childElementCount > 0;
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) mark(box, null);
  }

  function mark(box, option) {
    const { input, list } = partsOf(box);
    for (const one of optionsOf(list)) one.setAttribute("aria-selected", String(one === option));
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function choose(box, option) {
    const { input } = partsOf(box);
    input.dataset.chosen = input.value = option.dataset.value;
    open(box, false);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new CustomEvent("combobox:chosen", { bubbles: true, detail: option.dataset }));
  }

  // What is offered may still answer an earlier text than the one that stands there by now.
  const isCurrent = ({ input, list }) => list.dataset.answers === input.value;

  document.addEventListener("keydown", (event) => {
    const box = event.target.matches?.("[role=combobox]") && boxOf(event.target);
    if (!box) return;
    delete box.dataset.entered;
    const { input, list } = partsOf(box);
    const options = optionsOf(list);
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "Escape" && !list.hidden) {
      open(box, false);
    } else if (event.key === "ArrowDown" && options.length) {
      open(box, true);
      mark(box, options[(at + 1) % options.length]);
    } else if (event.key === "ArrowUp" && options.length) {
      open(box, true);
      mark(box, options[at > 0 ? at - 1 : options.length - 1]);
    } else if (event.key === "Enter" && !list.hidden && at >= 0) {
      if (isCurrent({ input, list })) choose(box, options[at]);
      else box.dataset.entered = input.value; // its answer is on its way
      event.stopImmediatePropagation();
    } else if (event.key === "Tab" && !list.hidden && at >= 0 && !event.shiftKey && isCurrent({ input, list })) {
      choose(box, options[at]);
      if (document.activeElement === input) return;
    } else {
      if (event.key === "Tab") open(box, false);
      return;
    }
    event.preventDefault();
  });

  // The first option is marked at once, so that Enter takes it.
  document.addEventListener("htmx:afterSwap", (event) => {
    const list = event.target;
    const box = list.matches?.("[role=listbox]") && boxOf(list);
    if (!box) return;
    const { input } = partsOf(box);
    list.dataset.answers = event.detail.requestConfig.parameters[input.name];
    const wanted = document.activeElement === input && input.value !== input.dataset.chosen;
    const first = optionsOf(list)[0] || null;
    open(box, wanted);
    if (!wanted) return;
    mark(box, first);
    if (first && isCurrent({ input, list }) && box.dataset.entered === input.value) choose(box, first);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const input = event.target;
    if (!input.matches?.("[role=combobox]")) return;
    if (input.value === input.dataset.chosen) event.preventDefault();
    else delete input.dataset.chosen;
  });
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[role=listbox]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const option = event.target.closest?.("[data-combobox] [role=option]:not([aria-disabled])");
    for (const list of document.querySelectorAll("[data-combobox] [role=listbox]:not([hidden])")) {
      if (!boxOf(list).contains(event.target)) open(boxOf(list), false);
    }
    if (option) {
      choose(boxOf(option), option);
      partsOf(boxOf(option)).input.focus();
    }
  });
  document.addEventListener("focusout", (event) => {
    const box = event.target.matches?.("[role=combobox]") && boxOf(event.target);
    if (box) open(box, false);
  });

  // --- Signed in again in another tab: the page goes on with the new token ---------------------
  function currentToken() {
    const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    return found ? found[1] : "";
  }
  window.refreshToken = (form) => {
    const field = form.elements.csrfmiddlewaretoken;
    const token = currentToken();
    if (field && token) field.value = token;
  };
  document.addEventListener(
    "submit",
    (event) => event.target.method === "post" && window.refreshToken(event.target),
    true,
  );
  document.addEventListener("htmx:configRequest", (event) => {
    const token = currentToken();
    if (token) event.detail.headers["X-CSRFToken"] = token;
  });

  // --- Files over the limit are refused before they travel ----------------------------------
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.type !== "file" || !input.dataset.maxBytes) return;
    const large = [...input.files].filter((file) => file.size > Number(input.dataset.maxBytes));
    input.parentElement.querySelector("[data-too-large]")?.remove();
    input.parentElement.querySelector("[data-chosen]")?.remove();
    input.classList.toggle("is-invalid", large.length > 0);
    if (!large.length) {
      nameFiles(input);
      return;
    }
    const note = document.getElementById("file-too-large").content.firstElementChild.cloneNode(true);
    note.querySelector("[data-names]").textContent = large.map((file) => file.name).join(", ");
    input.after(note);
    input.value = "";
  });

  // A browser says no more than "3 files" about several.
  function nameFiles(input) {
    if (input.files.length < 2) return;
    const list = document.createElement("ul");
    list.className = "chosen-files";
    list.dataset.chosen = "";
    for (const file of input.files) {
      const name = document.createElement("li");
      name.textContent = file.name;
      list.append(name);
    }
    input.after(list);
  }

  // --- Quick keys: <form data-quick>: Ctrl+Enter sends, Enter in a line goes on -----------------
  document.addEventListener("keydown", (event) => {
    const form = event.target.form;
    if (event.key !== "Enter" || event.defaultPrevented || !form?.matches("[data-quick]")) return;
    if (event.isComposing) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button[type=submit]"));
    } else if (event.target.matches("input:not([type=checkbox], [type=radio], [type=file])")) {
      event.preventDefault();
      nextField(form, event.target)?.focus();
    }
  });

  function nextField(form, field) {
    const fields = [...form.elements].filter(
      (one) =>
        one.matches("input:not([type=hidden]), select, textarea") && !one.disabled && one.offsetParent,
    );
    return fields[fields.indexOf(field) + 1];
  }

  // --- A comment that has arrived leaves an empty field, back on the safe choice ---------------
  // What was written while it was on its way is not part of it, and stays.
  const onTheirWay = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches?.("[data-composer]")) return;
    for (const field of event.target.querySelectorAll("textarea")) onTheirWay.set(field, field.value);
  });
  const writtenSince = (field) => {
    const sent = onTheirWay.get(field) ?? field.value;
    return field.value.startsWith(sent) ? field.value.slice(sent.length).trimStart() : field.value;
  };
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target;
    if (!event.detail.successful || !form.matches?.("[data-composer]")) return;
    const after = document.getElementById("comments-after").value;
    const since = [...form.querySelectorAll("textarea")].map((field) => [field, writtenSince(field)]);
    form.reset();
    for (const [field, text] of since) field.value = text;
    const inside = form.querySelector("[name=audience][value=internal]");
    if (inside) inside.checked = true;
    document.getElementById("comments-after").value = after;
    form.querySelector("[data-markdown] [role=tab]")?.click();
    try {
      sessionStorage.removeItem(`draft:${form.dataset.autosave}:${location.pathname}`);
      sessionStorage.removeItem(`draft-sent:${form.dataset.autosave}:${location.pathname}`);
    } catch {
      // Nothing is kept in this browser.
    }
    form.querySelector("textarea").focus();
    document.getElementById("comments").lastElementChild?.scrollIntoView({ block: "nearest" });
  });
})();
