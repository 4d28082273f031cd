// The shell: questions before a step, menus that close, failed requests, progress.
(() => {
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

  // --- A menu that is open closes with a press elsewhere, or with Escape ------------------
  const menus = () => document.querySelectorAll(".list-menu[open], .app-more > [open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
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
