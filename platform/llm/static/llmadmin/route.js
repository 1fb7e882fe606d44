/** The button that tries a route: one tiny call, and what came of it in words. */

const form = document.getElementById("try-route");
const result = document.getElementById("try-result");

function show(isGood, ...lines) {
  result.hidden = false;
  result.className = isGood ? "desk-good" : "desk-error";
  result.textContent = lines.filter(Boolean).join(" · ");
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  result.hidden = true;
  try {
    const headers = { Accept: "application/json" };
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
    const { ok, detail, upstream, took_ms } = await response.json();
    if (ok) show(true, form.dataset.works, detail, `${took_ms} ms`);
    else show(false, form.dataset.fails, detail, upstream);
  } catch {
    show(false, form.dataset.lost);
  } finally {
    button.disabled = false;
  }
});
