/** What is around the rooms: language, theme, words that pass, a window to choose in. */
import { answerTo, byId } from "../chat/dom.js";
import { startTheme } from "../chat/preferences.js";
import { Surface } from "../chat/surface.js";
import { make } from "../members/make.js";
import { Away } from "../members/server.js";
import { currentLanguage, explain, languageFor, setLanguage, t } from "./strings.js";

const TOAST_MS = 6000;
const KEPT_LINES = 20;

/** The page, as the parts of the chat page know it. */
export const surface = new Surface(document, { language: currentLanguage, iconsUrl: document.body.dataset.iconsUrl });

/** The language is the server's, which also says errors. */
export function startFrame() {
  setLanguage(languageFor(document.documentElement.lang) ?? "en");
  surface.furnish(document);
  startTheme();
}

/** Read something to screen readers. */
export function announce(text) {
  if (!text) return;
  const log = byId("announcer");
  log.append(make("p", { textContent: text }));
  while (log.childElementCount > KEPT_LINES) log.firstElementChild.remove();
}

let toastTimer;

/** A word below the page that goes by itself. */
export function toast(text) {
  clearTimeout(toastTimer);
  byId("toast-text").textContent = text;
  byId("toast").hidden = !text;
  toastTimer = setTimeout(() => (byId("toast").hidden = true), TOAST_MS);
}

/** Why something did not work, in a sentence for people. */
export function reasonFor(error) {
  if (error instanceof Away) return t("trouble_away");
  if (error.status === 403 && !error.code) return t("trouble_stale");
  const fields = (error.errors ?? []).map((each) => each.detail).filter(Boolean);
  return [error.status === 409 ? error.detail : explain(error), ...fields].join(" ");
}

/** Do something; say so if it fails. Resolves to whether it worked. */
export async function attempt(deed) {
  try {
    await deed();
    return true;
  } catch (error) {
    if (!("status" in error) && !(error instanceof Away)) throw error;
    toast(reasonFor(error));
    return false;
  }
}

/**
 * Let somebody choose. `list`: pairs of a value and the elements of its button; `yes`: the text of a button that
 * resolves to "yes". Resolves to null if he would rather not.
 */
export function choose({ title, text, list = [], yes = null }) {
  const dialog = byId("choice");
  byId("choice-title").textContent = title;
  byId("choice-text").textContent = text;
  byId("choice-list").replaceChildren(...list.map(([value, ...inside]) => make("button", { value }, ...inside)));
  const cancel = make("button", { className: "button", value: "", textContent: t("cancel") });
  const confirm = yes && make("button", { className: "button button--main", value: "yes", textContent: yes });
  byId("choice-foot").replaceChildren(cancel, ...(confirm ? [confirm] : []));
  const answer = answerTo(dialog);
  (byId("choice-list").querySelector("button") ?? confirm ?? cancel).focus();
  return answer;
}
