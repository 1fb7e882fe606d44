/* Applies a chosen theme before the first paint. Without a choice the system's preference holds. */
(() => {
  try {
    const chosen = localStorage.getItem("troupe.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is closed to this page: the system's preference holds.
  }
})();
