// What is nicer without a new page. Everything can be read without this file too.
"use strict";

const EVERY_MS = 5000;
const state = document.querySelector("[data-live-state]");
let running = true;

/** What a mark of a drawing says of itself, beside the pointer. */
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

document.addEventListener("pointermove", (event) => {
  const mark = event.target.closest?.("[data-tip]");
  tip.hidden = !mark;
  if (mark) {
    tip.textContent = mark.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 12;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
  }
});

/** Puts in place what has changed since, and leaves alone what somebody is using. */
function renew(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || part.contains(document.activeElement) || part.dataset.was === next.innerHTML) {
      continue;
    }
    for (const open of part.querySelectorAll("details[open][id]")) {
      next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    part.dataset.was = next.innerHTML;
    part.replaceChildren(...next.childNodes);
  }
}

/** Asks for the page again; the answer is short if nothing has changed. */
async function look() {
  if (running && !document.hidden) {
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (answer.redirected) { // to the sign-in page: the session is over
        location.assign(answer.url);
        return;
      }
      if (answer.ok) {
        renew(await answer.text());
      }
      say(answer.ok ? "Live" : `Not live: the dashboard answers ${answer.status}`);
    } catch {
      say("Not live: the dashboard does not answer");
    }
  }
  setTimeout(look, EVERY_MS);
}

const words = document.createElement("span");

function say(text) {
  if (words.textContent !== text) {
    words.textContent = text;
  }
}

if (document.querySelector("[data-live]")) {
  const pause = document.createElement("button");
  pause.className = "link-button";
  pause.type = "button";
  pause.textContent = "Pause";
  pause.addEventListener("click", () => {
    running = !running;
    pause.textContent = running ? "Pause" : "Go on";
    say(running ? "Live" : "Paused");
  });
  say("Live");
  words.setAttribute("role", "status");
  state.append(words, " ", pause);
  for (const part of document.querySelectorAll("[data-live]")) {
    part.dataset.was = part.innerHTML;
  }
  setTimeout(look, EVERY_MS);
}
