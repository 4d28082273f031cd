// The screen of the room: full screen, and the arrow keys that move the meeting on.
(() => {
  const button = document.getElementById("full-screen");
  if (document.fullscreenEnabled) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen();
    });
  }

  const form = document.getElementById("go-form");
  function go(item) {
    if (!form || !item || form.dataset.sending) return;
    form.querySelector("[name=item]").value = item;
    form.querySelector("[name=seen]").value = document.getElementById("stage").dataset.version;
    form.requestSubmit();
  }
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
    const { next, previous } = document.getElementById("stage").dataset;
    if (["ArrowRight", "ArrowDown", "PageDown"].includes(event.key)) go(next);
    else if (["ArrowLeft", "ArrowUp", "PageUp"].includes(event.key)) go(previous);
    else if (event.key === "f" && !button.hidden) button.click();
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const step = event.target.closest("[data-go]");
    if (step) go(document.getElementById("stage").dataset[step.dataset.go]);
  });
})();
