// The administration's clock offers the hours as they are written everywhere: from 0 to 23.
// Its script comes after this one and draws the clock when the page has loaded.
window.addEventListener("DOMContentLoaded", () => {
  const clock = window.DateTimeShortcuts?.clockHours.default_ ?? [];
  for (const hour of clock) {
    if (hour[1] >= 0) hour[0] = `${String(hour[1]).padStart(2, "0")}:00`;
  }
});
