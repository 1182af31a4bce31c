// After a swap, focus the first wrong field or the heading of what changed, and announce the change once to screen readers.
{
  // The pressed button is gone: keyboard and screen reader users continue from here, not from the top of the page.
  const focusHeading = (root) => {
    if (document.activeElement && document.activeElement !== document.body) return;
    const heading = root.querySelector("section h2, h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
  };
  const focusFirst = (root) => {
    const first = ["[role=alert][data-focus]", "[aria-invalid=true]", "[data-focus]"].map((selector) => root.querySelector?.(selector)).find(Boolean);
    if (!first) return root === document || focusHeading(root);
    const control = first.matches("input, textarea, select, [tabindex]") ? first : first.querySelector("input, textarea");
    control?.focus();
  };
  const announce = (text) => {
    const region = document.getElementById("announce");
    if (!region || !text) return;
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 50);
  };
  // What each fragment announced last: one that is swapped again unchanged stays silent.
  const announced = new Map();
  const announcements = (root) => {
    const fragments = [...root.querySelectorAll("[data-announce]"), ...(root.matches?.("[data-announce]") ? [root] : [])];
    const fresh = fragments.filter((fragment) => announced.get(fragment.id) !== fragment.dataset.announce);
    for (const fragment of fresh) announced.set(fragment.id, fragment.dataset.announce);
    return fresh.map((fragment) => fragment.dataset.announce).join(" ");
  };
  // Checked before the swap: afterwards htmx no longer names a form that was swapped away as the source.
  const submitted = new WeakSet();
  addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail?.ctx;
    if (ctx?.sourceElement?.closest?.("form")) submitted.add(ctx);
  });
  addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    // After HX-Retarget the target is a selector.
    const target = typeof ctx?.target === "string" ? document.querySelector(ctx.target) : ctx?.target;
    const root = (target?.id && document.getElementById(target.id)) || target || document.body;
    if (submitted.has(ctx)) focusFirst(root.isConnected ? root : document.body);
    const text = announcements(root);
    if (text) document.getElementById("flash")?.replaceChildren();  // it was about the previous state
    announce(text);
  });
  addEventListener("DOMContentLoaded", () => {
    focusFirst(document);
    announcements(document);
  });
  addEventListener("say", (event) => announce(event.detail?.value ?? event.detail));
}
