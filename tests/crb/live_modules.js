// What the modules of a live meeting reckon without a page; test_live_modules.py runs it with Node.
import assert from "node:assert/strict";
import test from "node:test";
import { asking, pauseAfter } from "../../static/js/live/connection.js";
import { figures } from "../../static/js/live/clocks.js";
import { changed } from "../../static/js/live/writing.js";

test("a clock shows minutes and seconds, and hours where there are some", () => {
  const shown = [0, 999, 61_000, -150_000, 3_599_999, 3_600_000, 36_061_000].map(figures);
  assert.deepEqual(shown, ["00:00", "00:00", "01:01", "02:30", "59:59", "1:00:00", "10:01:01"]);
});

test("pauses between attempts double, up to ten seconds", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 1_000].map(pauseAfter);
  assert.deepEqual(pauses, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test("the stream is told what the page shows", () => {
  const of = (...shown) => asking(new URL("http://host/live/"), ...shown).search;
  assert.equal(of(null), "?view=present");
  assert.equal(of(null, true), "?once=1&view=present");
  assert.equal(of({}), "");
  assert.equal(of({ item: "7", follows: "" }), "?item=7&follow=1");
  assert.equal(of({ batch: "", item: "" }, true), "?once=1&show=consent");
});

test("a field is changed where it holds what the server did not send", () => {
  const options = (...all) => all.map(([defaultSelected, selected]) => ({ defaultSelected, selected }));
  const fields = {
    written: { type: "text", value: "a", defaultValue: "" },
    "as sent": { type: "text", value: "a", defaultValue: "a" },
    "not for people": { type: "hidden", value: "a", defaultValue: "" },
    ticked: { type: "checkbox", checked: true, defaultChecked: false },
    "ticked before": { type: "radio", checked: true, defaultChecked: true },
    chosen: { tagName: "SELECT", options: options([true, false], [false, true]) },
    "chosen before": { tagName: "SELECT", options: options([false, false], [true, true]) },
    "first of none": { tagName: "SELECT", options: options([false, true], [false, false]) },
    "second of none": { tagName: "SELECT", options: options([false, false], [false, true]) },
  };
  const found = Object.keys(fields).filter((name) => changed(fields[name]));
  assert.deepEqual(found, ["written", "ticked", "chosen", "second of none"]);
});
