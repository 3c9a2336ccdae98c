
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
    });
  });
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  document.querySelector(".tools").hidden = false;
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row) => {
      row.hidden = !`${row.textContent} ${row.dataset.codes}`.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    });
    found.textContent = wanted ? (shown ? `${shown} of ${rows.length}` : "nothing found") : "";
  });
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  const boxes = Array.from(document.querySelectorAll(".wide"));
  const mark = () => boxes.forEach((box) => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", scrolls);
    box.toggleAttribute("tabindex", scrolls);
  });
  window.addEventListener("resize", mark);
  window.addEventListener("toggle", mark, true);
  mark();
  window.addEventListener("hashchange", reveal);
  reveal();
})();
