/** The chat page's tools, and some to make elements with. */
export { byId, icon, placeIcons, showText } from "../chat/dom.js";
export { make } from "../members/make.js";
import { icon, placeIcons } from "../chat/dom.js";
import { make } from "../members/make.js";
import { label, t, translate } from "./strings.js";

/** A button with a text, and perhaps an icon before it. */
export function button(textKey, { onClick, icon: name, className = "button button--small", ...more } = {}) {
  const element = make("button", { type: "button", className, ...more }, name ? icon(name) : null, make("span", { textContent: t(textKey) }));
  if (onClick) element.addEventListener("click", () => onClick(element));
  return element;
}

/** A button that is only an icon. */
export function tool(textKey, name, onClick, more = {}) {
  const element = make("button", { type: "button", className: "tool tool--small", ...more }, icon(name));
  label(element, t(textKey));
  element.addEventListener("click", () => onClick(element));
  return element;
}

/** A copy of a <template>'s one element, with texts and icons in place. */
export function stamp(templateId) {
  const fragment = document.getElementById(templateId).content.cloneNode(true);
  placeIcons(fragment);
  translate(fragment);
  return fragment.firstElementChild;
}
