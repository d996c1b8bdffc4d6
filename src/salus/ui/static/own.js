// What htmx leaves unsaid and undone. https://htmx.org/events/
(() => {
  // What was sent did not get through: the page stays as it was, and says so.
  const tell = (hidden) => () => { const said = document.getElementById("cut"); if (said) said.hidden = hidden; };
  for (const lost of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(lost, tell(false));
  document.addEventListener("htmx:beforeOnLoad", tell(true));
  // What was pressed is gone with the part that it changed: the focus goes to where one goes on, if it is nowhere else.
  document.addEventListener("htmx:afterSettle", (one) => {
    if (document.activeElement === document.body) one.target.querySelector?.("[data-goes-on]")?.focus();
  });
})();
