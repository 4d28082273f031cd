// A meeting as it happens. The server sends parts of the page that are new (Server-Sent Events);
// they are put in place without touching what somebody is typing, focus, scroll or open details.
import * as clocks from "./live/clocks.js";
import * as connection from "./live/connection.js";
import * as following from "./live/following.js";
import * as news from "./live/news.js";
import * as parts from "./live/parts.js";

if (document.getElementById("live-state") && window.EventSource) {
  parts.begin();
  news.begin(following.take);
  following.begin();
  clocks.begin();
  connection.begin();
}
