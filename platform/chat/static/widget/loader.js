/*
 * What a site includes: <script src="https://HOST/widget.js" data-key="pk_…" async></script>
 *
 * It loads the widget from where it came from itself and leaves one name on the page, `Troupe`. Included again, as
 * pages that change without being loaded do, it adds another widget only for another key.
 */
(() => {
  const script = document.currentScript;
  const { origin } = new URL(script.src);
  const loaded = import(`${origin}/widget/{digest}/widget.js`);

  const widgets = (key) => [...document.querySelectorAll("troupe-chat")].filter((widget) => !key || widget.getAttribute("key") === key);
  const each = (deed) => (key) => loaded.then(() => widgets(key).forEach(deed));

  window.Troupe ??= Object.freeze({
    open: each((widget) => widget.open()),
    close: each((widget) => widget.close()),
    consent: (isGiven = true, key) => each((widget) => widget.setAttribute("consent", isGiven ? "granted" : "required"))(key),
    /** `user`: `{id, signature, name}` as the site's server signed it; null for somebody who signed out. */
    identify: (user, key) => each((widget) => widget.identify(user))(key),
    /** Call `heed(detail)` for each "ready", "open", "close", "message", "unread", "handoff". Returns how to stop it. */
    on(event, heed) {
      const call = ({ detail }) => heed(detail);
      document.addEventListener(`troupe:${event}`, call);
      return () => document.removeEventListener(`troupe:${event}`, call);
    },
  });

  const place = () => {
    const { key, ...settings } = script.dataset;
    if (!key || widgets(key).length) return;
    const widget = document.createElement("troupe-chat");
    widget.setAttribute("key", key);
    widget.setAttribute("host", origin);
    for (const [name, value] of Object.entries(settings)) widget.setAttribute(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value);
    document.body.append(widget);
  };
  if (document.body) place();
  else document.addEventListener("DOMContentLoaded", place);
})();
