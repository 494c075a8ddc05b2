// @ts-check
// The frames and errors of the live protocol, as docs/protocol.md has them.
// What comes from the server is looked at before it is believed.

/** The version of the live protocol that is spoken here. */
export const PROTOCOL = 1;

/** The longest message that the server takes, in bytes. */
export const MAX_MESSAGE = 1 << 20;

/** The codes of errors that a client acts on. */
export const codes = Object.freeze({
  tooMany: 111,
  overloaded: 112,
  limit: 116,
  baseUnknown: 300,
  pastHead: 301,
  notParticipant: 302,
  blipDeleted: 303,
  resync: 304,
  unknown: 305,
  duplicate: 306,
  badDelta: 308,
});

/**
 * A refusal: of the server, or of the local copy in the same words. One that is
 * temporary may go away by itself.
 */
export class Refusal extends Error {
  /** @param {Partial<import('./types.js').ErrorFields>} fields */
  constructor(fields) {
    super(fields.message || `refused with code ${fields.code}`);
    this.name = 'Refusal';
    this.code = fields.code ?? 0;
    this.reason = fields.reason ?? '';
    this.field = fields.field ?? '';
    this.remedy = fields.remedy ?? '';
    this.temporary = fields.temporary === true;
    this.scope = fields.scope ?? '';
    this.retryAfterMs = fields.retry_after_ms ?? 0;
  }
}

/** The connection went away while a call waited: it may or may not have been carried out. */
export class ConnectionLost extends Error {
  constructor(message = 'the connection was lost before the answer came') {
    super(message);
    this.name = 'ConnectionLost';
  }
}

/** The client or the wavelet was closed here. */
export class Closed extends Error {
  constructor(message = 'closed') {
    super(message);
    this.name = 'Closed';
  }
}

/** The server sent what the protocol does not have. */
export class BadFrame extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'BadFrame';
  }
}

/** The replica does not agree with the server: it has to start over from a snapshot. */
export class Diverged extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'Diverged';
  }
}

/** @param {unknown} code */
export function staysAway(code) {
  return typeof code === 'number' && code >= 4500 && code < 5000;
}

/** @param {unknown} x @returns {x is Record<string, any>} */
export function isObject(x) {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

/** @param {unknown} x @returns {x is number} */
export function isCount(x) {
  return Number.isSafeInteger(x) && /** @type {number} */ (x) >= 0;
}

/**
 * Reads the frames of one message. It throws a BadFrame for anything that is no
 * frame; a push of a kind that is not known is a frame.
 *
 * @param {unknown} message
 * @returns {import('./types.js').Frame[]}
 */
export function readFrames(message) {
  if (typeof message !== 'string') throw new BadFrame('the message is not text');
  const frames = [];
  for (const line of message.split('\n')) {
    if (line.trim() !== '') frames.push(readFrame(line));
  }
  return frames;
}

/** @param {string} line */
function readFrame(line) {
  let f;
  try {
    f = JSON.parse(line);
  } catch {
    throw new BadFrame('a frame is not JSON');
  }
  if (!isObject(f)) throw new BadFrame('a frame is not an object');
  if (f.err !== undefined) f.err = readError(f.err);
  if (f.push === undefined) {
    if (!isCount(f.id ?? 0)) throw new BadFrame('id: not a number');
    if ((f.ok === undefined) === (f.err === undefined)) throw new BadFrame('a reply has ok or err');
    return f;
  }
  for (const name of ['push', 'wave', 'wavelet', 'author', 'at', 'kind', 'reason']) {
    if (f[name] !== undefined && typeof f[name] !== 'string') throw new BadFrame(`${name}: not a string`);
  }
  for (const name of ['version', 'seq', 'depth']) {
    if (f[name] !== undefined && !isCount(f[name])) throw new BadFrame(`${name}: not a number`);
  }
  return f;
}

/** @param {unknown} e @returns {Refusal} */
export function readError(e) {
  if (!isObject(e) || !isCount(e.code)) throw new BadFrame('err: not an error');
  for (const name of ['reason', 'message', 'field', 'remedy', 'scope']) {
    if (e[name] !== undefined && typeof e[name] !== 'string') throw new BadFrame(`err.${name}: not a string`);
  }
  if (e.retry_after_ms !== undefined && !isCount(e.retry_after_ms)) throw new BadFrame('err.retry_after_ms: not a number');
  return new Refusal(e);
}
