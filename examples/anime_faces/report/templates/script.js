"use strict";

// Dark or light: the reader's system decides until the button is pressed.
document.querySelector(".theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

// All curves on a linear or on a logarithmic axis.
for (const button of document.querySelectorAll(".axes")) {
  button.addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.axes = root.dataset.axes === "logarithmic" ? "linear" : "logarithmic";
  });
}

// Samples over time: one picture is shown, the slider says which.
for (const film of document.querySelectorAll(".film")) {
  const pictures = [...film.querySelectorAll(".frame")];
  const slider = film.querySelector("input");
  const output = film.querySelector("output");
  const button = film.querySelector("button");
  let timer = null;
  const show = () => {
    pictures.forEach((picture, index) => { picture.hidden = index !== Number(slider.value); });
    output.textContent = "step " + pictures[slider.value].dataset.step;
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
    film.classList.remove("playing");
  };
  const advance = () => {
    if (Number(slider.value) === pictures.length - 1) { stop(); return; }
    slider.value = Number(slider.value) + 1;
    show();
  };
  slider.addEventListener("input", () => { stop(); show(); });
  button.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (Number(slider.value) === pictures.length - 1) { slider.value = 0; show(); }
    button.textContent = "Pause";
    film.classList.add("playing");
    timer = setInterval(advance, 350);
  });
}

// Curves: the pointer chooses a step, the legend shows its values.
for (const chart of document.querySelectorAll(".chart")) {
  const data = JSON.parse(chart.querySelector("script").textContent);
  const svg = chart.querySelector("svg");
  const cursor = chart.querySelector(".cursor");
  const label = chart.querySelector(".step");
  const values = [...chart.querySelectorAll(".legend b")];
  const fill = (index) => {
    values.forEach((element, series) => {
      // The last value up to here: not every curve has one at every step.
      const value = data.values[series].slice(0, index + 1).findLast((one) => one !== null);
      element.textContent = value === undefined ? "?" : value.toPrecision(3);
    });
    label.textContent = "step " + data.steps[index];
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.width;
    const share = (x - data.left) / (data.right - data.left);
    const step = data.first + share * (data.last - data.first);
    let nearest = 0;
    data.steps.forEach((other, index) => {
      if (Math.abs(other - step) < Math.abs(data.steps[nearest] - step)) { nearest = index; }
    });
    const at = data.left + (data.steps[nearest] - data.first) / Math.max(1, data.last - data.first) * (data.right - data.left);
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    cursor.style.visibility = "visible";
    fill(nearest);
  });
  svg.addEventListener("pointerleave", () => { cursor.style.visibility = "hidden"; fill(data.steps.length - 1); });
}

// The place of the reader, kept while the page renews itself: scrolling, dark or light, axes, chosen step, opened tables.
const place = "gankit " + location.pathname;
const keep = () => {
  const films = [...document.querySelectorAll(".film")].map((film) => {
    const slider = film.querySelector("input");
    return slider.value === slider.max ? null : film.querySelectorAll("[data-step]")[slider.value].dataset.step;
  });
  const opened = [...document.querySelectorAll("details")].map((element) => element.open);
  const kept = { y: scrollY, theme: document.documentElement.dataset.theme, axes: document.documentElement.dataset.axes, films, opened };
  try { sessionStorage.setItem(place, JSON.stringify(kept)); } catch { return; }
};
const restore = () => {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(place));
    sessionStorage.removeItem(place);
  } catch { return; }
  if (!kept) { return; }
  if (kept.theme) { document.documentElement.dataset.theme = kept.theme; }
  if (kept.axes) { document.documentElement.dataset.axes = kept.axes; }
  document.querySelectorAll("details").forEach((element, index) => { element.open = Boolean(kept.opened[index]); });
  document.querySelectorAll(".film").forEach((film, index) => {
    const steps = [...film.querySelectorAll("[data-step]")].map((picture) => picture.dataset.step);
    const slider = film.querySelector("input");
    if (steps.includes(kept.films[index])) {
      slider.value = steps.indexOf(kept.films[index]);
      slider.dispatchEvent(new Event("input"));
    }
  });
  history.scrollRestoration = "manual";
  scrollTo(0, kept.y);
};
restore();

// While the work goes on: the time left, how old the page is, and loading it again. Nothing is fetched: pages from a
// file may not do that.
const now = document.querySelector(".now[data-written]");
if (now) {
  const { written, every, patience, left } = now.dataset;
  const loaded = Date.now();
  const words = (seconds) => {
    if (seconds < 60) { return Math.round(seconds) + " s"; }
    if (seconds < 3600) { return Math.floor(seconds / 60) + " min " + Math.floor(seconds % 60) + " s"; }
    return Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min";
  };
  const isBusy = () => document.hidden || document.querySelector(".film.playing") || String(getSelection());
  const tick = () => {
    const age = Math.max(0, Date.now() / 1000 - written);
    const isLate = age > patience;
    now.querySelector(".late").hidden = !isLate;
    now.querySelector(".ago").textContent = words(age);
    now.querySelector(".since").textContent = ", " + words(age) + " ago";
    now.classList.toggle("waiting", isLate);
    if (left !== undefined) {
      now.querySelector(".left").textContent = isLate ? "" : "about " + words(Math.max(0, left - age)) + " left";
    }
    const pause = isLate ? 30 : Number(every);
    if (age > 86400 || isBusy()) { return; }
    if (Date.now() - loaded > 1000 * pause) { keep(); location.reload(); }
  };
  tick();
  setInterval(tick, 1000);
}
