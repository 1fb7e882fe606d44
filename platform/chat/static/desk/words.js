/** How people and times are called at the desk. */
import { drawAvatar } from "../chat/dom.js";
import { currentLanguage, isSaid, t } from "./strings.js";

const LONG_WAIT_MS = 5 * 60_000;

/** A visitor's name, or a short number for one who has none. */
export function nameOf({ visitor }) {
  return visitor.name || t("visitor", { n: numberOf(visitor) });
}

/** What an avatar shows of a visitor: the first letter of a name, or enough of a number to tell one from another. */
export function drawVisitor(element, { visitor }) {
  if (visitor.name) drawAvatar(element, { name: visitor.name });
  else element.textContent = numberOf(visitor).slice(-2);
}

const numberOf = ({ id }) => id.slice(-4).toUpperCase();

/** How long ago `since` was, in the largest unit that says enough. */
export function elapsed(since, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1000));
  if (seconds < 60) return t("seconds", { n: seconds });
  if (seconds < 3600) return t("minutes", { n: Math.floor(seconds / 60) });
  return seconds < 86_400 ? t("hours", { n: Math.floor(seconds / 3600) }) : t("days", { n: Math.floor(seconds / 86_400) });
}

export const isLongWait = (since) => Date.now() - Date.parse(since) > LONG_WAIT_MS;

/** Who answers in a conversation now, and the class that colours it. */
export function stateOf({ state, agent }, me) {
  if (state !== "human") return t(`state_${state}`);
  return agent?.id === me.id ? t("state_mine") : t("state_human", { agent: agent?.name || t("someone") });
}

/** The last thing said, in a line. */
export function lastSaid({ last }, me) {
  if (!last) return "";
  const isMine = last.role === "human" && last.author === me.name;
  return t(isMine ? "said_you" : `said_${last.role}`, { text: last.text, author: last.author || t("someone") });
}

/** Why a person was asked for, in words: the rule's if it has some, else as the server put it. */
export function reasonOf({ by, reason }) {
  for (const key of [`reason_${reason}`, `reason_${by}`]) if (isSaid(key)) return t(key);
  return t("reason_none");
}

/** A language's name in the reader's own language. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([currentLanguage()], { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}
