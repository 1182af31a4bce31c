// The row whose record stands open beside its table.
{
  const mark = (row) => {
    for (const one of document.querySelectorAll("tr[data-selected]")) one.removeAttribute("data-selected");
    row?.setAttribute("data-selected", "");
  };
  addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-opens]");
    if (link && !event.ctrlKey && !event.metaKey) mark(link.closest("tr"));
  });
  // On a narrow screen the panel takes the place of the table: begin at its top.
  addEventListener("htmx:after:swap", (event) => {
    const panel = document.getElementById("panel");
    if (event.detail?.ctx?.target !== panel || !panel.firstElementChild) return;
    if (panel.querySelector("[role=alert][data-focus], [aria-invalid=true]")) return;  // the eyes are there already
    panel.querySelector("[data-focus]")?.focus({ preventScroll: true });
    if (matchMedia("(max-width: 991px)").matches) scrollTo(0, 0);
  });
}
