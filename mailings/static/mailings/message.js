/* Writing a message: placeholders at a click, Tab in the source of the HTML, and the letter as it will be. */
"use strict";
{
  const PAUSE_MS = 500;
  const fields = ["subject", "text", "html"].map((name) => document.getElementById(`id_${name}`)).filter(Boolean);
  const writable = fields.filter((field) => !field.readOnly);

  function insert(field, text) {
    const { selectionStart, selectionEnd } = field;
    field.setRangeText(text, selectionStart, selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- Buttons that insert a placeholder, above each field.

  const buttons = document.getElementById("placeholders");
  if (buttons) {
    for (const field of writable) {
      const group = buttons.content.firstElementChild.cloneNode(true);
      const name = field.labels[0]?.firstChild?.textContent.trim();
      group.setAttribute("aria-label", `${group.getAttribute("aria-label")}: ${name}`);
      group.addEventListener("click", (event) => {
        const text = event.target.dataset.insert;
        if (text) insert(field, text);
      });
      field.before(group);
    }
  }

  // --- Tab indents in the source; Escape, then Tab leaves the field, so that nobody is caught in it.

  const source = document.getElementById("id_html");
  if (source && !source.readOnly) {
    let leaves = false;
    source.addEventListener("keydown", (event) => {
      const isTab = event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
      if (isTab && !leaves) {
        event.preventDefault();
        insert(source, "  ");
      }
      leaves = event.key === "Escape";
    });
    source.addEventListener("focus", () => { leaves = false; });
  }

  // --- The letter below the form: drawn by the server, from what stands in the fields now.

  const place = document.getElementById("letter-of-form");
  const fault = document.getElementById("letter-fault");
  let timer = 0;
  let asking = null;

  function state() {
    const { client, show } = place.querySelector("[data-part=reader]").dataset;
    return new URLSearchParams({ client, show });
  }

  function written() {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    for (const field of writable) data.append(field.name, field.value);
    return data;
  }

  /* Put in what has changed and leave the rest: a frame that is replaced loses its place. */
  function draw(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const choice = document.activeElement?.dataset?.choice;
    for (const part of place.querySelectorAll("[data-part]")) {
      const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (next && next.outerHTML !== part.outerHTML) part.replaceWith(next);
    }
    const form = document.getElementById("test-letter");
    if (form) form.action = `${form.action.split("?")[0]}?${state()}`;
    if (choice) place.querySelector(`a[data-choice="${choice}"]`)?.focus();
  }

  async function look(query) {
    clearTimeout(timer);
    asking?.abort();
    const mine = asking = new AbortController();
    try {
      const address = `${place.dataset.draftUrl}?${query}`;
      const answer = await fetch(address, { method: "POST", body: written(), signal: mine.signal });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      draw((await answer.json()).panels);
      fault.hidden = true;
    } catch (error) {
      if (mine.signal.aborted) return;
      fault.textContent = place.dataset.fault;
      fault.hidden = false;
    }
  }

  if (place) {
    for (const field of writable) {
      field.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => look(state()), PAUSE_MS);
      });
    }
    place.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-choice]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      look(new URL(link.href).searchParams);
    });
    // A form that comes back with faults, or by the browser's “back”, holds what is not saved.
    if (writable.length) look(state());
  }
}
