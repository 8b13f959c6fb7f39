"use strict";

// Dark or light: the reader's system decides until the button is pressed.
document.querySelector(".theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

// Samples over time: one picture is shown, the slider says which.
for (const film of document.querySelectorAll(".film")) {
  const pictures = [...film.querySelectorAll("img")];
  const slider = film.querySelector("input");
  const output = film.querySelector("output");
  const button = film.querySelector("button");
  let timer = null;
  const show = () => {
    pictures.forEach((picture, index) => { picture.hidden = index !== Number(slider.value); });
    output.textContent = "step " + pictures[slider.value].dataset.step;
  };
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; };
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
      const value = data.values[series][index];
      element.textContent = value === null ? "?" : value.toPrecision(3);
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
