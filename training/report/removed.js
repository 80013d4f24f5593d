"use strict";
const cards = [...document.querySelectorAll(".card")];

// field quotes what a table cannot hold as it is.
function field(text) { return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; }

// decisions is the table of all cards that a person decided about.
function decisions() {
  let text = "file,frame,decision,score,note\n";
  for (const card of cards) {
    const chosen = card.querySelector("input:checked");
    if (!chosen || !chosen.value) continue;
    text += [card.dataset.file, card.dataset.frame, chosen.value, chosen.dataset.score || "", ""].map(field).join(",") + "\n";
  }
  return text;
}

function show() {
  const given = document.getElementById("given").value, predicted = document.getElementById("predicted").value;
  let shown = 0;
  for (const card of cards) {
    card.hidden = given && card.dataset.given !== given || predicted && card.dataset.predicted !== predicted;
    if (!card.hidden) shown++;
  }
  const decided = decisions().trim().split("\n").length - 1;
  document.getElementById("count").textContent = `${shown} of ${cards.length} shown, ${decided} decided`;
}

document.addEventListener("change", event => {
  const card = event.target.closest(".card");
  if (card) card.dataset.do = event.target.value;
  show();
});
document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([decisions()], { type: "text/csv" }));
  link.download = document.getElementById("all").dataset.name;
  link.click();
  URL.revokeObjectURL(link.href);
});
show();
