// Captions as Ringside sends them, in lines that roll. Words reach the page as text nodes only, never as markup.
"use strict";

const QUIET_MS = 40000; // Ringside says something at least every fifteen seconds.
const AGAIN_MS = [500, 1000, 2000, 4000, 5000];

const band = document.getElementById("captions");
let state = null;
let last = 0; // number of the newest word that has its place
let numFailures = 0;
let source = null;
let watchdog = 0;

function clear() {
  band.replaceChildren();
}

function newLine(word) {
  const line = document.createElement("p");
  line.className = "line";
  line.dir = word.rtl ? "rtl" : "ltr";
  band.append(line);
  while (band.childElementCount > state.style.num_lines) {
    band.firstElementChild.remove();
  }
  return line;
}

function overflows(line) {
  return line.scrollWidth > line.clientWidth;
}

function newSpan(name, text) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  span.dataset.text = text;
  return span;
}

function newWord(word, text) {
  const span = newSpan("word", text);
  span.dataset.phrase = String(word.phrase);
  const parts = text.match(/^(\p{P}*)(.*?)(\p{P}*)$/u).slice(1).filter((part) => part !== "");
  if (word.rtl && parts.length > 1) {
    // A mark after a name in letters of the other direction stands away from it; each has its own outline.
    span.dataset.text = "";
    span.replaceChildren(...parts.map((part) => newSpan("part", part)));
  }
  return span;
}

// A word that is wider than its line, which is empty, in parts that are not.
function placeBroken(word, line) {
  let rest = [...new Intl.Segmenter().segment(word.text)].map((part) => part.segment);
  while (rest.length > 0) {
    let few = 1;
    let many = rest.length;
    while (few < many) {
      const some = Math.ceil((few + many) / 2);
      line.replaceChildren(newWord(word, rest.slice(0, some).join("")));
      if (overflows(line)) {
        many = some - 1;
      } else {
        few = some;
      }
    }
    line.replaceChildren(newWord(word, rest.slice(0, few).join("")));
    rest = rest.slice(few);
    if (rest.length > 0) {
      line = newLine(word);
    }
  }
}

function place(word) {
  const span = newWord(word, word.text);
  let line = band.lastElementChild;
  if (line === null || (word.begins && line.childElementCount > 0)) {
    line = newLine(word);
  }
  let space = null;
  const isFirst = line.childElementCount === 0;
  if (!isFirst && !word.joined) {
    space = document.createElement("span");
    space.className = "space";
    space.textContent = " ";
    line.append(space);
  }
  line.append(span);
  if (!isFirst && overflows(line)) {
    span.remove();
    if (space !== null) {
      space.remove();
    }
    line = newLine(word);
    line.append(span);
  }
  if (line.childElementCount === 1 && overflows(line)) {
    placeBroken(word, line);
  }
}

function refit() {
  clear();
  state.words.forEach(place);
}

function withAlpha(colour, opacity) {
  return colour + Math.round(opacity * 255).toString(16).padStart(2, "0");
}

function dress(style) {
  const look = document.documentElement.style;
  const family = style.font ? `${JSON.stringify(style.font)}, ` : "";
  look.setProperty("--font", `${family}system-ui, sans-serif`);
  look.setProperty("--size", `${style.size_px}px`);
  look.setProperty("--text", style.text_colour);
  look.setProperty("--outline", `${style.outline_px}px`);
  look.setProperty("--outline-colour", style.outline_colour);
  look.setProperty("--background", withAlpha(style.background_colour, style.background_opacity));
  look.setProperty("--dim-text", withAlpha(style.text_colour, style.dim_opacity));
  look.setProperty("--lines", String(style.num_lines));
  // Where lines begin at the left, those that are read from the right begin there.
  look.setProperty("--align", { left: "start", centre: "center", right: "end" }[style.align]);
  look.setProperty("--margin", `${style.margin_px}px`);
  document.body.className = style.position;
}

function show(next) {
  const isNew = state === null || state.epoch !== next.epoch;
  const isRestyled = state === null || JSON.stringify(state.style) !== JSON.stringify(next.style);
  state = next;
  band.hidden = state.hidden || state.words.length === 0;
  if (isRestyled) {
    dress(state.style);
  }
  if (isNew || isRestyled) {
    refit();
  } else {
    state.words.filter((word) => word.number > last).forEach(place);
  }
  last = state.words.length > 0 ? state.words[state.words.length - 1].number : 0;
  const spoken = new Set(state.spoken.map(String));
  for (const span of band.querySelectorAll(".word")) {
    span.classList.toggle("spoken", spoken.has(span.dataset.phrase));
  }
  // The line under a phrase goes on between its words.
  for (const space of band.querySelectorAll(".space")) {
    const both = [space.previousElementSibling, space.nextElementSibling];
    space.classList.toggle("spoken", both.every((word) => word !== null && word.classList.contains("spoken")));
  }
  band.classList.toggle("silent", state.silent);
}

function heard() {
  clearTimeout(watchdog);
  watchdog = setTimeout(connectAgain, QUIET_MS);
}

function connectAgain() {
  source.close();
  clearTimeout(watchdog);
  const wait = AGAIN_MS[Math.min(numFailures, AGAIN_MS.length - 1)];
  numFailures += 1;
  watchdog = setTimeout(connect, wait);
}

function connect() {
  source = new EventSource("events");
  source.addEventListener("captions", (event) => {
    numFailures = 0;
    heard();
    show(JSON.parse(event.data));
  });
  source.addEventListener("alive", heard);
  source.addEventListener("error", connectAgain);
  heard();
}

addEventListener("resize", () => {
  if (state !== null) {
    refit();
  }
});
connect();
