// A meeting as it happens. The server sends parts of the page that are new (Server-Sent Events);
// they are put in place without touching what somebody is typing, focus, scroll or open details.
(() => {
  const state = document.getElementById("live-state");
  if (!state || !window.EventSource) return;

  const BESIDE = ["settled", "vote-box", "tally", "outcome-box", "ballots"];
  const WRITTEN_IN = ["vote-box", "outcome-box"];
  const SILENT_MS = 40_000; // the server says something every 15 s
  const LONGEST_PAUSE_MS = 10_000;
  const HIDDEN_MS = 60_000;
  const TROUBLE_MS = 1_500; // a shorter break is not worth a word
  const LONGEST_HOLD_MS = 10_000;
  const ASK_MS = 3_500; // without a stream; each vote is shown within five seconds
  const ASKED_BEFORE_OPENING = 8;

  const body = () => document.getElementById("meeting-body");
  const stage = () => document.getElementById("stage");

  // --- What the page says about the connection --------------------------------------------
  let trouble;
  function say(word) {
    window.clearTimeout(trouble);
    trouble = undefined;
    state.classList.toggle("is-silent", !word);
    state.dataset.state = word;
    document.documentElement.classList.toggle("is-live", word === "on");
    for (const words of state.querySelectorAll("[data-live-words]")) {
      words.hidden = words.dataset.liveWords !== word;
    }
  }
  function sayLost(afterMs = TROUBLE_MS) {
    if (state.dataset.state === "lost" || trouble) return;
    trouble = window.setTimeout(() => say("lost"), afterMs);
  }

  // --- The connection ------------------------------------------------------------------------
  let source;
  let watchdog;
  let again;
  let failures = 0;
  let asked = 0;
  let over = false;

  function address(once = false) {
    const url = new URL(state.dataset.live, window.location.href);
    if (once) url.searchParams.set("once", "1");
    if (stage()) {
      url.searchParams.set("view", "present");
      return url;
    }
    const { item, follows, batch } = body().dataset;
    if (batch !== undefined) url.searchParams.set("show", "consent");
    if (item) url.searchParams.set("item", item);
    if (follows !== undefined) url.searchParams.set("follow", "1");
    return url;
  }

  function close() {
    window.clearTimeout(again);
    window.clearTimeout(watchdog);
    again = undefined;
    asking = undefined;
    source?.close();
    source = undefined;
  }

  function open() {
    close();
    held.length = 0; // a new connection tells everything
    if (over) return;
    const mine = new EventSource(address());
    source = mine;
    const heard = () => {
      failures = 0;
      asked = 0;
      watch();
      if (state.dataset.state !== "on") say("on");
    };
    mine.addEventListener("open", watch);
    mine.addEventListener("beat", heard);
    mine.addEventListener("parts", (event) => {
      heard();
      receive(JSON.parse(event.data));
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
    say("");
  }

  // Nobody is asked by all at the same moment.
  const jittered = (ms) => ms * (0.6 + Math.random() * 0.4);

  // The browser's own attempts end for good at the first answer that is no stream: ours do not.
  function retry() {
    close();
    if (state.dataset.state !== "asks") sayLost();
    failures += 1;
    const pause = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(failures - 1, 6));
    again = window.setTimeout(failures > 1 ? askOnce : open, jittered(pause));
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
    say(out ? "out" : "gone");
    retry();
    return true;
  }

  // A page without a stream asks what it would have been sent, and now and then for a stream.
  async function askOnce() {
    again = undefined;
    const mine = (asking = {});
    let answer;
    let message;
    try {
      answer = await fetch(address(true), { redirect: "manual" });
      if (answer.ok) message = await answer.json();
    } catch {
      // The network is still down.
    }
    if (mine !== asking || source || over) return;
    if (!message) {
      if (answer && tellApart(answer)) return;
      const wait = Number(answer?.headers.get("Retry-After")) * 1000;
      if (!wait) return retry();
      sayLost();
      again = window.setTimeout(askOnce, wait + jittered(wait));
      return;
    }
    failures = 1;
    asked += 1;
    if (state.dataset.state !== "asks") say("asks");
    held.length = 0;
    receive(message);
    if (message.over) return end();
    if (asked === 1) return open(); // it may have been a short break
    const next = asked % ASKED_BEFORE_OPENING ? askOnce : open;
    again = window.setTimeout(next, jittered(ASK_MS));
  }
  let asking;

  window.addEventListener("offline", () => {
    close();
    sayLost(0);
  });
  window.addEventListener("online", () => open());
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  let hidden;
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(hidden);
    if (document.hidden) hidden = window.setTimeout(close, HIDDEN_MS);
    else if (!source && !again) open();
  });

  // --- Putting parts in place -----------------------------------------------------------------
  // What a script or a person has added to an element says nothing about what it shows.
  function print(element) {
    if (!element) return "";
    const copy = element.cloneNode(true);
    for (const notice of copy.querySelectorAll("[data-draft-restore]")) {
      notice.closest(".alert")?.remove();
    }
    for (const one of [copy, ...copy.querySelectorAll("*")]) {
      if (one.name === "csrfmiddlewaretoken") one.removeAttribute("value");
      for (const name of ["open", "data-ready", "data-sending", "data-asking", "aria-busy", "style"]) {
        one.removeAttribute(name);
      }
      for (const name of [...one.classList]) {
        if (name === "is-busy" || name.startsWith("htmx-")) one.classList.remove(name);
      }
      if (one.getAttribute("class") === "") one.removeAttribute("class");
    }
    copy.querySelectorAll("[hx-trigger]").forEach((one) => one.replaceChildren()); // loads by itself
    copy.querySelectorAll("[data-kept-note], [data-clock-figures], [data-clock-over]").forEach((one) => one.remove());
    return copy.outerHTML.replace(/\s+/g, " ").replace(/> </g, "><");
  }

  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };

  function changed(field) {
    if (field.type === "hidden" || field.type === "submit" || field.type === "button") return false;
    if (field.type === "checkbox" || field.type === "radio") {
      return field.checked !== field.defaultChecked;
    }
    if (field.tagName === "SELECT") {
      const first = [...field.options].some((option) => option.defaultSelected);
      return [...field.options].some((option, index) =>
        first ? option.selected !== option.defaultSelected : option.selected && index > 0,
      );
    }
    return field.value !== field.defaultValue;
  }
  const fields = (box) => [...box.querySelectorAll("input, select, textarea")];
  function isBusy(box, held = "input, select, textarea, summary, button") {
    if (!box) return false;
    const focused = document.activeElement;
    return (
      (box.contains(focused) && focused.matches(held)) ||
      // data-typed: a form that came back with what was typed, and with what is wrong about it.
      box.querySelector("[data-sending], [data-asking], [data-typed], form.htmx-request") !== null ||
      fields(box).some(changed)
    );
  }

  // Of who is there the news go on, unless somebody has opened what they are about to mark.
  function isHeld(name, box) {
    if (name !== "attendance") return WRITTEN_IN.includes(name) && isBusy(box);
    return isBusy(box, "input") || box.querySelector("details[open]") !== null;
  }

  function remember(root) {
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    const details = [...root.querySelectorAll("details")];
    const same = (one) => ["id", "name", "value", "hx-get", "action"].map((n) => one.getAttribute(n)).join();
    return (fresh) => {
      const now = [...fresh.querySelectorAll("details")];
      if (now.length === details.length) now.forEach((one, i) => { one.open = details[i].open; });
      if (!focused) return;
      const found = focused === root
        ? fresh
        : [...fresh.querySelectorAll(focused.tagName)].find((one) => same(one) === same(focused) && one.textContent === focused.textContent) ||
          [...fresh.querySelectorAll(focused.tagName)].find((one) => same(one) === same(focused));
      found?.focus({ preventScroll: true });
    };
  }

  function replace(old, fresh) {
    const restore = remember(old);
    old.replaceWith(fresh);
    restore(fresh);
    start(fresh);
  }

  function start(element) {
    window.htmx?.process(element);
    window.htmx?.trigger(element, "htmx:load");
    tick();
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

  const waiting = new Map(); // parts that wait until nobody writes in them any more

  // Returns true where what is shown was replaced by something else.
  function put(name, html, note) {
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
    else replace(old, fresh);
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

  function putWaiting() {
    window.setTimeout(() => {
      if (Date.now() - pressedAt < LONGEST_HOLD_MS) return; // asked again on letting go
      for (const [name, html] of [...waiting]) put(name, html); // or it goes on waiting
    });
  }
  document.addEventListener("focusout", putWaiting);
  document.addEventListener("pointerup", putWaiting);
  document.addEventListener("close", putWaiting, true); // a question that was answered

  // --- Following the meeting --------------------------------------------------------------------
  // Returns whether the item was put in place; null where nothing of the message is wanted.
  function turn(message) {
    const article = document.querySelector("#meeting-body > .item");
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

  // Nothing moves or goes away under a finger between pressing and letting go; and whose vote is
  // on its way is led on with the others once it has arrived.
  const held = [];
  let pressedAt = 0;
  let heldSince = 0;
  function receive(message) {
    offset = message.now - Date.now();
    held.push(message);
    flush();
  }
  function flush() {
    if (Date.now() - pressedAt < LONGEST_HOLD_MS) return;
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
  document.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressedAt = Date.now();
    window.setTimeout(flush, LONGEST_HOLD_MS); // where letting go is not told, as of a menu
  }, true);
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, letGo, true);
  window.addEventListener("blur", letGo);
  document.addEventListener("htmx:afterRequest", () => window.setTimeout(flush));

  function take(message) {
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
    const batch = document.querySelector("#meeting-body > .consent");
    const isFirst = !batchShown;
    batchShown = Boolean(batch);
    if (!agendaChanged || !batch || isFirst || isBusy(batch) || document.querySelector("dialog[open]")) return;
    const url = new URL(window.location.href);
    url.searchParams.set("show", "consent");
    window.htmx.ajax("GET", url.pathname + url.search, { target: "#meeting-body", swap: "outerHTML show:none" });
  }

  // A page that hears of everything by itself needs no whole page in answer to a vote.
  document.addEventListener("htmx:configRequest", (event) => {
    if (state.dataset.state === "on") event.detail.headers["Meeting-Live"] = "1";
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
      tick();
    }
  });

  // --- Clocks: counted here, from the server's time ------------------------------------------------
  let offset = 0;
  const two = (number) => String(number).padStart(2, "0");
  function figures(ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const hours = Math.floor(seconds / 3600);
    const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return hours ? `${hours}:${rest}` : rest;
  }
  function tick() {
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
  window.setInterval(tick, 1000);

  tick();
  document.documentElement.classList.add("is-counting");
  open();
})();
