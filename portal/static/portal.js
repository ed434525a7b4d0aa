// What is nicer without a new page. Everything works without this file too.
"use strict";

const banner = document.querySelector("[data-banner]");
const notice = document.querySelector("[data-notice]");

/** Sends a form as the browser would; if that fails in any way, the browser sends it itself. */
async function send(form, submitter) {
  try {
    const fields = new URLSearchParams(new FormData(form, submitter));
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "application/json" } });
    if (answer.status === 204) {
      return true;
    }
  } catch {
    // No network: the browser says so in its own words.
  }
  form.removeEventListener("submit", form.listener);
  form.requestSubmit(submitter);
  return false;
}

/** Sends a form in the background, then does something to the page. */
function quietly(form, done) {
  form.listener = async (event) => {
    event.preventDefault();
    if (await send(form, event.submitter)) {
      done();
    }
  };
  form.addEventListener("submit", form.listener);
}

if (banner) {
  const dismissal = banner.querySelector("[data-dismiss]");
  quietly(dismissal, () => {
    notice.lang = banner.lang;
    notice.textContent = dismissal.dataset.dismiss;
    banner.remove();
    document.getElementById("main").focus();
  });

  const opinion = banner.querySelector("[data-thanks]");
  if (opinion) {
    quietly(opinion, () => {
      const thanks = document.createElement("p");
      thanks.tabIndex = -1;
      thanks.className = "opinion";
      thanks.textContent = opinion.dataset.thanks;
      opinion.replaceWith(thanks);
      thanks.focus();
    });
  }

  const opener = banner.querySelector("[data-opens]");
  if (opener) {
    opener.addEventListener("submit", (event) => {
      event.preventDefault();
      document.getElementById(opener.dataset.opens).showModal();
    });
  }
}
