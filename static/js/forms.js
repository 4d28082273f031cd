// Forms: nothing typed is lost, nothing is sent twice, mistakes are found at once.
(() => {
  const PREFIX = "draft:";
  const SENT = "draft-sent:";
  const RESTORE = "[data-draft-restore]";
  const NOT_KEPT = new Set(["password", "file", "hidden", "submit", "button"]);

  const storage = (() => {
    try {
      return window.sessionStorage;
    } catch {
      return null;
    }
  })();
  const keyOf = (form) => `${form.dataset.autosave}:${window.location.pathname}`;

  const keptFields = (form) =>
    [...form.elements].filter((field) => field.name && !NOT_KEPT.has(field.type));

  // --- What is in a form, as pairs; and back --------------------------------------------
  function read(form) {
    const pairs = [];
    for (const field of keptFields(form)) {
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked) pairs.push([field.name, field.value]);
      } else if (field.tagName === "SELECT" && field.multiple) {
        for (const option of field.selectedOptions) pairs.push([field.name, option.value]);
      } else {
        pairs.push([field.name, field.value]);
      }
    }
    return JSON.stringify(pairs);
  }

  function write(form, text) {
    const values = new Map();
    for (const [name, value] of JSON.parse(text)) {
      values.set(name, [...(values.get(name) || []), value]);
    }
    for (const field of keptFields(form)) {
      const given = values.get(field.name) || [];
      if (field.type === "checkbox" || field.type === "radio") {
        field.checked = given.includes(field.value);
      } else if (field.tagName === "SELECT" && field.multiple) {
        for (const option of field.options) option.selected = given.includes(option.value);
      } else if (given.length) {
        field.value = given.shift();
      }
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  // --- Autosave: <form data-autosave="name">, or a fieldset of a form that has several -----
  function autosave(form) {
    const key = PREFIX + keyOf(form);
    const kept = storage.getItem(key);
    const original = read(form);
    storage.removeItem(SENT + keyOf(form));
    // What was typed stands there, unsaved: after a mistake, or filled in from a template.
    const refused = form.querySelector("[data-error-summary], [data-holds-all]");
    if (kept === original && !refused) {
      storage.removeItem(key); // it has arrived
    } else if (kept && !refused) {
      offerDraft(form, key, kept);
    }
    let timer;
    // Of several in one form, this one still offers what was typed, and is sent as it stood.
    const offersStill = () =>
      form.tagName !== "FORM" && form.querySelector(RESTORE) && read(form) === original;
    const keep = () => {
      window.clearTimeout(timer);
      storage.setItem(key, read(form));
    };
    form.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        try {
          storage.setItem(key, read(form));
        } catch {
          // The tab's storage is full: the guard against leaving still stands.
        }
      }, 300);
    });
    form.addEventListener("htmx:beforeRequest", (event) => {
      if (event.target.matches("[name=section]")) keep();
    });
    form.closest("form").addEventListener("submit", (event) => {
      window.clearTimeout(timer);
      if (event.defaultPrevented || !form.isConnected || offersStill()) return;
      keep();
      storage.setItem(SENT + keyOf(form), "yes");
    });
  }

  function offerDraft(form, key, kept) {
    const template = document.getElementById("draft-found");
    const notice = template.content.firstElementChild.cloneNode(true);
    notice.querySelector(RESTORE).addEventListener("click", () => {
      write(form, kept);
      notice.remove();
      keptFields(form)[0]?.focus();
    });
    notice.querySelector("[data-draft-discard]").addEventListener("click", () => {
      storage.removeItem(key);
      notice.remove();
    });
    form.prepend(notice);
  }

  // <button data-takes-all>: nothing can be added afterwards, so no offer may be passed over.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-takes-all]");
    const restore = button?.form?.querySelector(RESTORE);
    if (!restore) return;
    event.preventDefault();
    restore.closest("[role=status]").querySelector("[data-draft-first]").hidden = false;
    restore.focus();
  });

  // What was sent is dropped once a page has come that is neither an error nor the sign-in.
  function dropWhatArrived() {
    if (document.body.dataset.page !== "page") return;
    const shown = new Set(
      [...document.querySelectorAll("[data-autosave]")].map((form) => keyOf(form)),
    );
    for (const name of Object.keys(storage).filter((name) => name.startsWith(SENT))) {
      const key = name.slice(SENT.length);
      if (shown.has(key)) continue;
      storage.removeItem(name);
      storage.removeItem(PREFIX + key);
    }
  }

  // --- Leaving with something unsaved: <form data-guard>, or a fieldset --------------------
  function guard(form) {
    const original = read(form);
    let sending = false;
    form.closest("form").addEventListener("submit", (event) => {
      sending = !event.defaultPrevented;
    });
    window.addEventListener("beforeunload", (event) => {
      if (!sending && form.isConnected && read(form) !== original) event.preventDefault();
    });
  }

  // --- Twice is once too many --------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.hasAttribute("data-allow-resubmit")) return;
    if (form.dataset.sending) {
      event.preventDefault();
      return;
    }
    form.dataset.sending = "yes";
    leaveAlone(form);
    event.submitter?.classList.add("is-busy");
    event.submitter?.setAttribute("aria-busy", "true");
  });
  const release = (form) => {
    delete form.dataset.sending;
    for (const button of form.querySelectorAll(".is-busy")) {
      button.classList.remove("is-busy");
      button.removeAttribute("aria-busy");
    }
  };
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sending]").forEach(release);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches?.("form")) release(event.target);
  });
  // A form on its way asks for nothing beside it (a preview, what is similar): the answer to that
  // would be about what is sent already, and could be taken for the form's own.
  const leaveAlone = (form) => {
    const beside = form.querySelectorAll(".htmx-request:not(button)");
    for (const one of beside) window.htmx.trigger(one, "htmx:abort");
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest?.("form");
    if (form === event.target) leaveAlone(form);
    else if (form?.matches("[data-sending], .htmx-request")) event.preventDefault();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.hasAttribute("data-sign-out")) storage?.clear();
  });

  // --- Mistakes -----------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-error-summary] a[href^='#']");
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    const field = target.matches("input, select, textarea")
      ? target
      : target.querySelector("input, select, textarea");
    target.scrollIntoView({ block: "center" });
    field?.focus({ preventScroll: true });
  });

  // --- Write and preview ----------------------------------------------------------------------
  function markdown(box) {
    const tabs = [...box.querySelectorAll("[role=tab]")];
    const show = (chosen) => {
      for (const tab of tabs) {
        const active = tab === chosen;
        tab.classList.toggle("active", active);
        tab.setAttribute("aria-selected", String(active));
        tab.tabIndex = active ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !active;
      }
    };
    for (const tab of tabs) {
      tab.addEventListener("click", () => show(tab));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
        const other = tabs.find((one) => one !== tab);
        other.focus();
        other.click();
      });
    }
  }

  // --- Risk matrix: two selects and the cell where they meet -------------------------------------
  function riskMatrix(box) {
    const likelihood = document.getElementById(box.dataset.likelihood);
    const impact = document.getElementById(box.dataset.impact);
    const verdict = box.querySelector("[data-risk-verdict]");
    if (!likelihood || !impact) return;
    const light = () => {
      let level = "";
      for (const cell of box.querySelectorAll(".risk-cell")) {
        const here =
          cell.dataset.likelihood === likelihood.value && cell.dataset.impact === impact.value;
        cell.classList.toggle("is-selected", here);
        if (here) level = cell.dataset.words;
      }
      verdict.textContent = level;
    };
    const choose = (cell) => {
      likelihood.value = cell.dataset.likelihood;
      impact.value = cell.dataset.impact;
      for (const field of [likelihood, impact]) {
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
    };
    box.addEventListener("click", (event) => {
      const cell = event.target.closest(".risk-cell");
      if (cell) choose(cell);
    });
    likelihood.addEventListener("change", light);
    impact.addEventListener("change", light);
    light();
  }

  // --- Start, on the page and on every fragment that htmx brings -----------------------------------
  const each = (root, selector, start) => {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.unshift(root);
    for (const element of found) {
      if (element.dataset.ready?.includes(selector)) continue;
      element.dataset.ready = (element.dataset.ready || "") + selector;
      start(element);
    }
  };
  // Focus alone does not keep in sight what stands far above the button that was pressed: what
  // htmx and the live parts put in its place afterwards moves the page once more.
  function inSight(summary) {
    const look = () => {
      const { top, bottom } = summary.getBoundingClientRect();
      if (top < 0 || bottom > window.innerHeight) summary.scrollIntoView({ block: "center" });
    };
    look();
    window.requestAnimationFrame(() => window.requestAnimationFrame(look));
  }
  function start(root) {
    each(root, "[data-markdown]", markdown);
    each(root, "[data-risk-matrix]", riskMatrix);
    if (storage) each(root, "[data-autosave]", autosave);
    each(root, "[data-guard]", guard);
    const summary = root.querySelector("[data-error-summary]");
    (summary || root.querySelector("[aria-invalid=true]"))?.focus();
    if (summary) inSight(summary);
  }
  start(document);
  if (storage) dropWhatArrived();
  document.addEventListener("htmx:load", (event) => {
    if (event.target !== document.body) start(event.target);
  });
})();
