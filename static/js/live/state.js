// What the page says about its connection: one of the words that stand in #live-state, or none.
const TROUBLE_MS = 1_500; // a shorter break is not worth a word

// The one that the page began with: what is told once all of it is gone still finds it.
let found;
const state = () => (found ??= document.getElementById("live-state"));
let trouble;

export const is = (word) => state().dataset.state === word;

// The address of the meeting's stream.
export const address = () => new URL(state().dataset.live, window.location.href);

export function say(word) {
  window.clearTimeout(trouble);
  trouble = undefined;
  state().classList.toggle("is-silent", !word);
  state().dataset.state = word;
  document.documentElement.classList.toggle("is-live", word === "on");
  for (const words of state().querySelectorAll("[data-live-words]")) {
    words.hidden = words.dataset.liveWords !== word;
  }
}

export function sayLost(afterMs = TROUBLE_MS) {
  if (is("lost") || trouble) return;
  trouble = window.setTimeout(() => say("lost"), afterMs);
}
