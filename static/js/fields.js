// Small helps while typing: the eye of a password, groups of a card number, the boxes of a code, what a radio says elsewhere.
{
  const digits = (words) => words.replace(/\D/g, "");
  const mark = (input) => { input.closest("[data-code]").dataset.at = Math.min(input.value.length, 6); };
  const says = (radio) => {
    const place = document.getElementById(radio.dataset.says);
    if (place) place.textContent = radio.dataset.words;
  };
  const ready = (root) => {
    root.querySelectorAll(".field__eye[hidden]").forEach((eye) => { eye.hidden = false; });
    root.querySelectorAll("[data-code] input").forEach(mark);
    root.querySelectorAll("[data-says]:checked").forEach(says);
  };
  addEventListener("change", (event) => {
    const eye = event.target;
    if (eye.dataset.eye) document.getElementById(eye.dataset.eye).type = eye.checked ? "text" : "password";
  });
  addEventListener("input", (event) => {
    const field = event.target;
    if (field.closest("[data-code]")) {
      field.value = field.value.replace(/\P{Nd}/gu, "").slice(0, 6);  // digits of any script
      mark(field);
    }
    if (field.dataset.group === "card") field.value = digits(field.value).slice(0, 19).replace(/(.{4})(?=.)/g, "$1 ");
    if (field.dataset.group === "expiry") field.value = digits(field.value).slice(0, 4).replace(/^(..)(.+)/, "$1 / $2");
  });
  addEventListener("change", (event) => {
    const radio = event.target;
    if (radio.dataset.says) says(radio);
    if (radio.dataset.word) document.querySelector(`[data-word-for="${radio.name}"]`).textContent = radio.dataset.word;
  });
  addEventListener("DOMContentLoaded", () => ready(document));
  addEventListener("htmx:after:swap", () => ready(document));
}
