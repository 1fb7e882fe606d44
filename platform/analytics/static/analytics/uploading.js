import { announce, reasonOf } from "./frame.js";
import { make } from "./dom.js";
import { Away, Refused, upload } from "./server.js";
import { percent, t } from "./strings.js";

/** Send files, with a line in `list` that shows how far it is. Resolves to the server's answer, or null if it refused. */
export async function uploadRow(list, { path, form, name }) {
  const bar = make("progress", { max: 1, value: 0, ariaLabel: t("uploading", { name }) });
  const note = make("span", { className: "quiet", textContent: t("uploading_now") });
  const row = make("li", { className: "upload" }, make("bdi", { textContent: name }), bar, note);
  list.replaceChildren(row);
  announce(t("uploading", { name }));
  try {
    return await upload(path, form, (share) => {
      bar.value = share;
      note.textContent = share < 1 ? percent(share) : t("uploaded_now");
    });
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Away)) throw error;
    bar.remove();
    row.classList.add("is-failed");
    note.textContent = reasonOf(error);
    note.setAttribute("role", "alert");
    return null;
  }
}
