/** The chat page's tools, and one to make elements with. */
export { byId, icon, placeIcons, showText } from "../chat/dom.js";
import { icon, placeIcons } from "../chat/dom.js";
import { label, t, translate } from "./strings.js";

/** An element: properties, `data` and `aria` by name, then what is in it. Texts are never read as markup. */
export function make(tag, { data = {}, aria = {}, role, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  Object.assign(element.dataset, data);
  if (role) element.setAttribute("role", role);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

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
