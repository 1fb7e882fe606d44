/** What the browser keeps of the village: the tokens of its stories. Without storage each visit begins anew. */

const KEY = "troupe.play.";

export const memory = {
  token: (language) => read(KEY + language),
  keep: (language, token) => write(KEY + language, token),
  forget: (language) => write(KEY + language, null),
};

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is closed to this page.
  }
}
