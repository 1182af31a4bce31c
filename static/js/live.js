// When the /live stream opens or reopens, every live fragment reloads once, so that no event is missed.
{
  let opened = 0;
  const resume = () => document.body.dispatchEvent(new Event("live-resume"));
  let ended = false;
  addEventListener("htmx:sse:after:connection", (event) => {
    ended = event.detail.connection.status === 204;
    // The first time only changes during the page load can be missing, and they can wait until the page has settled.
    // After a restart all clients reconnect together: spread their requests.
    if (!ended) setTimeout(resume, (opened++ ? 0 : 2000) + Math.random() * 800);
  });
  // 204: the user is signed out, so do not reconnect.
  addEventListener("htmx:sse:before:connection", (event) => { if (ended) event.preventDefault(); });
  addEventListener("pageshow", (event) => { if (event.persisted) resume(); });

  // A piece that reloads by itself keeps <details> that the user opened open, and every part with the answer to the
  // user's last act (data-answered) until that part is about another step.
  let reloading = false;
  const isReload = (ctx) => Boolean(ctx?.sourceElement?.hasAttribute("hx-get")) && ctx.sourceElement === ctx.target;
  addEventListener("htmx:before:swap", (event) => { reloading = isReload(event.detail?.ctx); });
  addEventListener("htmx:after:swap", () => { reloading = false; });
  htmx.registerExtension("kept", {
    htmx_before_morph_node: (element, { newNode }) =>
      !(reloading && element.matches?.("[data-answered]") && element.dataset.step === newNode.dataset.step),
    htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.matches("details[data-kept]")),
  });

  const showOffline = () => {
    const note = document.getElementById("offline");
    if (note) note.hidden = navigator.onLine;
  };
  addEventListener("online", () => { showOffline(); resume(); });
  addEventListener("offline", showOffline);
}
