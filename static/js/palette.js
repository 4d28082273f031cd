// The palette: Ctrl+K (or Cmd+K) opens one box that leads to changes, people, meetings and pages.
(() => {
  const address = document.currentScript.dataset.address;
  const ACTS = ".next-actions a, .next-beside a, .app-new";
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
    narrow(dialog.querySelector("input").value);
  }
  function narrow(typed) {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const acts = dialog.querySelector("[data-palette-acts]");
    let shown = 0;
    for (const item of acts.querySelectorAll("li")) {
      const text = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      if (!item.hidden) shown += 1;
    }
    acts.hidden = shown === 0;
  }

  function move(event) {
    const all = leads();
    const at = all.indexOf(document.activeElement);
    const box = dialog.querySelector("input");
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
      if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event);
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

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.altKey || event.shiftKey) return;
    if (!(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else if (!document.querySelector("dialog[open], .modal.show")) open();
  });
})();
