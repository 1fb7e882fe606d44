import { answerTo, placeIcons } from "../chat/dom.js";
import { startTheme } from "../chat/preferences.js";
import { Away } from "./server.js";
import { byId, make } from "./dom.js";
import { explain, languageFor, setLanguage, t, translate } from "./strings.js";

const TOAST_MS = 8000;
const KEPT_LINES = 20;

/** What every page has around its content: language, theme, icons. The language is the server's, which also says errors. */
export function startFrame(titleKey) {
  setLanguage(languageFor(document.documentElement.lang) ?? "en");
  placeIcons(document);
  translate(document);
  startTheme();
  // A link is followed only once the server was told; not every browser says so before it leaves.
  for (const name of ["beforeunload", "pagehide"]) addEventListener(name, endToast);
  if (titleKey) document.title = `${t(titleKey)} · ${t("ask_title")}`;
}

/** Read something to screen readers. */
export function announce(text) {
  if (!text) return;
  const log = byId("announcer");
  log.append(make("p", { textContent: text }));
  while (log.childElementCount > KEPT_LINES) log.firstElementChild.remove();
}

/** Say above the page what went wrong, and what to do. Null takes it away. */
export function trouble(error) {
  const banner = byId("banner");
  banner.hidden = !error;
  if (!error) return;
  byId("banner-text").textContent = reasonOf(error);
  const isSignedOut = error.status === 401;
  const action = byId("banner-action");
  action.hidden = !isSignedOut && !(error instanceof Away);
  action.textContent = t(isSignedOut ? "sign_in_again" : "load_again");
  action.href = location.href;
  banner.classList.toggle("is-serious", !(error instanceof Away));
}

/** Why something did not work, in a sentence for people. */
export function reasonOf(error) {
  if (error instanceof Away) return t("trouble_away");
  if (error.status === 403 && !error.code) return t("trouble_stale");
  const fields = (error.errors ?? []).map((each) => each.detail).filter(Boolean);
  return [error.code ? explain(error) : t("error_unknown"), ...fields].join(" ");
}

/** Do something; say so if it fails. Resolves to whether it worked. */
export async function attempt(deed) {
  try {
    await deed();
    trouble(null);
    return true;
  } catch (error) {
    if (!("status" in error) && !(error instanceof Away)) throw error;
    trouble(error);
    return false;
  }
}

let toastTimer;
let otherwise;

/**
 * A word below the page that goes by itself. With an `action` it can be taken back: `run` is done then. `otherwise`, if
 * there is one, is done when the word goes and nobody has taken it back.
 */
export function toast(text, action = null) {
  endToast();
  const button = byId("toast-action");
  byId("toast-text").textContent = text;
  byId("toast").hidden = false;
  announce(text);
  button.hidden = !action;
  if (action) {
    otherwise = action.otherwise;
    button.textContent = action.text;
    button.onclick = () => {
      otherwise = null;
      endToast();
      action.run();
    };
  }
  toastTimer = setTimeout(passAway, TOAST_MS);
}

/** The word goes now. Resolves once what follows from that is done. */
export async function endToast() {
  clearTimeout(toastTimer);
  byId("toast").hidden = true;
  const deed = otherwise;
  otherwise = null;
  await deed?.();
}

function passAway() {
  // Whoever is about to press its button is given the time.
  const isInUse = byId("toast").matches(":hover, :has(:focus-visible)");
  if (isInUse) toastTimer = setTimeout(passAway, TOAST_MS);
  else endToast();
}

/** Ask before something that cannot be taken back. Focus returns to where it was. */
export async function confirmed({ title, text, yes }) {
  return (await chosen({ title, text, options: [["yes", yes]] })) === "yes";
}

/** Let somebody choose among `options`, pairs of a value and its text. Resolves to null if he would rather not. */
export function chosen({ title, text, options }) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  const buttons = options.map(([value, textContent], at) => make("button", { className: at === 0 ? "button button--main" : "button", value, textContent }));
  const cancel = make("button", { className: "button", value: "", textContent: t("cancel"), autofocus: true });
  byId("confirm-choices").replaceChildren(cancel, ...buttons);
  return answerTo(dialog);
}
