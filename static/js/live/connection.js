// The connection to a meeting: a stream of the server's news, opened again whenever it breaks;
// without one the page asks now and then for what it would have been sent.
import * as news from "./news.js";
import * as state from "./state.js";

const SILENT_MS = 40_000; // the server says something every 15 s
const LONGEST_PAUSE_MS = 10_000;
const HIDDEN_MS = 60_000;
const ASK_MS = 3_500; // without a stream; each vote is shown within five seconds
const ASKED_BEFORE_OPENING = 8;

let source;
let watchdog;
let again;
let failures = 0;
let asked = 0;
let over = false;
let hidden;
let question; // what is being asked without a stream

// `url` with what the page shows: the whole stage, or an item or the batch of a meeting.
export function asking(url, shown, once = false) {
  if (once) url.searchParams.set("once", "1");
  if (!shown) {
    url.searchParams.set("view", "present");
    return url;
  }
  const { item, follows, batch } = shown;
  if (batch !== undefined) url.searchParams.set("show", "consent");
  if (item) url.searchParams.set("item", item);
  if (follows !== undefined) url.searchParams.set("follow", "1");
  return url;
}

function address(once = false) {
  const onStage = document.getElementById("stage");
  const shown = onStage ? null : document.getElementById("meeting-body").dataset;
  return asking(state.address(), shown, once);
}

function close() {
  window.clearTimeout(again);
  window.clearTimeout(watchdog);
  again = undefined;
  question = undefined;
  source?.close();
  source = undefined;
}

export function open() {
  close();
  news.forget(); // a new connection tells everything
  if (over) return;
  const mine = new EventSource(address());
  source = mine;
  const heard = () => {
    failures = 0;
    asked = 0;
    watch();
    if (!state.is("on")) state.say("on");
  };
  mine.addEventListener("open", watch);
  mine.addEventListener("beat", heard);
  mine.addEventListener("parts", (event) => {
    heard();
    news.receive(JSON.parse(event.data));
  });
  mine.addEventListener("again", () => mine === source && open());
  // Where the reader may no longer look, what the page shows goes with the connection.
  mine.addEventListener("rights", async () => {
    if (mine !== source) return;
    close();
    if (!(await ask())) window.location.reload();
  });
  mine.addEventListener("over", end);
  mine.addEventListener("error", () => mine === source && retry());
  watch();
}

function watch() {
  window.clearTimeout(watchdog);
  watchdog = window.setTimeout(retry, SILENT_MS);
}

function end() {
  over = true;
  close();
  state.say("");
}

// Nobody is asked by all at the same moment.
const jittered = (ms) => ms * (0.6 + Math.random() * 0.4);

// How long to wait after so many failures in a row.
export const pauseAfter = (failures) =>
  Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(failures - 1, 6));

// The browser's own attempts end for good at the first answer that is no stream: ours do not.
function retry() {
  close();
  if (!state.is("asks")) state.sayLost();
  failures += 1;
  again = window.setTimeout(failures > 1 ? askOnce : open, jittered(pauseAfter(failures)));
}

// Returns whether the page may stay: it may, too, while nobody answers.
async function ask() {
  try {
    const answer = await fetch(address(), { method: "HEAD", redirect: "manual" });
    if (answer.ok) {
      open();
      return true;
    }
    if (tellApart(answer)) return false;
  } catch {
    // The network is still down.
  }
  retry();
  return true;
}

// Says why the page may not stay, if it may not; asks again, as its reader may sign in again.
function tellApart(answer) {
  const out = answer.type === "opaqueredirect";
  if (!out && answer.status !== 404) return false;
  state.say(out ? "out" : "gone");
  retry();
  return true;
}

// A page without a stream asks what it would have been sent, and now and then for a stream.
async function askOnce() {
  again = undefined;
  const mine = {};
  question = mine;
  let answer;
  let message;
  try {
    answer = await fetch(address(true), { redirect: "manual" });
    if (answer.ok) message = await answer.json();
  } catch {
    // The network is still down.
  }
  if (mine !== question || source || over) return;
  if (!message) {
    if (answer && tellApart(answer)) return;
    const wait = Number(answer?.headers.get("Retry-After")) * 1000;
    if (!wait) return retry();
    state.sayLost();
    again = window.setTimeout(askOnce, wait + jittered(wait));
    return;
  }
  failures = 1;
  asked += 1;
  if (!state.is("asks")) state.say("asks");
  news.forget();
  news.receive(message);
  if (message.over) return end();
  if (asked === 1) return open(); // it may have been a short break
  const next = asked % ASKED_BEFORE_OPENING ? askOnce : open;
  again = window.setTimeout(next, jittered(ASK_MS));
}

export function begin() {
  window.addEventListener("offline", () => {
    close();
    state.sayLost(0);
  });
  window.addEventListener("online", () => open());
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(hidden);
    if (document.hidden) hidden = window.setTimeout(close, HIDDEN_MS);
    else if (!source && !again) open();
  });
  open();
}
