/* The frame of every page: menu, drop-downs, numbers, and names for what Django's own scripts leave nameless. */
"use strict";
{
  const body = document.body;
  const wide = matchMedia("(min-width: 992px)");

  // --- Menu: a column on a wide screen (closed or not is remembered), a drawer on a narrow one.

  const toggle = document.getElementById("side-toggle");
  const side = document.getElementById("side");
  const shade = document.getElementById("side-shade");

  function tellMenu() {
    const isOpen = wide.matches ? !body.classList.contains("sidebar-collapse") : body.classList.contains("side-open");
    toggle.setAttribute("aria-expanded", isOpen);
    shade.hidden = wide.matches || !isOpen;
  }

  function closeDrawer() {
    if (!body.classList.contains("side-open")) return;
    body.classList.remove("side-open");
    tellMenu();
    toggle.focus();
  }

  if (toggle) {
    toggle.addEventListener("click", () => {
      if (wide.matches) {
        const isClosed = body.classList.toggle("sidebar-collapse");
        document.cookie = `jazzy_menu=${isClosed ? "closed" : "open"};max-age=31536000;path=/;SameSite=Strict`;
      } else if (body.classList.toggle("side-open")) {
        side.querySelector("nav li a").focus();
      }
      tellMenu();
    });
    shade.addEventListener("click", closeDrawer);
    wide.addEventListener("change", tellMenu);
    tellMenu();
  }

  // --- Drop-downs are <details>: one at a time, closed by Escape and by a click elsewhere.

  const drops = () => document.querySelectorAll("details.drop[open]");

  document.addEventListener("click", (event) => {
    for (const drop of drops()) if (!drop.contains(event.target)) drop.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const drop of drops()) {
      drop.open = false;
      drop.querySelector("summary").focus();
    }
    closeDrawer();
  });

  // --- Printing needs a script; without one the button is not there.

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // --- Numbers in groups of three.

  const number = new Intl.NumberFormat(document.documentElement.lang || "en");
  for (const place of document.querySelectorAll("[data-number]")) {
    const text = place.textContent.trim();
    if (/^\d{4,}$/.test(text)) place.textContent = number.format(Number(text));
  }

  // --- Forms: which one was touched (a reload must not throw it away), and no second letter by a double click.

  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("input", (event) => event.target.setAttribute("data-was-touched", ""));
    form.addEventListener("submit", (event) => {
      if (form.dataset.isSent) event.preventDefault();
      form.dataset.isSent = "yes";
      // An answer that is a file leaves the page as it is: the button has to work again.
      setTimeout(() => delete form.dataset.isSent, 3000);
    });
  }
  // The browser's “back” may show the page as it was left.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-is-sent]")) delete form.dataset.isSent;
  });

  // --- A tab named in the address, also when its name is not Latin.

  const tab = location.hash && document.querySelector(`#jazzy-tabs a[href="${CSS.escape(decodeURIComponent(location.hash)).replace(/^\\#/, "#")}"]`);
  const wrong = document.querySelector(".tab-pane .errorlist");
  const target = wrong ? document.querySelector(`#jazzy-tabs a[href="#${wrong.closest(".tab-pane").id}"]`) : tab;
  if (target) bootstrap.Tab.getOrCreateInstance(target).show();
  for (const link of document.querySelectorAll("#jazzy-tabs a")) {
    link.addEventListener("shown.bs.tab", () => history.replaceState(null, "", link.hash));
  }

  // --- Names for Django's own widgets.

  function labelOf(element) {
    const field = element.closest(".field");
    return field?.querySelector(".caption")?.firstChild?.textContent.trim() || "";
  }

  function nameDates() {
    for (const input of document.querySelectorAll(".vDateField, .vTimeField")) {
      if (input.labels?.length || input.hasAttribute("aria-label")) continue;
      const kind = input.previousSibling?.textContent.trim().replace(/:$/, "") || "";
      input.setAttribute("aria-label", `${labelOf(input)} ${kind}`.trim());
    }
  }

  function nameAutocompletes() {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const name = labelOf(select);
      const box = select.nextElementSibling;
      if (!name || !box) continue;
      for (const part of box.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox], input")) {
        part.setAttribute("aria-label", name);
        part.removeAttribute("aria-labelledby");
      }
      // Select2 puts its “clear” mark into the list of the chosen, between the items: it is no list then.
      for (const part of box.querySelectorAll("ul.select2-selection__rendered, ul.select2-selection__rendered > li")) {
        part.setAttribute("role", "presentation");
      }
    }
  }

  function nameInlines() {
    // Django glues “Add another” and the model's name together, which is wrong in every language with cases.
    for (const link of document.querySelectorAll("[data-add-text] .add-row a")) {
      link.textContent = link.closest("[data-add-text]").dataset.addText;
    }
  }

  function nameOpenAutocomplete(event) {
    const name = labelOf(event.target);
    const box = event.target.nextElementSibling.querySelector("[role=combobox]");
    if (box?.hasAttribute("aria-owns")) box.setAttribute("aria-controls", box.getAttribute("aria-owns"));
    const search = document.querySelector(".select2-container--open .select2-search--dropdown input");
    if (!search) return;
    search.setAttribute("aria-label", name);
    search.focus();
  }

  window.django?.jQuery?.(document).on("select2:open", nameOpenAutocomplete);
  function nameAll() {
    nameInlines();
    nameAutocompletes();
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      new MutationObserver(nameAutocompletes).observe(select.parentElement, { childList: true, subtree: true });
    }
  }

  nameDates();
  // Django's scripts build their widgets when jQuery calls; asked later, it calls us after them.
  window.django?.jQuery?.(nameAll);
}
