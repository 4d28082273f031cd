// The meeting on a phone: one tap leads to the vote, offered where the vote is not in sight already.
(() => {
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const jump = document.querySelector(".item-jump");
      const above = entry.boundingClientRect.top < 0;
      jump?.classList.toggle("is-reached", entry.isIntersecting || above);
    }
  }, { rootMargin: "0px 0px -25% 0px" });
  function watch() {
    const column = document.getElementById("position");
    sight.disconnect();
    if (column) sight.observe(column);
  }

  watch();
  document.addEventListener("htmx:afterSwap", watch);
  document.addEventListener("htmx:load", watch);
})();
