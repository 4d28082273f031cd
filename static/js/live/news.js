// News of a meeting, one message after the other. Nothing moves or goes away under a finger
// between pressing and letting go; and whose vote is on its way is led on with the others once
// it has arrived.
import * as clocks from "./clocks.js";

const LONGEST_HOLD_MS = 10_000;

const held = [];
let pressedAt = 0;
let heldSince = 0;
let take;

// Whether somebody presses something, as far as that can be known.
export const isPressed = () => Date.now() - pressedAt < LONGEST_HOLD_MS;

export function receive(message) {
  clocks.set(message.now);
  held.push(message);
  flush();
}

// What comes next tells everything.
export function forget() {
  held.length = 0;
}

function flush() {
  if (isPressed()) return;
  while (held.length && !waitsForAnswer(held[0])) take(held.shift());
  if (!held.length) heldSince = 0;
}

function waitsForAnswer(message) {
  if (!message.article || !document.querySelector("#position form.htmx-request")) return false;
  if (!heldSince) {
    heldSince = Date.now();
    window.setTimeout(flush, LONGEST_HOLD_MS);
  }
  return Date.now() - heldSince < LONGEST_HOLD_MS;
}

const letGo = () => window.setTimeout(() => {
  pressedAt = 0;
  flush();
});

// `takes` puts one message on the page.
export function begin(takes) {
  take = takes;
  document.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressedAt = Date.now();
    window.setTimeout(flush, LONGEST_HOLD_MS); // where letting go is not told, as of a menu
  }, true);
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, letGo, true);
  window.addEventListener("blur", letGo);
  document.addEventListener("htmx:afterRequest", () => window.setTimeout(flush));
}
