const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An icon of icons.svg, whose names come behind `where`; decoration only, so its button needs a label. */
export function icon(name, where = `${document.body.dataset.iconsUrl}#`) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", where + name);
  svg.append(use);
  return svg;
}

/** Put the icons that data-icon attributes name in front of what the elements below `root` hold. */
export function placeIcons(root, where) {
  for (const element of root.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon, where));
}

/** Fill an element that shows who is speaking: a picture, or the first letter of the name. */
export function drawAvatar(element, { name, avatar_url }) {
  if (!avatar_url) {
    element.textContent = [...name][0] ?? "";
    return;
  }
  const image = document.createElement("img");
  image.alt = "";
  image.onerror = () => drawAvatar(element, { name });
  image.src = avatar_url;
  element.replaceChildren(image);
}

/** Show `text` in `element`, or hide the element if there is none. */
export function showText(element, text) {
  element.textContent = text || "";
  element.hidden = !text;
}

export function prefersStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Open a dialog that asks something. Resolves to the value of the button that closes it, or to null. */
export function answerTo(dialog) {
  dialog.onclose?.(); // the browser may tell of the answer before only after this one was asked for
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => dialog.open || resolve(dialog.returnValue || null);
  });
}
