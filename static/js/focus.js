// After a swap the eyes go to the first wrong field, or to the head of what changed; what happened is said once, politely.
{
  // The pressed button is gone: who goes by keyboard or listens goes on from here, not from the top of the page.
  const head = (root) => {
    if (document.activeElement && document.activeElement !== document.body) return;
    const place = root.querySelector("section h2, h1");
    place?.setAttribute("tabindex", "-1");
    place?.focus();
  };
  const look = (root) => {
    const wrong = ["[role=alert][data-focus]", "[aria-invalid=true]", "[data-focus]"].map((one) => root.querySelector?.(one)).find(Boolean);
    if (!wrong) return root === document || head(root);
    const control = wrong.matches("input, textarea, select, [tabindex]") ? wrong : wrong.querySelector("input, textarea");
    control?.focus();
  };
  const say = (words) => {
    const place = document.getElementById("announce");
    if (!place || !words) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = words; }, 50);
  };
  // What each piece has already said: one that is drawn again without news stays silent.
  const said = new Map();
  const news = (root) => {
    const pieces = [...root.querySelectorAll("[data-announce]"), ...(root.matches?.("[data-announce]") ? [root] : [])];
    const fresh = pieces.filter((piece) => said.get(piece.id) !== piece.dataset.announce);
    for (const piece of fresh) said.set(piece.id, piece.dataset.announce);
    return fresh.map((piece) => piece.dataset.announce).join(" ");
  };
  // Asked before the swap: afterwards a form that was swapped away is no longer what htmx names as the source.
  const sent = new WeakSet();
  addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail?.ctx;
    if (ctx?.sourceElement?.closest?.("form")) sent.add(ctx);
  });
  addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    const id = ctx?.target?.id;
    const root = (id && document.getElementById(id)) || ctx?.target || document.body;
    if (sent.has(ctx)) look(root.isConnected ? root : document.body);
    const fresh = news(root);
    if (fresh) document.getElementById("flash")?.replaceChildren();  // it told of what was before
    say(fresh);
  });
  addEventListener("DOMContentLoaded", () => {
    look(document);
    news(document);
  });
  addEventListener("say", (event) => say(event.detail?.value ?? event.detail));
}
