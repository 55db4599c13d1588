/* The pages of an import: progress that grows without a reload, and a second look at the file when it is read anew. */
"use strict";
{
  const EVERY = 1000;
  const AFTER_ERROR = 5000;
  const SPEAK_EVERY = 10000;
  // The speed of the last so many answers tells how long the rest takes.
  const REMEMBERED = 15;

  const number = new Intl.NumberFormat(document.documentElement.lang || "en");

  class Progress {
    constructor(place) {
      this.place = place;
      this.status = place.dataset.status;
      this.bar = place.querySelector("[role=progressbar]");
      this.seen = [];
      this.spokenAt = Date.now();
      document.addEventListener("visibilitychange", () => this.wake());
      this.wake();
    }

    field(name) {
      return this.place.querySelector(`[data-field=${name}]`);
    }

    wake(delay = EVERY) {
      clearTimeout(this.timer);
      if (!document.hidden) this.timer = setTimeout(() => this.ask(), delay);
    }

    async ask() {
      try {
        const answer = await fetch(this.place.dataset.url, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(answer.status);
        this.show(await answer.json());
      } catch {
        this.wake(AFTER_ERROR);
      }
    }

    show(told) {
      if (told.status !== this.status) {
        location.reload();
        return;
      }
      for (const name of ["done", "total"]) {
        const place = this.field(name);
        if (place) place.textContent = number.format(told[name]);
      }
      if (told.total && this.bar.hasAttribute("aria-valuenow")) {
        this.bar.setAttribute("aria-valuenow", told.percent);
        this.bar.querySelector("rect").setAttribute("width", (told.done / told.total) * 100);
      }
      for (const sum of document.querySelectorAll("[data-sum]")) {
        if (sum.dataset.sum in told) sum.textContent = number.format(told[sum.dataset.sum]);
      }
      this.tellRest(told);
      this.speak(told);
      this.wake();
    }

    tellRest(told) {
      const now = performance.now();
      this.seen = [...this.seen, [now, told.done]].slice(-REMEMBERED);
      const [[then, doneThen]] = this.seen;
      const speed = (told.done - doneThen) / (now - then);
      const place = this.field("left");
      if (!told.total || !(speed > 0)) {
        place.textContent = "";
        return;
      }
      const seconds = Math.max(1, Math.round((told.total - told.done) / speed / 1000));
      const [text, n] = seconds < 90 ? [this.place.dataset.seconds, seconds] : [this.place.dataset.minutes, Math.round(seconds / 60)];
      place.textContent = `· ${text.replace("{n}", number.format(n))}`;
    }

    speak(told) {
      if (!told.total || Date.now() - this.spokenAt < SPEAK_EVERY) return;
      this.spokenAt = Date.now();
      this.field("live").textContent = this.place.dataset.live
        .replace("{done}", number.format(told.done))
        .replace("{total}", number.format(told.total));
    }
  }

  const place = document.getElementById("import-progress");
  if (place) new Progress(place);

  // Another encoding or separator: show at once how the file looks then.
  const form = document.getElementById("columns-form");
  for (const name of ["encoding", "delimiter", "has_header"]) {
    form?.elements[name]?.addEventListener("change", () => form.requestSubmit(form.elements.reread));
  }
}
