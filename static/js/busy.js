// Show a submit button as busy and prevent a second submission, with and without htmx; send where the button says.
{
  // The text of a button; of several spans the one that is shown.
  const labelOf = (button) => [...button.querySelectorAll("span")].find((span) => span.checkVisibility()) ?? button.lastChild;
  const reset = (form) => {
    form.removeAttribute("data-sent");
    for (const button of form.querySelectorAll("[data-busy]")) {
      button.removeAttribute("data-busy");
      button.removeAttribute("aria-disabled");
      if (button.dataset.label) labelOf(button).textContent = button.dataset.label;
    }
  };
  addEventListener("submit", (event) => {
    if (!event.target.hasAttribute("data-sent")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter ?? form.querySelector(".button--go, button:not([type=button])");
    if (form.method === "get" || !button) return;
    form.setAttribute("data-sent", "");
    button.setAttribute("data-busy", "");
    button.setAttribute("aria-disabled", "true");
    if (button.dataset.busyLabel) {
      button.dataset.label = labelOf(button).textContent;
      labelOf(button).textContent = button.dataset.busyLabel;
    }
  });
  // htmx would post a form to its own address, whichever button was pressed.
  addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    const address = ctx.request.submitter?.getAttribute("formaction");
    if (address) ctx.request.action = address;
  });
  addEventListener("htmx:finally:request", (event) => {
    const form = event.detail.ctx?.sourceElement?.closest?.("form");
    if (form) reset(form);
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(reset);
  });
}
