// The search box and the copy buttons. Without this script everything can still be read: the overview links to every page.
"use strict";

document.documentElement.classList.add("script");

// ── Search ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const SHOWN_MAX = 40;

const form = document.querySelector("[role=search]");
const input = form.querySelector("input");
const list = document.getElementById("found");
const count = document.getElementById("count");
let chosen = -1;

function choose(index) {
  const options = [...list.querySelectorAll("[role=option]")];
  chosen = options.length ? (index + options.length) % options.length : -1;
  options.forEach((option, i) => option.setAttribute("aria-selected", String(i === chosen)));
  if (chosen >= 0) {
    input.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function close() {
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function show() {
  const query = input.value.trim();
  if (!query) { count.textContent = ""; return close(); }
  const found = search(query);
  const shown = found.slice(0, SHOWN_MAX);
  list.replaceChildren(...shown.map((entry, index) => {
    const option = document.createElement("li");
    option.id = `found-${index}`;
    option.setAttribute("role", "option");
    option.dataset.href = entry.href;
    const where = entry.kind === "field" || entry.kind === "code" ? `${entry.kind} · ${entry.page.replace("codes-", "")}` : entry.kind;
    option.append(element("b", entry.name), element("span", where), element("span", entry.said));
    return option;
  }));
  if (!shown.length) {
    const none = element("li", "Nothing found.");
    none.className = "none";
    list.append(none);
  }
  count.textContent = found.length === 1 ? "1 result" : `${found.length} results`;
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  choose(0);
}

function open(option) {
  if (!option) return;
  close();
  input.blur();
  location.href = option.dataset.href;
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", show);
input.addEventListener("focus", show);
input.addEventListener("blur", () => close());
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") { event.preventDefault(); if (list.hidden) show(); else choose(chosen + 1); }
  else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
  else if (event.key === "Enter") { event.preventDefault(); open(list.querySelector("[aria-selected=true]")); }
  else if (event.key === "Escape") { if (input.value) { input.value = ""; show(); } else input.blur(); event.preventDefault(); }
});
list.addEventListener("mousedown", (event) => {
  event.preventDefault(); // keeps the focus, so that the list stays until the click is done
  open(event.target.closest("[role=option]"));
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    input.focus();
    input.select();
  }
});

// ── Navigation ─────────────────────────────────────────────────────────────────────────────────────────────────────

const side = document.querySelector(".side");
const here = side.querySelector("[aria-current]");
if (here && here.offsetTop > side.clientHeight) side.scrollTop = here.offsetTop - side.clientHeight / 2;

// ── Copy ───────────────────────────────────────────────────────────────────────────────────────────────────────────

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: selected, so that Ctrl+C copies it
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  button.setAttribute("aria-live", "polite");
}
