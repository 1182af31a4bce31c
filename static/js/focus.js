// After a swap the eyes go to the first wrong field; what happened is said once, politely.
{
  const look = (root) => {
    const wrong = root.querySelector?.("[data-focus]") ?? root.querySelector?.("[aria-invalid=true]");
    if (!wrong) return;
    const control = wrong.matches("input, textarea, select, [tabindex]") ? wrong : wrong.querySelector("input, textarea");
    control?.focus();
  };
  const say = (words) => {
    const place = document.getElementById("announce");
    if (!place || !words) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = words; }, 50);
  };
  const saidBy = (root) => root.matches?.("[data-announce]") ? root : root.querySelector?.("[data-announce]");
  addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    const id = ctx?.target?.id;
    const root = (id && document.getElementById(id)) || ctx?.target || document.body;
    if (ctx?.sourceElement?.closest?.("form")) look(root.isConnected ? root : document.body);
    const told = saidBy(root);
    if (told && told.dataset.announce !== told.dataset.said) {
      told.dataset.said = told.dataset.announce;
      say(told.dataset.announce);
    }
  });
  addEventListener("DOMContentLoaded", () => look(document));
  addEventListener("say", (event) => say(event.detail?.value ?? event.detail));
}
