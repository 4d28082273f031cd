// The page follows the meeting: what is discussed is shown, as far as nobody is in the middle of
// something, and what the page asks for itself fits what the stream brings.
import * as clocks from "./clocks.js";
import { open } from "./connection.js";
import { BESIDE, WRITTEN_IN, parse, put, putWaiting, start, waiting } from "./parts.js";
import * as state from "./state.js";
import { isBusy } from "./writing.js";

const body = () => document.getElementById("meeting-body");

// Returns whether the item was put in place; null where nothing of the message is wanted.
function turn(message) {
  const article = document.querySelector("#meeting-body > .meeting > .item");
  if (!article) {
    // The agenda was empty when the page was opened.
    window.location.reload();
    return null;
  }
  const same = String(message.item) === body().dataset.item;
  const tools = [...article.querySelectorAll(".item-tool")];
  if ([...WRITTEN_IN.map((name) => document.getElementById(name)), ...tools].some((one) => isBusy(one))) {
    if (same) return false; // an edited request: the note beside the form says so
    delete body().dataset.follows;
    open();
    return null;
  }
  waiting.clear();
  const had = article.contains(document.activeElement);
  const fresh = parse(message.article);
  article.replaceWith(fresh);
  body().dataset.item = message.item;
  const url = new URL(window.location.href);
  if (url.searchParams.has("item")) {
    url.searchParams.delete("item");
    window.history.replaceState(window.history.state, "", url);
  }
  start(fresh);
  if (had) document.getElementById("item-title")?.focus({ preventScroll: true });
  return true;
}

function announce(...sources) {
  const region = document.getElementById("live-news");
  if (region) region.textContent = sources.map((one) => one?.textContent.trim()).join(": ");
}

// Puts one message on the page.
export function take(message) {
  const before = body()?.dataset.item;
  const turned = message.article ? turn(message) : false;
  if (turned === null) return;
  const shown = body()?.dataset.item;
  // What a new connection sends may be what is shown already: the batch is not asked for again.
  let agendaChanged = false;
  for (const [name, html] of Object.entries(message.parts)) {
    const elsewhere = BESIDE.includes(name) && String(message.item) !== shown;
    if (!elsewhere && !(turned && BESIDE.includes(name))) {
      const replaced = put(name, html, message.notes?.[name]);
      if (name === "agenda-list" && replaced) agendaChanged = true;
    }
  }
  if (turned && before !== body().dataset.item) {
    // Where the button that was pressed stands is put in place later: the message knows already.
    const now = message.parts["meeting-now"] && parse(message.parts["meeting-now"]);
    const title = now?.querySelector("#now-title") || document.getElementById("now-title");
    announce(title, document.getElementById("item-title"));
  }
  renewBatch(agendaChanged);
  document.dispatchEvent(new CustomEvent("meeting:news", { detail: message }));
}

// The consent items are one list that depends on every vote on them: it is asked for anew.
let batchShown = false;
function renewBatch(agendaChanged) {
  const batch = document.querySelector("#meeting-body > .meeting > .consent");
  const isFirst = !batchShown;
  batchShown = Boolean(batch);
  if (!agendaChanged || !batch || isFirst || isBusy(batch) || document.querySelector("dialog[open]")) return;
  const url = new URL(window.location.href);
  url.searchParams.set("show", "consent");
  window.htmx.ajax("GET", url.pathname + url.search, { target: "#meeting-body", swap: "outerHTML show:none" });
}

export function begin() {
  // A page that hears of everything by itself needs no whole page in answer to a vote.
  document.addEventListener("htmx:configRequest", (event) => {
    if (state.is("on")) event.detail.headers["Meeting-Live"] = "1";
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "attendance") {
      // Now, not when htmx settles: what the stream brings may take its place before.
      waiting.delete("attendance");
      const next = document.querySelector("#attendance [autofocus]");
      next?.removeAttribute("autofocus");
      next?.focus({ preventScroll: true });
    }
    if (event.detail.target?.id !== "vote-box") return;
    waiting.delete("vote-box");
    document.getElementById("position")?.focus({ preventScroll: true });
  });

  // The stream may be quicker than the answer to "Next item": who has begun to write about the
  // item meanwhile is not brought it a second time.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig, serverResponse } = event.detail;
    if (target?.id !== "meeting-body" || !requestConfig.elt.matches("[data-moves-on]")) return;
    const fresh = parse(serverResponse);
    const same = fresh?.dataset.item === body().dataset.item;
    const busy = WRITTEN_IN.some((name) => isBusy(document.getElementById(name)));
    if (!same || !busy) return;
    event.detail.shouldSwap = false;
    putWaiting();
  });

  // The page itself brought another item: ask for what belongs to that.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "meeting-body" || event.target.id === "meeting-body") {
      waiting.clear();
      open();
      clocks.tick();
    }
  });
}
