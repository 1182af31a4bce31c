// Menus and sheets are <details>: Escape or a click outside closes them.
{
  const open = () => document.querySelectorAll("details[data-closes][open]");
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const sheet of open()) {
      sheet.open = false;
      sheet.querySelector("summary").focus();
    }
  });
  addEventListener("click", (event) => {
    for (const sheet of open()) {
      const inside = sheet.querySelector("summary + *");
      if (!sheet.querySelector("summary").contains(event.target) && !inside.contains(event.target)) sheet.open = false;
    }
  });
  // A choice folds up again once a pointer has made it; arrow keys may go on.
  addEventListener("click", (event) => {
    const folded = event.detail && event.target.matches?.("[type=radio]") && event.target.closest("details[data-folds]");
    if (!folded) return;
    folded.open = false;
    folded.querySelector("summary").focus({ preventScroll: true });
  });
  addEventListener("click", (event) => {
    if (event.target.closest?.("[data-closes-sheet]")) for (const sheet of open()) sheet.open = false;
  });
  addEventListener("click", (event) => {
    if (event.target.closest?.("[data-dismiss]")) event.target.closest(".note, [data-dismissed]")?.remove();
  });
}
