/* The home page's chart, and the live sums of running mailings there and on a mailing's own page. */
"use strict";
{
  const FAST = 3000;
  const SLOW = 30000;
  const AFTER_ERROR = 15000;
  const SPEAK_EVERY = 10000;
  const SUMS = ["accepted", "refused", "deferred", "unknown", "suppressed", "cancelled", "waiting", "total"];
  const ALWAYS_SHOWN = ["accepted", "refused", "waiting", "total"];

  const number = new Intl.NumberFormat(document.documentElement.lang || "en");

  function fillBar(row, run) {
    const bar = row.querySelector("[role=progressbar]");
    bar.setAttribute("aria-valuenow", run.percent);
    bar.setAttribute("aria-label", `${bar.dataset.name}: ${run.title}`);
    bar.querySelector("svg").setAttribute("viewBox", `0 0 ${run.total || 1} 1`);
    const parts = [
      ["accepted", run.accepted],
      ["failed", run.refused + run.unknown],
      ["deferred", run.deferred],
      ["out", run.suppressed + run.cancelled],
    ];
    let x = 0;
    for (const [name, width] of parts) {
      const rect = bar.querySelector(`.bar-${name}`);
      rect.setAttribute("x", x);
      rect.setAttribute("width", width);
      x += width;
    }
  }

  function fillRow(row, run) {
    for (const name of SUMS) {
      const place = row.querySelector(`[data-field=${name}]`);
      place.textContent = number.format(run[name]);
      place.closest("li").hidden = !run[name] && !ALWAYS_SHOWN.includes(name);
    }
    const title = row.querySelector("[data-field=title]");
    if (title) {
      title.textContent = run.title;
      title.href = run.url;
      const status = row.querySelector("[data-field=status]");
      status.textContent = run.status_label;
      status.className = `status status-${run.status}`;
    }
    fillBar(row, run);
  }

  class LiveRuns {
    constructor(place) {
      this.place = place;
      this.only = place.dataset.only || null;
      this.template = document.getElementById("running-row");
      this.none = document.getElementById("running-none");
      this.live = document.getElementById("running-live");
      this.spokenAt = 0;
      this.wasSeen = false;
      this.timer = null;
      document.addEventListener("visibilitychange", () => this.wake());
      this.plan(this.place.querySelector("[data-mailing-id]") ? FAST : SLOW);
    }

    plan(delay) {
      clearTimeout(this.timer);
      this.timer = document.hidden ? null : setTimeout(() => this.ask(), delay);
    }

    wake() {
      if (document.hidden) {
        clearTimeout(this.timer);
      } else {
        this.plan(0);
      }
    }

    async ask() {
      try {
        const answer = await fetch(this.place.dataset.runningUrl, { headers: { Accept: "application/json" }, cache: "no-store" });
        if (!answer.ok || answer.redirected) throw new Error(`HTTP ${answer.status}`);
        const { running } = await answer.json();
        this.show(running);
        this.plan(running.length ? FAST : SLOW);
      } catch {
        this.plan(AFTER_ERROR);
      }
    }

    show(running) {
      const runs = this.only ? running.filter((run) => String(run.id) === this.only) : running;
      if (this.only && (runs.length ? runs[0].status !== this.place.dataset.status : this.wasSeen)) {
        // It has ended, or somebody paused it: the buttons and the words of this page are no longer true.
        this.showChange();
        return;
      }
      this.wasSeen = this.wasSeen || runs.length > 0;
      for (const run of runs) fillRow(this.rowOf(run), run);
      if (!this.only) this.dropOthers(runs);
      this.speak(runs);
    }

    showChange() {
      // A half-filled form is never thrown away by a reload.
      if (!document.querySelector("[data-was-touched]")) location.reload();
    }

    rowOf(run) {
      const found = this.place.querySelector(`[data-mailing-id="${run.id}"]`);
      if (found) return found;
      const row = this.template.content.firstElementChild.cloneNode(true);
      row.dataset.mailingId = run.id;
      this.place.append(row);
      return row;
    }

    dropOthers(runs) {
      const ids = new Set(runs.map((run) => String(run.id)));
      for (const row of this.place.querySelectorAll("[data-mailing-id]")) {
        if (!ids.has(row.dataset.mailingId)) row.remove();
      }
      this.none.hidden = runs.length > 0;
    }

    speak(runs) {
      const now = Date.now();
      if (!this.live || !runs.length || now - this.spokenAt < SPEAK_EVERY) return;
      this.spokenAt = now;
      this.live.textContent = runs
        .map((run) =>
          this.place.dataset.liveText
            .replace("{title}", () => run.title)
            .replace("{done}", number.format(run.total - run.waiting))
            .replace("{total}", number.format(run.total)),
        )
        .join(". ");
    }
  }

  function drawChart(canvas) {
    const data = JSON.parse(document.getElementById("chart-data").textContent);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const bars = (name, key, place) => ({
      label: canvas.dataset[name],
      data: data[key],
      backgroundColor: colour(place),
      stack: "all",
      maxBarThickness: 36,
    });
    Chart.defaults.font.family = style.getPropertyValue("--font");
    Chart.defaults.color = colour("--quiet");
    new Chart(canvas, {
      type: "bar",
      data: {
        labels: data.labels,
        datasets: [bars("accepted", "accepted", "--good-fill"), bars("failed", "failed", "--bad-fill")],
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        locale: document.documentElement.lang,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 12 } },
          y: { stacked: true, beginAtZero: true, suggestedMax: 5, ticks: { precision: 0 }, border: { display: false } },
        },
        plugins: { legend: { position: "bottom", labels: { boxWidth: 12, boxHeight: 12 } } },
      },
    });
  }

  const running = document.getElementById("running");
  if (running && running.dataset.runningUrl) new LiveRuns(running);

  const canvas = document.getElementById("chart");
  if (canvas) drawChart(canvas);
}
