// Input helpers: show a password, group a card number, mark the boxes of a code, show the text of a selected radio elsewhere, clear errors,
// and select a pincode that is there already, so that what is typed replaces it.
{
  const digits = (text) => text.replace(/\D/g, "");
  const codeDigits = (text) => text.replace(/\P{Nd}/gu, "");  // of any script
  // What was just typed or pasted into the box of a code, which had as many digits as are marked: a full box that is
  // typed into starts again, wherever the caret stood.
  const inserted = (field) => {
    const added = field.value.length - Number(field.closest("[data-code]").dataset.at ?? 0);
    return field.value.slice(field.selectionStart - added, field.selectionStart);
  };
  const mark = (input) => { input.closest("[data-code]").dataset.at = Math.min(input.value.length, 6); };
  const showText = (radio) => {
    for (const id of radio.dataset.showsIn.split(" ")) {
      const target = document.getElementById(id);
      if (target) target.textContent = radio.dataset.label;
    }
  };
  // A button that needs a radio is live once one is chosen; what shows the choice is empty until then.
  const checkNeeds = () => {
    for (const button of document.querySelectorAll("[data-needs]")) {
      button.disabled = !button.form?.querySelector(`[name="${button.dataset.needs}"]:checked`);
      const shown = button.form?.querySelector("[data-empty]");
      if (button.disabled && shown) shown.textContent = shown.dataset.empty;
    }
  };
  const prepare = (root) => {
    root.querySelectorAll(".field__eye[hidden]").forEach((eye) => { eye.hidden = false; });
    root.querySelectorAll("[data-code] input").forEach(mark);
    root.querySelectorAll("[data-shows-in]:checked").forEach(showText);
    checkNeeds();
  };
  addEventListener("change", (event) => {
    const eye = event.target;
    if (eye.dataset.eye) document.getElementById(eye.dataset.eye).type = eye.checked ? "text" : "password";
  });
  addEventListener("input", (event) => {
    const field = event.target;
    if (field.closest("[data-code]")) {
      const code = codeDigits(field.value);
      field.value = code.length > 6 ? codeDigits(inserted(field)).slice(0, 6) : code;
      mark(field);
    }
    if (field.dataset.group === "card") field.value = digits(field.value).slice(0, 19).replace(/(.{4})(?=.)/g, "$1 ");
    // The server reads every usual form, so that only a month and two or three bare digits are spaced out.
    if (field.dataset.group === "expiry" && /^\d{3,4}$/.test(field.value))
      field.value = field.value.replace(/^(0[1-9]|1[0-2])(.+)/, "$1 / $2");
  });
  addEventListener("change", (event) => {
    const radio = event.target;
    if (radio.dataset.showsIn) showText(radio);
    checkNeeds();
    if (radio.dataset.ratingLabel) document.querySelector(`[data-rating-label-for="${radio.name}"]`).textContent = radio.dataset.ratingLabel;
  });
  // A refused field that is put right loses its error at once; the summary above counts what is left, of two or more.
  // While it is typed: at the change event the pointer is already down on a button, which would move from under it.
  addEventListener("input", ({ target }) => {
    if (target.ariaInvalid !== "true" || !target.required || !target.checkValidity()) return;
    target.removeAttribute("aria-invalid");
    document.getElementById(`${target.name}-error`)?.remove();
    const summary = target.form?.querySelector(".summary");
    summary?.querySelector(`[href="#${target.name}"]`)?.closest("li").remove();
    const left = summary?.querySelectorAll("li").length;
    if (left < 2) summary.remove();
    else if (left) summary.querySelector("h2").textContent = summary.querySelector("h2").textContent.replace(/\d+/, left);
  });
  // A press sets the caret after the focus, so that the click which brought the focus selects once more.
  let entered = null;
  addEventListener("focusin", ({ target }) => {
    entered = target.autocomplete === "postal-code" ? target : null;
    entered?.select();
  });
  addEventListener("click", ({ target }) => {
    if (target === entered) target.select();
    entered = null;
  });
  addEventListener("DOMContentLoaded", () => prepare(document));
  addEventListener("htmx:after:swap", () => prepare(document));
}
