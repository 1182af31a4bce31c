// Count down a hold, as text and progress bar, without reloading. The server gives the seconds left, because phone clocks are unreliable.
{
  const tick = () => {
    for (const note of document.querySelectorAll("[data-hold]")) {
      note.dataset.ends ||= Date.now() + note.querySelector("progress").value * 1000;
      const left = Math.max(0, Math.round((note.dataset.ends - Date.now()) / 1000));
      const label = note.querySelector("[data-hold-left]");
      const minutes = Math.floor(left / 60);
      note.querySelector("progress").value = left;
      label.textContent = left
        ? (minutes ? `${minutes} ${label.dataset.minutes} ` : "") + `${left % 60} ${label.dataset.seconds}`
        : note.dataset.holdOver;
    }
  };
  addEventListener("DOMContentLoaded", tick);
  setInterval(tick, 1000);
}
