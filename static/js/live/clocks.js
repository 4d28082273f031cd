// Clocks of a meeting, counted here from the server's time.
let offset = 0;

// The server's time has come with news.
export function set(now) {
  offset = now - Date.now();
}

const two = (number) => String(number).padStart(2, "0");

// A length of time as a clock shows it, whichever way it goes: "04:07", "1:04:07".
export function figures(ms) {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

export function tick() {
  const now = Date.now() + offset;
  for (const clock of document.querySelectorAll("[data-clock]")) {
    const begun = Number(clock.dataset.begun);
    const ends = Number(clock.dataset.ends);
    const late = Boolean(ends) && now >= ends;
    clock.classList.toggle("is-over", late);
    const hands = clock.querySelector("[data-clock-figures]");
    if (hands && begun) hands.textContent = figures(Math.max(0, now - begun));
    const words = clock.querySelector("[data-clock-over]");
    if (words) {
      words.hidden = !late;
      const by = words.querySelector("[data-clock-by]");
      if (by && late) by.textContent = figures(now - ends);
    }
  }
}

export function begin() {
  window.setInterval(tick, 1000);
  tick();
  document.documentElement.classList.add("is-counting");
}
