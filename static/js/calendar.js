// Copying a calendar address; the button shows only where the browser can do it.
(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.querySelector(button.dataset.copy);
    field.addEventListener("focus", () => field.select());
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        field.focus();
        return;
      }
      button.querySelector("span").textContent = button.dataset.copied;
      document.querySelector("[data-copy-status]").textContent = button.dataset.copied;
    });
  }
})();
