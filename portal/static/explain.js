// The answer follows the form. Without this file the form's button does the same.
"use strict";

const PAUSE_MS = 60; // between two questions while a slider moves
const QUIET_MS = 700; // without a new answer, before a screen reader is told

const form = document.querySelector("[data-what-if]");

if (form) {
  const answer = document.querySelector("[data-shows-answer]");
  const summary = document.querySelector("[data-shows-summary]");
  const told = document.querySelector("[data-told]");
  let asksSoon, tellsSoon, asking;

  /** Asks for the answer to what stands in the form, and drops an older question. */
  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const typed = new URLSearchParams(new FormData(form));
    try {
      const response = await fetch(`${form.dataset.answer}?${typed}`, { signal: asking.signal });
      if (response.redirected) { // to the sign-in page: the session is over
        location.assign(response.url);
        return;
      }
      show(new DOMParser().parseFromString(await response.text(), "text/html"));
      history.replaceState(null, "", `${form.getAttribute("action")}?${typed}`);
    } catch (error) {
      if (error.name !== "AbortError") {
        summary.textContent = "No answer from the portal. Change a value to try again.";
      }
    }
    clearTimeout(tellsSoon);
    tellsSoon = setTimeout(() => {
      told.textContent = summary.textContent;
    }, QUIET_MS);
  }

  function show(page) {
    summary.replaceChildren(...page.querySelector("[data-summary]").childNodes);
    for (const details of answer.querySelectorAll("details[open][id]")) {
      page.getElementById(details.id)?.setAttribute("open", "");
    }
    for (const note of form.querySelectorAll("[data-error-of]")) {
      const name = CSS.escape(note.dataset.errorOf);
      note.textContent = page.querySelector(`[data-error="${name}"]`)?.textContent ?? "";
      form.querySelector(`[name="${name}"]:not([type="hidden"])`).ariaInvalid = note.textContent ? "true" : null;
    }
    answer.replaceChildren(...page.body.childNodes);
  }

  /** Marks what differs from the start. */
  function mark() {
    for (const control of form.querySelectorAll("[data-start]")) {
      const value = control.type === "checkbox" ? String(control.checked) : control.value;
      const isNumber = control.type === "number" && value !== "";
      const same = isNumber ? Number(value) === Number(control.dataset.start) : value === control.dataset.start;
      control.closest("[data-control]").toggleAttribute("data-changed", !same);
    }
  }

  for (const slider of form.querySelectorAll("[data-moves]")) {
    const number = document.getElementById(slider.dataset.moves);
    slider.hidden = false;
    slider.addEventListener("input", () => {
      number.value = slider.value;
    });
    number.addEventListener("input", () => {
      slider.value = number.value;
    });
  }

  form.querySelector("[data-plain]").hidden = true;
  form.addEventListener("input", () => {
    mark();
    asksSoon ??= setTimeout(() => {
      asksSoon = undefined;
      ask();
    }, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  mark();
}
