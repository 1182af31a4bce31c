// Whenever the line to /live is (again) open, every live piece looks once for itself, so that nothing is missed.
{
  let opened = 0;
  const resume = () => document.body.dispatchEvent(new Event("live-resume"));
  let over = false;
  addEventListener("htmx:sse:after:connection", (event) => {
    over = event.detail.connection.status === 204;
    // The first time only what changed while the page was on its way can be missing, which can wait for the page to settle.
    // Later all phones come back together, after a restart: spread them.
    if (!over) setTimeout(resume, (opened++ ? 0 : 2000) + Math.random() * 800);
  });
  // 204 says that nobody is signed in any more: asking again would not help.
  addEventListener("htmx:sse:before:connection", (event) => { if (over) event.preventDefault(); });
  addEventListener("pageshow", (event) => { if (event.persisted) resume(); });

  // What somebody unfolded stays open when its piece is drawn anew.
  htmx.registerExtension("kept", {
    htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.matches("details[data-kept]")),
  });

  const line = () => {
    const note = document.getElementById("offline");
    if (note) note.hidden = navigator.onLine;
  };
  addEventListener("online", () => { line(); resume(); });
  addEventListener("offline", line);
}
