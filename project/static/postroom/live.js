/* Live sums of mailings: those under way on the home page and in the list, and one with its attempts on its own page.

   Asks often while something runs, seldom otherwise, and not at all in a tab that nobody sees. */
"use strict";
{
  const FAST = 3000;
  const SLOW = 30000;
  const AFTER_ERROR = 15000;
  const SPEAK_EVERY = 10000;
  const SUMS = ["accepted", "refused", "deferred", "unknown", "suppressed", "cancelled", "waiting", "total"];
  const ALWAYS_SHOWN = ["accepted", "refused", "waiting", "total"];
  const WORDS = ["pace", "warning"];

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
    for (const name of WORDS) {
      const place = row.querySelector(`[data-field=${name}]`);
      place.textContent = run[name];
      place.hidden = !run[name];
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
      // On a mailing's own page: its status when the page was made.
      this.status = place.dataset.status || null;
      this.isList = place.dataset.rows === "known";
      this.seen = new Set();
      this.template = document.getElementById("running-row");
      this.none = document.getElementById("running-none");
      this.live = document.getElementById("running-live");
      this.spokenAt = 0;
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
        const news = await answer.json();
        this.show(news);
        const isMoving = this.status ? this.status === "running" : news.running.length > 0;
        this.plan(isMoving || news.is_soon ? FAST : SLOW);
      } catch {
        this.plan(AFTER_ERROR);
      }
    }

    show(news) {
      const silent = document.getElementById("worker-silent");
      if (silent) silent.hidden = !news.is_worker_silent;
      if (this.isOutdated(news)) {
        this.showChange();
        return;
      }
      for (const run of news.running) {
        this.seen.add(String(run.id));
        const row = this.rowOf(run);
        if (row) fillRow(row, run);
      }
      if (news.latest) this.showLatest(news.latest);
      if (!this.status && !this.isList) this.dropOthers(news.running);
      this.speak(news.running);
    }

    isOutdated(news) {
      // It has ended, or somebody paused it: the buttons and the words of this page are no longer true.
      if (this.status) return news.status !== this.status || (news.running.length > 0 && !this.rowOf(news.running[0]));
      const ids = new Set(news.running.map((run) => String(run.id)));
      return this.isList && [...this.seen].some((id) => !ids.has(id));
    }

    showLatest(latest) {
      const list = document.getElementById("latest");
      const template = document.getElementById("latest-row");
      if (!list || !template) return;
      const rows = latest.map((attempt) => {
        const row = template.content.firstElementChild.cloneNode(true);
        for (const place of row.querySelectorAll("[data-field]")) place.textContent = attempt[place.dataset.field];
        row.querySelector("[data-field=address]").href = attempt.url;
        row.querySelector("[data-field=label]").className = `status status-${attempt.outcome}`;
        return row;
      });
      // What has the focus stays where it is.
      if (list.contains(document.activeElement)) return;
      list.replaceChildren(...rows);
      document.getElementById("latest-none").hidden = rows.length > 0;
    }

    showChange() {
      // A half-filled form is never thrown away by a reload.
      if (!document.querySelector("[data-was-touched]")) location.reload();
    }

    rowOf(run) {
      const found = this.place.querySelector(`[data-mailing-id="${run.id}"]`);
      if (found || !this.template) return found;
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

  const running = document.getElementById("running");
  if (running && running.dataset.runningUrl) new LiveRuns(running);
}
