
(() => {
  const { name, header, rows } = JSON.parse(document.getElementById("rows").textContent);
  const at = (id) => document.getElementById(id);
  const buttons = Array.from(document.querySelectorAll("[data-answer]"));
  const column = Object.fromEntries(header.map((title, place) => [title, place]));
  let kept = {};
  let keeps = true;
  try {
    kept = JSON.parse(localStorage.getItem(name) ?? "{}");
  } catch {
    keeps = false;
  }
  const answer = (row) => kept[row[column.document]] ?? ["", ""];
  let place = Math.max(rows.findIndex((row) => !answer(row)[0]), 0);
  const keep = (judgement, note) => {
    kept[rows[place][column.document]] = [judgement, note];
    try {
      localStorage.setItem(name, JSON.stringify(kept));
    } catch {
      keeps = false;
    }
  };
  const show = () => {
    const row = rows[place];
    const [judgement, note] = answer(row);
    for (const id of ["before", "passage", "after", "url"]) at(id).textContent = row[column[id]];
    at("note").value = note;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.answer === judgement)));
    const done = rows.filter((each) => answer(each)[0]).length;
    at("progress").textContent = `Passage ${place + 1} of ${rows.length}; ${done} answered.` + (keeps ? "" : " This browser keeps nothing: save before you leave.");
    at("back").disabled = place === 0;
    at("next").disabled = place === rows.length - 1;
  };
  const go = (step) => {
    place = Math.min(Math.max(place + step, 0), rows.length - 1);
    show();
  };
  buttons.forEach((button) => button.addEventListener("click", () => {
    keep(button.dataset.answer, at("note").value);
    go(1);
  }));
  at("note").addEventListener("change", () => keep(answer(rows[place])[0], at("note").value));
  at("back").addEventListener("click", () => go(-1));
  at("next").addEventListener("click", () => go(1));
  document.addEventListener("keydown", (event) => {
    if (event.target === at("note") || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    // Where it is on the keyboard: the row of digits gives other signs on French keyboards, and other digits on Arabic ones.
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? event.key;
    const chosen = buttons[Number(digit) - 1];
    if (chosen) chosen.click();
    else if (event.key === "ArrowLeft") go(-1);
    else if (event.key === "ArrowRight") go(1);
  });
  at("save").addEventListener("click", () => {
    const cell = (value) => `"${value.replace(/"/g, '""')}"`;
    const filled = rows.map((row) => {
      const [judgement, note] = answer(row);
      const written = [...row];
      written[column.judgement] = judgement;
      written[column.note] = /^[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/.test(note) ? `'${note}` : note;
      return written;
    });
    const lines = [header, ...filled].map((row) => row.map(cell).join(",") + "\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", ...lines], { type: "text/csv" }));
    link.download = `${name}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  at("card").hidden = false;
  if (rows.length) show();
})();
