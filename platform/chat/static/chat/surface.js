import { icon, placeIcons } from "./dom.js";
import { CATALOGUE, explainIn, label, textIn, translate } from "./strings.js";

/**
 * Where a chat is shown: a page's document, or the shadow root of a widget, of which a page may hold several. It
 * finds elements, knows the language, and ends what listens outside of it when `signal` aborts.
 */
export class Surface {
  /** `language()` is "en" or "zh-Hans"; icons are at `iconsUrl`, or at `icons` with their names behind it. */
  constructor(root, { language, iconsUrl = "", icons = `${iconsUrl}#`, signal } = {}) {
    Object.assign(this, { root, icons, signal });
    this.speaks = language;
  }

  get language() {
    return this.speaks();
  }

  get focused() {
    return this.root.activeElement;
  }

  byId(id) {
    return this.root.getElementById(id);
  }

  t(key, values) {
    return textIn(this.language, key, values);
  }

  knows(key) {
    return key in CATALOGUE[this.language];
  }

  explain(error) {
    return explainIn(this.language, error);
  }

  /** Name an element by a text of ours. */
  label(element, key, values) {
    label(element, this.t(key, values));
  }

  icon(name) {
    return icon(name, this.icons);
  }

  /** Put texts and icons in their places below `root`. */
  furnish(root) {
    placeIcons(root, this.icons);
    this.translate(root);
  }

  translate(root = this.root) {
    translate(root, (key) => this.t(key));
  }

  /** A copy of a <template>'s one element, with texts and icons in place. */
  stamp(templateId) {
    const fragment = this.byId(templateId).content.cloneNode(true);
    this.furnish(fragment);
    return fragment.firstElementChild;
  }

  /** Listen to something outside of the surface for as long as it is there. */
  listen(target, type, heed, options = {}) {
    target.addEventListener(type, heed, { ...options, signal: this.signal });
  }
}
