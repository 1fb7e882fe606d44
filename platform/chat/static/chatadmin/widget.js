/** The widget of a draft. The form around this frame sets its attributes as somebody chooses. */
const { key, sessionUrl } = document.body.dataset;
const csrfToken = document.querySelector("meta[name=csrf-token]").content;

await customElements.whenDefined("troupe-chat");
const widget = document.createElement("troupe-chat");
widget.draft = {
  card: JSON.parse(document.getElementById("card").textContent),
  sessionUrl,
  headers: { "X-CSRFToken": csrfToken },
};
widget.setAttribute("key", key);
widget.setAttribute("language", document.documentElement.lang);
document.body.append(widget);
