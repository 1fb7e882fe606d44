/** The desk's socket: comes back by itself, with a fresh pass each time. */
import { Connection } from "../chat/connection.js";
import { SessionRefused } from "../chat/session.js";
import { Refused, post } from "../members/server.js";

const ASK_AGAIN_S = 5;

export class Line {
  /** `onFrame(frame)` gets what the server tells, `onState(state)` the states of Connection. */
  constructor({ onFrame, onState }) {
    // A pass lets one socket in, and not for long: each connection gets its own.
    this.connection = new Connection({ getSession: getPass, lastSeq: () => undefined, onFrame, onState });
  }

  get isReady() {
    return this.connection.isReady;
  }

  start() {
    this.connection.start();
  }

  connectNow() {
    this.connection.connectNow();
  }

  /** Send a frame. What cannot be sent now is not worth sending later. */
  tell(type, fields = {}) {
    return this.connection.send({ type, ...fields });
  }
}

async function getPass() {
  try {
    return await post("socket/");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const isPassing = error.status === 429 || error.status >= 500;
    throw new SessionRefused(error.status === 403 ? 401 : error.status, error, isPassing ? ASK_AGAIN_S : null);
  }
}
