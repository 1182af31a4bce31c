// Disable the button of a checklist until every box is ticked; the server checks the same.
{
  const count = (form) => {
    const ticks = [...form.querySelectorAll("[type=checkbox]")];
    const done = ticks.filter((tick) => tick.checked).length;
    form.querySelector("button").disabled = done < ticks.length;
    const label = form.querySelector("[data-count]");
    label.textContent = label.dataset.count.replace("#", done);
  };
  const update = () => document.querySelectorAll("[data-checklist]").forEach(count);
  addEventListener("change", ({ target }) => target.closest?.("[data-checklist]") && count(target.form));
  addEventListener("htmx:after:swap", update);
  update();
}
