/* Small things that many pages of the admin need. Not a module: it is loaded in the head of each page. */
(() => {
  const COPIED_FOR_MS = 1600;

  /** Buttons with data-copy="#id" put that element's text on the clipboard. */
  async function copy(button) {
    const text = document.querySelector(button.dataset.copy).textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // The browser does not allow it: select the text, so that it can be copied by hand.
      getSelection().selectAllChildren(document.querySelector(button.dataset.copy));
      return;
    }
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = label), COPIED_FOR_MS);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  /** Forms with data-confirm ask before they are sent. */
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });
})();
