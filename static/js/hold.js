// How long a time is still kept, in words and as a bar; it never reloads by itself. What is left comes from us: phones' clocks go wrong.
{
  const tick = () => {
    for (const note of document.querySelectorAll("[data-hold]")) {
      note.dataset.ends ||= Date.now() + note.querySelector("progress").value * 1000;
      const left = Math.max(0, Math.round((note.dataset.ends - Date.now()) / 1000));
      const words = note.querySelector("[data-hold-left]");
      const minutes = Math.floor(left / 60);
      note.querySelector("progress").value = left;
      words.textContent = left
        ? (minutes ? `${minutes} ${words.dataset.minutes} ` : "") + `${left % 60} ${words.dataset.seconds}`
        : note.dataset.holdOver;
    }
  };
  addEventListener("DOMContentLoaded", tick);
  setInterval(tick, 1000);
}
