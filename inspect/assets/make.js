// Elements. What peers have said becomes text and never markup.

export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") element.className = value;
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const svg = "http://www.w3.org/2000/svg";

// drawing is an SVG with one path.
export function drawing(className, viewBox, d) {
  const element = document.createElementNS(svg, "svg");
  element.setAttribute("class", className);
  element.setAttribute("viewBox", viewBox);
  element.setAttribute("preserveAspectRatio", "none");
  element.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg, "path");
  path.setAttribute("d", d);
  element.append(path);
  return element;
}

// setText leaves what is right as it is: no layout for what does not change.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
