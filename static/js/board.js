// The meeting on a phone: one tap leads to the vote, offered where the vote is not in sight already.
(() => {
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const jump = document.querySelector(".item-jump");
      jump?.classList.toggle("is-reached", entry.isIntersecting);
    }
    // Upwards without an end: who jumps from below the vote to above it never has it in sight.
  }, { rootMargin: "1000000px 0px -25% 0px" });
  function watch() {
    const column = document.getElementById("position");
    sight.disconnect();
    if (column) sight.observe(column);
  }

  watch();
  document.addEventListener("htmx:afterSwap", watch);
  document.addEventListener("htmx:load", watch);
})();
