/** The visitor's session: the token that opens one conversation, and the history behind it. */

/** The server would not give a session. `retryAfterS` is set if it is worth asking again. */
export class SessionRefused extends Error {
  constructor(status, { code, detail } = {}, retryAfterS = null) {
    super(detail ?? `status ${status}`);
    Object.assign(this, { status, code, detail, retryAfterS });
  }
}

/**
 * Open a session at `url` for the conversation of `previous`, or for a new conversation. An expired token still shows
 * whose conversation it was; where the server lets go of the old one, a new one begins.
 *
 * `who` is what the body says of the visitor: `{end_user: {id, signature}}` for one whom the site knows.
 * Returns `{token, expires_at, conversation_id, websocket_url}`; throws SessionRefused, or TypeError if the
 * server cannot be reached.
 */
export async function openSession({ url, headers = {}, who = {} }, previous) {
  if (previous) {
    try {
      return await post(url, { ...who, conversation_id: previous.conversation_id, token: previous.token }, headers);
    } catch (error) {
      if (!(error instanceof SessionRefused) || error.retryAfterS !== null) throw error;
    }
  }
  return post(url, who, headers);
}

/** Every message of the conversation, oldest first, page by page. */
export async function fetchMessages(sessionUrl, { conversation_id, token }) {
  const messages = [];
  let next = new URL(`../conversations/${conversation_id}/messages/?limit=100`, new URL(sessionUrl, location.href));
  while (next) {
    const response = await fetch(next, { headers: { Authorization: `Bearer ${token}` } });
    if (!response.ok) throw await refusal(response);
    const page = await response.json();
    messages.push(...page.results);
    // Only the query is taken over: behind a proxy the server may not know its own address.
    next = page.next ? new URL(new URL(page.next, location.href).search, next) : null;
  }
  return messages;
}

/** Tell something about the conversation: `what` is "contact" or "satisfaction". Throws as openSession does. */
export function tell(sessionUrl, { conversation_id, token }, what, body) {
  const url = new URL(`../conversations/${conversation_id}/${what}/`, new URL(sessionUrl, location.href));
  return post(url, body, { Authorization: `Bearer ${token}` });
}

async function post(url, body, headers) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const isPassing = response.status === 429 || response.status >= 500;
  const seconds = Number(response.headers.get("Retry-After")) || 5;
  return new SessionRefused(response.status, problem, isPassing ? seconds : null);
}
