// Charts: <section data-chart> holds a canvas and its figures as JSON. Needs Chart.js.
(() => {
  const TONES = {
    grey: ["#6b7787", "#98a4b3"],
    blue: ["#1f5fbf", "#7fb2ff"],
    teal: ["#0f766e", "#5eead4"],
    green: ["#1b7a3d", "#6fd18f"],
    amber: ["#b7791f", "#f5c451"],
    orange: ["#c2500f", "#ff9d5c"],
    red: ["#b42318", "#ff8f85"],
    purple: ["#6d3fc0", "#c4a6ff"],
  };
  const charts = [];
  const isDark = () => document.documentElement.getAttribute("data-bs-theme") === "dark";
  const colour = (tone) => TONES[tone][isDark() ? 1 : 0];

  function draw(card) {
    const data = JSON.parse(card.querySelector("script[type='application/json']").textContent);
    const round = data.kind === "doughnut";
    const text = isDark() ? "#d3dae3" : "#3d4755";
    const grid = isDark() ? "#38424f" : "#dde2e9";
    const scales = round
      ? {}
      : Object.fromEntries(
          ["x", "y"].map((axis) => [
            axis,
            {
              stacked: data.kind === "stacked",
              beginAtZero: true,
              ticks: { color: text, precision: 0 },
              grid: { color: grid, display: axis === "y" },
              title: { display: axis === "y" && Boolean(data.unit), text: data.unit, color: text },
            },
          ]),
        );
    const tones = Object.keys(TONES);
    return new window.Chart(card.querySelector("canvas"), {
      type: data.kind === "stacked" ? "bar" : data.kind,
      data: {
        labels: data.labels,
        datasets: data.series.map((one) => ({
          label: one.label,
          data: one.values,
          backgroundColor: round
            ? data.labels.map((_label, index) => colour(tones[(index + 1) % tones.length]))
            : colour(one.tone),
          borderColor: round ? (isDark() ? "#1b222c" : "#ffffff") : colour(one.tone),
          borderWidth: data.kind === "line" ? 2 : round ? 2 : 0,
          borderRadius: data.kind === "bar" || data.kind === "stacked" ? 3 : 0,
        })),
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? false : undefined,
        plugins: { legend: { display: round || data.series.length > 1, labels: { color: text } } },
        scales,
      },
    });
  }

  function drawAll() {
    for (const chart of charts.splice(0)) chart.destroy();
    for (const card of document.querySelectorAll("[data-chart]")) charts.push(draw(card));
  }
  drawAll();
  document.addEventListener("theme:change", drawAll);
})();
