// The form of a request: the requester decides the rest, and what is typed becomes a draft.
(() => {
  const form = document.querySelector("form[data-intake]");
  if (!form) return;
  const status = form.querySelector("[data-status]");
  const unsaved = status.textContent;

  // --- Requester --------------------------------------------------------------------------
  const fresh = document.getElementById("new-requester");
  const requester = form.elements.requester;
  const organisation = form.elements.organisation;
  const name = form.elements.requester_name;

  form.addEventListener("combobox:chosen", (event) => {
    if (event.target !== requester) return;
    const chosen = event.detail;
    const isNew = "new" in chosen;
    fresh.hidden = !isNew;
    name.value = isNew ? chosen.name : "";
    if (chosen.organisation && organisation.value !== chosen.organisation) {
      organisation.value = chosen.organisation;
      organisation.dispatchEvent(new Event("change", { bubbles: true }));
    }
    const next = isNew ? name : organisation.value ? form.elements.title : organisation;
    next.focus();
    if (isNew) name.select();
  });
  requester?.addEventListener("input", () => {
    if (requester.value !== requester.dataset.chosen && !fresh.hidden && !name.value) fresh.hidden = true;
  });

  // --- Template: what is chosen is filled in by the server, with all that was typed -----------
  const found = form.querySelector("[data-found-template]");
  form.addEventListener("combobox:chosen", (event) => {
    if (event.target.name !== "find_template") return;
    found.value = event.detail.template;
    form.requestSubmit(found);
  });

  // --- Autosave: a moment after the last key, and when the page is left ---------------------
  const WAIT = 2000;
  const RETRY = 15000;
  let timer;
  let running = null;
  let dirty = false;
  let sending = false;

  const say = (text, failed = false) => {
    status.textContent = text;
    status.classList.toggle("is-failed", failed);
  };
  const later = (delay) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, delay);
  };
  function body() {
    const data = new FormData(form);
    data.delete("attachments");
    return new URLSearchParams([...data].filter(([, value]) => typeof value === "string"));
  }
  const address = () => form.dataset.intake + (form.dataset.kept ? `?draft=${form.dataset.kept}` : "");

  function save() {
    if (!dirty || sending) return null;
    if (running) return later(WAIT);
    dirty = false;
    say(form.dataset.wordsSaving);
    window.refreshToken(form);
    running = fetch(address(), { method: "POST", body: body(), redirect: "manual" })
      .then(taken, () => failed(form.dataset.wordsFailed))
      .finally(() => {
        running = null;
      });
    return running;
  }

  async function taken(answer) {
    const inWords = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    if (answer.status === 401 || (answer.status === 403 && !inWords)) {
      return failed(form.dataset.wordsSignedOut);
    }
    if (!inWords) return failed(form.dataset.wordsFailed);
    const result = await answer.json();
    if (!answer.ok) return failed(result.words);
    say(result.words || unsaved);
    if (!result.kept) return null;
    form.elements.seen.value = result.version;
    if (form.dataset.kept !== result.reference) adopt(result.reference);
    if (result.complete && !dirty) forget();
    return null;
  }

  function failed(words) {
    dirty = true;
    say(words, true);
    later(RETRY);
    return null;
  }

  // From here on the form is that draft: also when it is loaded again or sent.
  function adopt(reference) {
    form.dataset.kept = reference;
    form.elements.draft.value = reference;
    const thrownAway = form.querySelector("[data-throw-away]");
    thrownAway.href = `${thrownAway.dataset.throwAway}${reference}/throw_away/`;
    thrownAway.hidden = false;
    const here = `${window.location.pathname}?draft=${reference}`;
    form.setAttribute("action", here);
    window.history.replaceState(null, "", here);
  }

  function forget() {
    try {
      sessionStorage.removeItem(`draft:${form.dataset.autosave}:${window.location.pathname}`);
    } catch {
      // Nothing is kept in this browser.
    }
  }

  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    dirty = true;
    later(WAIT);
  });
  form.addEventListener("change", (event) => {
    if (event.target.type === "file") return;
    dirty = true;
    later(WAIT);
  });

  // What a template has filled in is kept like what is typed.
  if (form.querySelector("[data-holds-all]")) {
    dirty = true;
    later(WAIT);
  }

  // A save under way is waited for, so that the same request does not become two drafts.
  form.addEventListener(
    "submit",
    (event) => {
      window.clearTimeout(timer);
      if (!running) {
        sending = true;
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      const button = event.submitter;
      const go = () => form.requestSubmit(button);
      const limit = new Promise((done) => window.setTimeout(done, 5000));
      Promise.race([running, limit]).then(() => {
        running = null;
        go();
      });
    },
    true,
  );
  window.addEventListener("pageshow", () => {
    sending = false;
  });
  window.addEventListener("pagehide", () => {
    if (!dirty || sending) return;
    dirty = false;
    window.refreshToken(form);
    fetch(address(), { method: "POST", body: body(), keepalive: true, redirect: "manual" });
  });
  window.addEventListener("beforeunload", (event) => {
    if (!sending && (status.classList.contains("is-failed") || form.elements.attachments.files.length)) {
      event.preventDefault();
    }
  });
})();
