
(() => {
  const table = document.getElementById("languages-table");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const compare = new Intl.Collator("en").compare;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    const numeric = head.classList.contains("n");
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const order = before === "none" ? (numeric ? "descending" : "ascending") : before === "ascending" ? "descending" : "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", other === head ? order : "none"));
      const sign = order === "ascending" ? 1 : -1;
      rows.sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        return sign * (numeric ? x - y : compare(x, y));
      });
      body.append(...rows);
      show();
    });
  });
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  const more = document.getElementById("more");
  const FOLDED = 40;
  let whole = rows.length <= FOLDED;
  const show = () => {
    const wanted = find.value.trim().toLowerCase();
    const fits = rows.filter((row) => `${row.textContent} ${row.dataset.codes}`.toLowerCase().includes(wanted));
    const shown = new Set(wanted || whole ? fits : fits.slice(0, FOLDED));
    rows.forEach((row) => {
      row.hidden = !shown.has(row);
      document.getElementById(row.dataset.label).hidden = row.hidden;
    });
    const folds = rows.length > FOLDED && !wanted;
    more.hidden = !folds;
    more.textContent = whole ? `Show ${FOLDED} only` : `Show all ${rows.length}`;
    const count = wanted && !fits.length ? "nothing found" : `${shown.size} of ${rows.length}, here and among the samples`;
    found.textContent = shown.size < rows.length ? count : "";
    mark();
  };
  document.querySelector(".tools").hidden = false;
  find.addEventListener("input", () => show());
  more.addEventListener("click", () => { whole = !whole; show(); });
  window.addEventListener("beforeprint", () => { whole = true; show(); });
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  };
  const boxes = Array.from(document.querySelectorAll(".wide"));
  // A closed box is not laid out until its size is asked for. All sizes are read before anything is written.
  const mark = () => {
    const open = boxes.filter((box) => !box.closest("details:not([open])"));
    const scrolling = open.map((box) => box.scrollWidth > box.clientWidth + 1);
    open.forEach((box, place) => {
      box.classList.toggle("scrolls", scrolling[place]);
      box.toggleAttribute("tabindex", scrolling[place]);
    });
  };
  window.addEventListener("resize", mark);
  window.addEventListener("toggle", mark, true);
  show();
  window.addEventListener("hashchange", reveal);
  reveal();
})();
