/** In the conversation viewer: a source that is opened shows marked what the answer took from it. */
import { quotedRanges } from "../chat/quotes.js";

function mark(details) {
  const quote = details.querySelector("blockquote");
  if (quote.querySelector("mark")) return;
  const text = quote.textContent;
  const answer = details.closest(".said__one").querySelector(".said__bubble").textContent;
  const parts = [];
  let from = 0;
  for (const [start, end] of quotedRanges(answer, text)) {
    parts.push(text.slice(from, start), Object.assign(document.createElement("mark"), { textContent: text.slice(start, end) }));
    from = end;
  }
  quote.replaceChildren(...parts, text.slice(from));
}

for (const details of document.querySelectorAll(".cited__one")) {
  details.addEventListener("toggle", () => details.open && mark(details));
}
