// The palette: Ctrl+K (or Cmd+K) opens one box that leads to changes, people, meetings and pages.
(() => {
  const address = document.currentScript.dataset.address;
  const ACTS = ".next-actions a, .next-beside a";
  let dialog = null;
  let opening = false;

  const leads = () => [...dialog.querySelectorAll(".palette-lead")].filter((one) => one.offsetParent !== null);

  // What can be done on this page is known to the page alone.
  function offerActs() {
    const acts = dialog.querySelector("[data-palette-acts]");
    acts.querySelector("ul")?.remove();
    const list = document.createElement("ul");
    const seen = new Set();
    for (const link of document.querySelectorAll(ACTS)) {
      const text = link.textContent.trim().replace(/\s+/g, " ");
      if (!text || !link.href || seen.has(link.href)) continue;
      seen.add(link.href);
      const lead = document.createElement("a");
      lead.className = "palette-lead";
      lead.href = link.href;
      const icon = link.querySelector(".icon");
      if (icon) lead.append(icon.cloneNode(true));
      const words = document.createElement("span");
      words.className = "palette-text";
      words.textContent = text;
      lead.append(words);
      const item = document.createElement("li");
      item.append(lead);
      list.append(item);
    }
    acts.append(list);
    // What can be done anywhere comes with the box; what the page offers itself stands there.
    for (const link of dialog.querySelectorAll("[data-palette-mine] a")) link.parentElement.dataset.twice = seen.has(link.href);
    narrow(dialog.querySelector("input").value);
  }
  function narrow(typed) {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    for (const acts of dialog.querySelectorAll("[data-palette-acts], [data-palette-mine]")) {
      let shown = 0;
      for (const item of acts.querySelectorAll("li")) {
        const text = item.textContent.toLowerCase();
        item.hidden = item.dataset.twice === "true" || !words.every((word) => text.includes(word));
        if (!item.hidden) shown += 1;
      }
      acts.hidden = shown === 0;
    }
  }

  function move(event, box, all) {
    const at = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown" && at + 1 < all.length) all[at + 1].focus();
    else if (event.key === "ArrowUp" && at > 0) all[at - 1].focus();
    else if (event.key === "ArrowUp" && at === 0) box.focus();
    else return;
    event.preventDefault();
  }

  function prepare(html) {
    const holder = document.createElement("div");
    holder.innerHTML = html;
    dialog = holder.querySelector("dialog");
    document.body.append(dialog);
    window.htmx.process(dialog);
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event, dialog.querySelector("input"), leads());
    });
    dialog.querySelector("input").addEventListener("input", (event) => narrow(event.target.value));
    dialog.querySelector("[data-palette-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }

  async function open() {
    if (opening) return;
    opening = true;
    try {
      if (!dialog) {
        const answer = await fetch(address, { headers: { Accept: "text/html" } });
        if (answer.redirected) {
          window.location.assign(answer.url);
          return;
        }
        if (!answer.ok) throw new Error(answer.statusText);
        prepare(await answer.text());
      }
      offerActs(); // as the page is now: much of it changes while it stays open
      if (!dialog.open) dialog.showModal();
      const box = dialog.querySelector("input");
      box.focus();
      box.select();
    } catch {
      // Nobody leaves a page for this: it is said as of any request that failed.
      window.htmx.trigger(document.body, "htmx:sendError");
    } finally {
      opening = false;
    }
  }

  // The search of the header says what a text leads to while it is typed; its form stays one.
  function leadFromHeader(found) {
    const form = found.closest("form");
    const box = form.querySelector("input");
    let closed = true;
    const show = () => {
      found.hidden = closed || !found.firstElementChild;
    };
    const close = () => {
      closed = true;
      window.htmx.trigger(box, "htmx:abort");
      show();
    };
    box.addEventListener("input", () => {
      closed = false;
    });
    found.addEventListener("htmx:afterSwap", show);
    // Where a press does not focus a link, its lead would be gone before the click.
    found.addEventListener("mousedown", (event) => event.preventDefault());
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget)) close();
    });
    form.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape" && !found.hidden) {
        event.preventDefault();
        box.focus();
        close();
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        move(event, box, [...found.querySelectorAll(".palette-lead")]);
      }
    });
  }

  const inHeader = document.querySelector("#app-found");
  if (inHeader) leadFromHeader(inHeader);

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.altKey || event.shiftKey) return;
    if (!(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else if (!document.querySelector("dialog[open], .modal.show")) open();
  });
})();
