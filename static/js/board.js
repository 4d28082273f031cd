// The meeting on a phone: the agenda starts folded, and one tap leads to the vote.
(() => {
  const phone = window.matchMedia("(max-width: 991.98px)");

  function fold(root) {
    if (!phone.matches) return;
    for (const part of root.querySelectorAll("[data-fold-on-phone]")) part.open = false;
  }

  // The tap is not offered where the vote is in sight already.
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const jump = document.querySelector("[data-jump]")?.parentElement;
      const above = entry.boundingClientRect.top < 0;
      jump?.classList.toggle("is-reached", entry.isIntersecting || above);
    }
  }, { rootMargin: "0px 0px -25% 0px" });
  function watch() {
    const column = document.getElementById("position");
    sight.disconnect();
    if (column) sight.observe(column);
  }

  fold(document);
  watch();
  document.addEventListener("htmx:afterSwap", () => {
    fold(document);
    watch();
  });
  document.addEventListener("htmx:load", watch);
})();
