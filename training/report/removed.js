"use strict";
const at = id => document.getElementById(id);
const cards = [...document.querySelectorAll(".card")];
const before = cards.map(card => card.dataset.do); // decided when the sheet was made
const draft = "decisions on sheet " + at("all").dataset.sheet;
let saved = true;

// A card's data-do is "", keep, drop or the score that the picture gets instead.
function decide(card, what) {
  card.dataset.do = what;
  card.querySelector(`input[value="${what}"]`).checked = true;
}

// remember keeps what differs from the sheet; a browser may refuse to.
function remember() {
  const changed = {};
  cards.forEach((card, i) => { if (card.dataset.do !== before[i]) changed[i] = card.dataset.do; });
  try { localStorage.setItem(draft, JSON.stringify({ changed, saved })); } catch { }
}

function recall() {
  let kept = { changed: {}, saved: true };
  try { kept = JSON.parse(localStorage.getItem(draft)) || kept; } catch { }
  saved = kept.saved;
  cards.forEach((card, i) => decide(card, kept.changed[i] ?? before[i])); // browsers restore buttons by themselves
}

// field quotes what a table cannot hold as it is.
function field(text) { return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; }

// decisions is the table of all cards that a person decided about.
function decisions() {
  let text = "file,frame,decision,score,note\n";
  for (const { dataset: d } of cards) {
    if (!d.do) continue;
    const score = /^\d$/.test(d.do) ? d.do : "";
    text += [d.file, d.frame, score ? "relabel" : d.do, score, d.note].map(field).join(",") + "\n";
  }
  return text;
}

// filter hides cards; a decision alone hides none, so that nothing moves under a hand.
function filter() {
  const given = at("given").value, predicted = at("predicted").value, decided = at("decided").value;
  const words = at("words").value.trim().toLowerCase();
  for (const card of cards) {
    const d = card.dataset;
    card.hidden = given && d.given !== given || predicted && d.predicted !== predicted ||
      decided && decided !== (d.do ? "yes" : "no") || !(d.patient + " " + d.file).toLowerCase().includes(words);
  }
  count();
}

function count() {
  const shown = cards.filter(card => !card.hidden).length, decided = cards.filter(card => card.dataset.do).length;
  at("count").textContent = `${shown} of ${cards.length} shown, ${decided} decided${saved ? "" : ", not saved"}`;
}

function changed() {
  saved = false;
  remember();
  count();
}

at("all").addEventListener("change", event => {
  decide(event.target.closest(".card"), event.target.value);
  changed();
});
for (const id of ["given", "predicted", "decided"]) at(id).addEventListener("change", filter);
at("words").addEventListener("input", filter);
at("apply").addEventListener("click", () => {
  const shown = cards.filter(card => !card.hidden), what = at("what");
  if (!shown.length || !confirm(`Decide "${what.selectedOptions[0].text}" about all ${shown.length} pictures shown?`)) return;
  for (const card of shown) decide(card, what.value);
  changed();
});
at("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([decisions()], { type: "text/csv" }));
  link.download = at("all").dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); // the browser may still read it
  saved = true;
  remember();
  count();
});
recall();
filter();
