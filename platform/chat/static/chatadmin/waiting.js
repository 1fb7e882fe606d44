/** On a page that waits for work: shows it again as soon as there is something new. */
const EVERY_MS = 1000;

const waiting = document.querySelector("[data-state]");
if (waiting) {
  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.ok && !(await answer.json()).open) return location.reload();
    } catch {
      // The next look may do.
    }
    setTimeout(look, EVERY_MS);
  };
  setTimeout(look, EVERY_MS);
}

const growing = document.querySelector("[data-reload]");
if (growing) setTimeout(() => location.reload(), Number(growing.dataset.reload));
