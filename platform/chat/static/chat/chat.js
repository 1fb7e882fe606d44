import { byId } from "./dom.js";
import { Memory } from "./memory.js";
import { startLanguage, startTheme } from "./preferences.js";
import { currentLanguage } from "./strings.js";
import { Surface } from "./surface.js";
import { ChatView } from "./view.js";

/** The public chat page, which the test chat of the admin shows too. */
const { publishableKey, sessionUrl, iconsUrl } = document.body.dataset;
// The admin's test chat is signed in by a cookie, so its page carries Django's token; the public page has none.
const csrfToken = document.querySelector("meta[name=csrf-token]")?.content;
const surface = new Surface(document, { language: currentLanguage, iconsUrl });

startTheme();
startLanguage({ onChange: () => view.redraw() });
const view = new ChatView(surface, {
  persona: JSON.parse(byId("chat-persona").textContent),
  base: location.href,
  memory: new Memory(publishableKey),
  sessionUrl,
  headers: csrfToken ? { "X-CSRFToken": csrfToken } : {},
  mayCover: true,
  onReload: () => location.reload(),
  onPersona: ({ name }) => (document.title = name),
});
if (matchMedia("(hover: hover)").matches && !("embedded" in document.body.dataset)) view.composer.focus();
