// Parts of the page that are new, put in place without touching what somebody is typing, focus,
// scroll or open details.
import * as clocks from "./clocks.js";
import { isPressed } from "./news.js";
import { isBusy } from "./writing.js";

export const BESIDE = ["settled", "vote-box", "tally", "outcome-box", "ballots"];
export const WRITTEN_IN = ["settled", "vote-box", "outcome-box"];

// What a script or a person has added to an element says nothing about what it shows.
const OWN = ["open", "data-ready", "data-sending", "data-asking", "aria-busy", "style"];

function print(element) {
  if (!element) return "";
  const copy = element.cloneNode(true);
  for (const notice of copy.querySelectorAll("[data-draft-restore]")) {
    notice.closest(".alert")?.remove();
  }
  for (const one of [copy, ...copy.querySelectorAll("*")]) {
    if (one.name === "csrfmiddlewaretoken") one.removeAttribute("value");
    for (const name of OWN) one.removeAttribute(name);
    for (const name of [...one.classList]) {
      if (name === "is-busy" || name.startsWith("htmx-")) one.classList.remove(name);
    }
    if (one.getAttribute("class") === "") one.removeAttribute("class");
  }
  for (const one of copy.querySelectorAll("[hx-trigger]")) one.replaceChildren(); // loads by itself
  for (const one of copy.querySelectorAll("[data-kept-note], [data-clock-figures], [data-clock-over]")) one.remove();
  return copy.outerHTML.replace(/\s+/g, " ").replace(/> </g, "><");
}

export const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
};

// Of who is there the news go on, unless somebody has opened what they are about to mark.
function isHeld(name, box) {
  if (name !== "attendance") return WRITTEN_IN.includes(name) && isBusy(box);
  return isBusy(box, "input") || box.querySelector("details[open]") !== null;
}

// What loads by itself keeps what it has loaded, unless it is to load something else.
function isLoaded(old, fresh) {
  const address = (one) => one.getAttribute("hx-get") || one.getAttribute("hx-post");
  return old.matches?.("[hx-trigger]") && old.id === fresh.id && address(old) === address(fresh);
}

// A form of which anything is new is a new one: what was typed in it before is offered, and the
// preview is of what it holds now.
function renewForms(old, fresh) {
  for (const form of old.querySelectorAll("form[data-autosave]")) {
    const next = fresh.querySelector(`form[data-autosave="${form.dataset.autosave}"]`);
    if (!next) form.remove();
    else if (print(form) !== print(next)) form.replaceWith(next.cloneNode(true));
  }
}

// What is the same stays where it is, with focus, scroll, open details and all that scripts know
// of it. Without idiomorph, which may not have come, news go on.
function replace(name, old, fresh) {
  renewForms(old, fresh);
  if (!window.Idiomorph) old.replaceWith(fresh);
  else {
    const made = new WeakSet(); // by idiomorph, around what it keeps: nobody has touched them yet
    window.Idiomorph.morph(old, fresh, {
      morphStyle: "outerHTML",
      callbacks: {
        beforeAttributeUpdated: (attribute, one) => made.has(one) || !OWN.includes(attribute),
        beforeNodeMorphed: (before, after) => {
          if (before.attributes?.length === 0) made.add(before);
          return !isLoaded(before, after);
        },
      },
    });
  }
  start(document.getElementById(name));
}

export function start(element) {
  window.htmx?.process(element);
  window.htmx?.trigger(element, "htmx:load");
  clocks.tick();
}

// A part of the right column may come and go: it has its place in an order.
function insert(name, fresh) {
  const column = document.getElementById("position");
  if (!column || !BESIDE.includes(name)) return;
  const later = BESIDE.slice(BESIDE.indexOf(name) + 1);
  const next = later.map((one) => document.getElementById(one)).find(Boolean);
  column.insertBefore(fresh, next || null);
  start(fresh);
}

export const waiting = new Map(); // parts that wait until nobody writes in them any more

// Returns true where what is shown was replaced by something else.
export function put(name, html, note) {
  const old = document.getElementById(name);
  const fresh = html ? parse(html) : null;
  waiting.delete(name);
  if (!old) {
    if (fresh) insert(name, fresh);
    return;
  }
  if (fresh && print(old) === print(fresh)) {
    old.querySelector("[data-kept-note]")?.remove();
    return;
  }
  if (isHeld(name, old)) {
    waiting.set(name, html);
    if (note) keep(old, note);
    return;
  }
  // What is being dragged, asked for or asked about must not lose its place meanwhile.
  if (old.querySelector(".is-dragged, .htmx-request, [data-asking]")) {
    waiting.set(name, html);
    return;
  }
  if (!fresh) old.remove();
  else replace(name, old, fresh);
  return true;
}

function keep(box, words) {
  let note = box.querySelector("[data-kept-note]");
  if (!note) {
    note = document.createElement("p");
    note.className = "alert alert-warning kept-note";
    note.setAttribute("role", "status");
    note.dataset.keptNote = "";
    (box.querySelector(".card-body") || box).prepend(note);
  }
  note.textContent = words;
}

export function putWaiting() {
  window.setTimeout(() => {
    if (isPressed()) return; // asked again on letting go
    for (const [name, html] of [...waiting]) put(name, html); // or it goes on waiting
  });
}

export function begin() {
  document.addEventListener("focusout", putWaiting);
  document.addEventListener("pointerup", putWaiting);
  document.addEventListener("close", putWaiting, true); // a question that was answered
  document.addEventListener("htmx:afterRequest", putWaiting);
}
