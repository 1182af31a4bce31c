// Mark the table row whose record is open in the panel.
{
  const mark = (row) => {
    for (const selected of document.querySelectorAll("tr[data-selected]")) selected.removeAttribute("data-selected");
    row?.setAttribute("data-selected", "");
  };
  addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-opens]");
    if (link && !event.ctrlKey && !event.metaKey) mark(link.closest("tr"));
  });
  // On a narrow screen the panel replaces the table: scroll to its top.
  addEventListener("htmx:after:swap", (event) => {
    const panel = document.getElementById("panel");
    if (event.detail?.ctx?.target !== panel || !panel.firstElementChild) return;
    if (panel.querySelector("[role=alert][data-focus], [aria-invalid=true]")) return;  // focus.js has focused it already
    panel.querySelector("[data-focus]")?.focus({ preventScroll: true });
    if (matchMedia("(max-width: 991px)").matches) scrollTo(0, 0);
  });
}
