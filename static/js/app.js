// The shell: questions before a step, menus that close, failed requests, progress.
(() => {
  // --- htmx: set here, as deferred scripts run before it begins; no page has to carry it --
  if (window.htmx)
    Object.assign(window.htmx.config, {
      includeIndicatorStyles: false,
      allowEval: false,
      selfRequestsOnly: true,
      historyCacheSize: 0,
      attributesToSettle: ["class", "width", "height"],
      refreshOnHistoryMiss: true,
      responseHandling: [
        { code: "204", swap: false },
        { code: "[23]..", swap: true },
        { code: "422", swap: true },
        { code: "[45]..", swap: false, error: true },
      ],
    });

  // --- "Are you sure?": <form data-confirm="…"> or <button data-confirm="…"> -------------
  // A form with data-confirm-if="field=value" asks only where that is chosen, and for its own act.
  const dialog = document.getElementById("confirm-dialog");

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      const asker = askerOf(form, event.submitter);
      if (!asker?.dataset?.confirm || form.dataset.confirmed || !dialog) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(asker.dataset.confirm, form, event.submitter, () => {
        form.dataset.confirmed = "yes";
        form.requestSubmit(event.submitter || undefined);
        delete form.dataset.confirmed;
      });
    },
    true,
  );

  function askerOf(form, submitter) {
    if (submitter?.dataset.confirm) return submitter;
    const [name, value] = (form.dataset?.confirmIf || "").split("=");
    if (!name) return form;
    return !submitter?.hasAttribute("formaction") && new FormData(form).get(name) === value ? form : null;
  }

  function ask(question, form, button, proceed) {
    dialog.querySelector("[data-confirm-text]").textContent = question;
    const yes = dialog.querySelector("[data-confirm-yes]");
    yes.textContent = button ? button.textContent.trim() : yes.textContent;
    yes.classList.toggle("btn-danger", Boolean(button?.classList.contains("btn-danger")));
    dialog.returnValue = "";
    form.dataset.asking = "yes"; // what is asked about stays where it is
    const answered = () => {
      delete form.dataset.asking;
      if (dialog.returnValue === "confirm") proceed();
    };
    dialog.addEventListener("close", answered, { once: true });
    dialog.showModal();
  }

  // --- A menu that is open closes with a press elsewhere, with Escape, and when it is left --
  const menus = () => document.querySelectorAll(".list-menu[open], .app-more > [open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    const menu = relatedTarget && [...menus()].find((one) => one.contains(target));
    if (menu && !menu.contains(relatedTarget)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // --- The tab one is on is in sight, however narrow the screen ---------------------------
  for (const tab of document.querySelectorAll(".app-tabs .nav-link.active")) {
    const row = tab.closest(".nav-tabs");
    row.scrollLeft += tab.getBoundingClientRect().right - row.getBoundingClientRect().right + 48;
  }

  // --- What comes in the place of the pressed control takes its focus ----------------------
  // The same control where there is one, else what opens where it lay folded, else what stands
  // where it stood: whoever goes by keys goes on there, not from the beginning of the page.
  const PRESSED = "a[href], button:enabled, summary";
  const HELD = `${PRESSED}, :is(input, select, textarea):enabled`;
  const inside = (root, kind) => [...root.querySelectorAll(kind)].filter((one) => one.checkVisibility());
  const named = (one) => [one.tagName, one.name, one.ariaLabel || one.textContent.trim()].join();
  let held = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, shouldSwap } = event.detail;
    const here = document.activeElement;
    held = null;
    if (!shouldSwap || !target?.id || here === target || !target.contains(here)) return;
    const fold = here.closest("details")?.querySelector("summary");
    const names = [here, fold].filter(Boolean).map(named);
    held = { id: target.id, at: inside(target, PRESSED).indexOf(here), names };
  });
  document.addEventListener("htmx:afterSwap", () => {
    const root = held && document.getElementById(held.id);
    const isLost = !document.activeElement || document.activeElement === document.body;
    if (root && isLost) {
      const [all, near] = [inside(root, HELD), inside(root, PRESSED)];
      const [same, fold] = held.names.map((name) => all.find((one) => named(one) === name));
      (same || fold || near[Math.min(held.at, near.length - 1)])?.focus();
    }
    held = null;
  });

  // --- Requests in the background that failed ------------------------------------------
  function say(text) {
    const region = document.getElementById("messages");
    const template = document.getElementById("request-failed");
    if (!region || !template) return;
    const alert = template.content.cloneNode(true);
    if (text) alert.querySelector(".alert-row > div").textContent = text;
    region.replaceChildren(alert);
    region.scrollIntoView({ block: "center" });
  }

  document.addEventListener("htmx:responseError", (event) => {
    const answer = event.detail.xhr;
    const plain = (answer.getResponseHeader("Content-Type") || "").startsWith("text/plain");
    say(plain ? answer.responseText.slice(0, 500) : "");
  });
  document.addEventListener("htmx:sendError", () => say(""));
  document.addEventListener("htmx:timeout", () => say(""));
})();
