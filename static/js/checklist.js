// The button of a checklist stays shut until all of it is ticked; the server says the same.
{
  const count = (form) => {
    const ticks = [...form.querySelectorAll("[type=checkbox]")];
    const done = ticks.filter((one) => one.checked).length;
    form.querySelector("button").disabled = done < ticks.length;
    const words = form.querySelector("[data-count]");
    words.textContent = words.dataset.count.replace("#", done);
  };
  const all = () => document.querySelectorAll("[data-checklist]").forEach(count);
  addEventListener("change", ({ target }) => target.closest?.("[data-checklist]") && count(target.form));
  addEventListener("htmx:after:swap", all);
  all();
}
