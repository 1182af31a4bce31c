// Tables of admins without a mouse: "/" goes to the search, j and k to the next and the previous row, Enter opens it,
// Escape closes the panel. With a mouse the whole row presses.
{
  const linkOf = (row) => row?.querySelector("[data-opens], td:first-child a[href]");
  const rows = () => [...document.querySelectorAll("main tbody tr")]
    .filter((row) => !row.closest("#panel") && linkOf(row));
  const selected = () => document.querySelector("tr[data-selected]");
  const step = (by) => {
    const all = rows(), at = all.indexOf(document.activeElement.closest("tr") ?? selected());
    linkOf(all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)])?.focus();
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea, select")) return;
    const search = document.getElementById("q");
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
    // The first Escape closes a menu or a sheet.
    if (event.key === "Escape" && !document.querySelector("details[data-closes][open]"))
      document.querySelector("#panel .panel__close")?.click();
  }, true);
  addEventListener("click", (event) => {
    const row = event.target.closest?.("#list tbody tr");
    if (!row || event.target.closest("a, button, input, label, summary") || String(getSelection())) return;
    linkOf(row)?.click();
  });
  // Closing draws the table again; the panel goes, and the focus returns to its row, whatever drew it meanwhile.
  let opened;
  const isClosing = (event) => event.detail?.ctx?.sourceElement?.matches?.(".panel__close");
  addEventListener("click", (event) => { opened = event.target.closest?.("[data-opens]")?.closest("tr").id ?? opened; });
  addEventListener("htmx:after:swap", (event) => {
    if (!isClosing(event)) return;
    const row = document.getElementById(opened ?? "") ?? selected();
    opened = undefined;
    document.getElementById("panel").replaceChildren();
    row?.removeAttribute("data-selected");
    (linkOf(row) ?? document.getElementById("main")).focus();
  });
}
