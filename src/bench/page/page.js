// Sorting of tables and legends that switch series off. The page is whole without it.
"use strict";

const UNITS = {bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12};

/** What a cell sorts by: its leading number with a unit of bytes counted in, or its text. */
function keyOf(cell) {
  const text = cell.textContent.trim();
  const number = parseFloat(text.replace(/,/g, ""));
  const unit = text.split(" ")[1];
  return Number.isNaN(number) ? text : number * (UNITS[unit] || 1);
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === typeof b) return a.localeCompare(b);
  return typeof a === "number" ? -1 : 1;
}

function asButton(element) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...element.childNodes);
  element.append(button);
  return button;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    asButton(head).addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => (down ? -1 : 1) * compare(keyOf(a.cells[column]), keyOf(b.cells[column])));
      table.tBodies[0].append(...rows);
    });
  });
}

for (const item of document.querySelectorAll(".legend li")) {
  const button = asButton(item);
  button.setAttribute("aria-pressed", "true");
  button.addEventListener("click", () => {
    const off = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!off));
    const series = `[data-series="${item.dataset.toggles}"]`;
    for (const part of item.closest("section").querySelectorAll(series)) part.classList.toggle("off", off);
  });
}
