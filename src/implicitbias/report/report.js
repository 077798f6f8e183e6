// The filter, the contents and enlarged figures. Without this script the whole report is there to be read.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("report.filter"), contents = byId("report.contents"), wide = matchMedia("(min-width: 64rem)");
  const studies = [...document.querySelectorAll("section[data-theme]")];
  const entries = [...document.querySelectorAll("nav li[data-study]")];
  document.documentElement.classList.add("scripted");
  form.hidden = false;

  const chosen = (name) => form.elements[name].value;
  function fits(study) {
    const of = study.dataset, outcome = chosen("outcome");
    return (!chosen("theme") || of.theme === chosen("theme"))
      && (!chosen("paper") || of.papers.split("|").includes(chosen("paper")))
      && (!outcome || (outcome === "none" ? of.outcomes === "" : of.outcomes.split("|").includes(outcome)));
  }
  function filter() {
    const shown = new Set(studies.filter(fits).map((study) => study.dataset.study));
    for (const part of [...studies, ...entries]) part.hidden = !shown.has(part.dataset.study);
    for (const group of document.querySelectorAll("[data-group]"))
      group.hidden = !group.querySelector("[data-study]:not([hidden])");
    byId("report.count").textContent = `${shown.size} of ${studies.length} studies`;
  }
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));

  function arrive() {  // a link leads to its study, filtered out or not
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) { form.reset(); filter(); target.scrollIntoView(); }
  }
  addEventListener("hashchange", arrive);

  const fold = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  contents.addEventListener("click", (event) => { if (event.target.closest("a")) fold(); });
  fold();
  filter();

  const dialog = byId("report.enlarged"), place = dialog.querySelector("img");
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.enlarge");
    if (!button) return;
    const image = button.querySelector("img");
    [place.src, place.alt] = [image.src, image.alt];
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => { if (event.target !== place) dialog.close(); });
  addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("main details")) part.open = true; });
})();
