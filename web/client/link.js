// @ts-check
// One connection: frames out, frames in, and how it ended.

import { BadFrame, ConnectionLost, Refusal, readFrames } from './protocol.js';

/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {(ok: any, err: Error | null) => void} Answer */

/** How long a socket may take to open and be let in, in milliseconds. */
const EARLY = 30_000;

export class Link {
  /** @type {Map<number, Answer>} */
  #calls = new Map();
  #last = 0;
  #silence = EARLY;
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;
  /** @type {(why: import('./client.js').Ending) => void} */
  #end = () => {};

  /** Whether the server has let the client in. */
  connected = false;

  /**
   * @param {WebSocket} socket that is opening
   * @param {{opened: (link: Link) => void, pushed: (frame: Frame, link: Link) => void}} hooks
   */
  constructor(socket, hooks) {
    this.socket = socket;
    /** @type {Promise<import('./client.js').Ending>} */
    this.ended = new Promise((resolve) => (this.#end = resolve));
    let open = false;
    socket.onopen = () => {
      open = true;
      this.#guard(() => hooks.opened(this));
    };
    socket.onmessage = (event) => this.#guard(() => {
      this.#listen();
      for (const frame of readFrames(event.data)) {
        if (this.over) return;
        if (frame.push !== undefined) hooks.pushed(frame, this);
        else this.#replied(frame);
      }
    });
    socket.onerror = () => {
      // Behind an error comes a close, but in Node not if the socket never opened.
      if (!open) this.close({ error: new ConnectionLost('the socket could not be opened') });
    };
    socket.onclose = ({ code, reason }) => this.close({ error: new ConnectionLost(reason || `the socket was closed with ${code}`), code, reason });
    this.#listen();
  }

  /** Whether the connection has ended. */
  over = false;

  /** How long the server may be silent, in milliseconds. @param {number} ms */
  allowSilence(ms) {
    this.#silence = ms;
    this.#listen();
  }

  /**
   * Sends a request; answer hears of the reply, or of the end of the connection.
   *
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer
   */
  request(op, fields, answer) {
    this.requestRaw(op, JSON.stringify(fields), answer);
  }

  /**
   * The same with the fields written already, as an object of JSON.
   *
   * @param {string} op
   * @param {string} fields
   * @param {Answer} answer
   */
  requestRaw(op, fields, answer) {
    if (this.over) return answer(null, new ConnectionLost());
    const id = ++this.#last;
    this.#calls.set(id, answer);
    const rest = fields === '{}' ? '}' : `,${fields.slice(1)}`;
    this.socket.send(`{"id":${id},"op":${JSON.stringify(op)}${rest}`);
  }

  /**
   * Does something later, unless the connection ends first.
   *
   * @param {number} ms
   * @param {() => void} what
   */
  after(ms, what) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#guard(what);
    }, Math.min(ms, 2 ** 31 - 1));
    this.#timers.add(timer);
  }

  /**
   * Ends the connection. Only the first reason counts.
   *
   * @param {import('./client.js').Ending} why
   */
  close(why) {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.#watchdog);
    for (const timer of this.#timers) clearTimeout(timer);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    try {
      this.socket.close();
    } catch {
      // it is closed, or was never open
    }
    for (const answer of this.#calls.values()) answer(null, new ConnectionLost());
    this.#calls.clear();
    this.#end({ ...why, connected: this.connected });
  }

  /** @param {Frame} frame */
  #replied(frame) {
    const answer = this.#calls.get(frame.id ?? 0);
    if (!answer) return;
    this.#calls.delete(frame.id ?? 0);
    answer(frame.ok, frame.err ?? null);
  }

  #listen() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.close({ error: new ConnectionLost('the server is silent') }), this.#silence);
  }

  /** Whatever goes wrong ends this connection, and nothing else. @param {() => void} what */
  #guard(what) {
    if (this.over) return;
    try {
      what();
    } catch (e) {
      const error = e instanceof Error ? e : new BadFrame(String(e));
      this.close({ error, bad: !(e instanceof Refusal) });
    }
  }
}

/**
 * Renews what expires in time, for as long as that goes well and the connection
 * lasts. When it does not, the server ends what has expired and says so.
 *
 * @param {Link} link
 * @param {number} left milliseconds until it expires; anything but a positive number: it does not
 * @param {() => Promise<number>} again renews it and returns what is left then
 */
export function renew(link, left, again) {
  if (left > 0) link.after(left * 0.8, () => void again().then((more) => renew(link, more, again), () => {}));
}
