// @ts-check
// Who has a wavelet open, as the server tells it.

import { BadFrame, isCount, isObject } from './protocol.js';
import { after, inside } from './cursor.js';

/** @typedef {import('./types.js').Cursor & {version: number}} Placed */
/** @typedef {import('./types.js').Person & {cursor: Placed | null}} Person */
/** @typedef {{version: number, author: string, ops: import('./types.js').Op[]}} Commit */

/** How many commits are remembered, to bring cursors of older versions up to now. */
const KEPT = 64;

/**
 * Frames and commits go in, each in the order of its kind. Cursors stand at the
 * version of the replica; one of a later version waits for its commits.
 */
export class Crowd {
  /** @type {Person[]} */
  people = [];
  connections = 0;
  users = 0;
  many = false;
  /** @type {Commit[]} */
  #recent = [];

  /**
   * Takes a push, or the answer to presence: a list in the place of what is known,
   * or what has changed. It throws a BadFrame, and changes nothing, if it is
   * neither.
   *
   * @param {Record<string, any>} told
   */
  take(told) {
    const all = told.people === undefined ? null : list(told.people, readPerson);
    const joined = list(told.joined, readPerson);
    const moved = list(told.moved, readPerson);
    const left = list(told.left, (session) => readPerson({ session }).session);
    const { connections = 0, users = 0 } = told;
    if (!isCount(connections) || !isCount(users)) throw new BadFrame('presence: not a number');
    Object.assign(this, { connections, users, many: told.many === true });
    if (this.many) this.people = [];
    else if (all) this.people = all.map((p) => this.#settled(p));
    this.people = this.people.filter((p) => !left.includes(p.session));
    for (const p of joined) {
      const i = this.people.findIndex((known) => known.session === p.session);
      this.people.splice(i < 0 ? this.people.length : i, 1, this.#settled(p));
    }
    for (const { session, cursor } of moved) {
      this.people = this.people.map((p) => (p.session === session ? this.#settled({ ...p, cursor }) : p));
    }
  }

  /** Moves everybody's cursor past a commit. @param {Commit} commit */
  commit(commit) {
    this.#recent = [...this.#recent, commit].slice(-KEPT);
    this.people = this.people.map((p) => ({ ...p, cursor: past(p.cursor, p.user, commit) }));
  }

  /** Forgets the commits: some have been missed. Cursors are told anew. */
  restart() {
    this.#recent = [];
    this.people = this.people.map((p) => ({ ...p, cursor: null }));
  }

  /**
   * Who is there, with cursors as they stand in what is shown: past what me has
   * not sent or got back yet.
   *
   * @param {string} me
   * @param {import('./state.js').State} shown
   * @param {import('./types.js').Op[]} pending
   * @returns {import('./types.js').People}
   */
  seen(me, shown, pending) {
    const people = this.people.map((p) => {
      const at = p.cursor && after(p.cursor, pending, p.user === me);
      return { ...p, cursor: at && inside(shown, at) };
    });
    return { people, connections: this.connections, users: this.users, many: this.many };
  }

  /** A person whose cursor is past the commits that it has not seen. @param {Person} p @returns {Person} */
  #settled(p) {
    return { ...p, cursor: this.#recent.reduce((cursor, commit) => past(cursor, p.user, commit), p.cursor) };
  }
}

/**
 * A user's cursor behind a commit; one that stands elsewhere than directly before
 * it stays as it is.
 *
 * @param {Placed | null} cursor
 * @param {string} user
 * @param {Commit} commit
 * @returns {Placed | null}
 */
export function past(cursor, user, { version, author, ops }) {
  if (cursor?.version !== version - 1) return cursor;
  const at = after(cursor, ops, user === author);
  return at && { ...at, version };
}

/** @template T @param {unknown} given @param {(x: any) => T} read @returns {T[]} */
function list(given, read) {
  if (given !== undefined && !Array.isArray(given)) throw new BadFrame('presence: not a list');
  return (given ?? []).map(read);
}

/** @param {unknown} p @returns {Person} */
function readPerson(p) {
  if (!isObject(p)) throw new BadFrame('presence: not a person');
  const { session, user = '', since = '', cursor } = p;
  if (![session, user, since].every((x) => typeof x === 'string')) throw new BadFrame('presence: not a string');
  return { session, user, since, cursor: cursor === undefined ? null : readCursor(cursor) };
}

/** @param {unknown} c @returns {Placed} */
function readCursor(c) {
  if (!isObject(c)) throw new BadFrame('presence: not a cursor');
  const { blip, anchor, head, version } = c;
  if (typeof blip !== 'string' || ![anchor, head, version].every(isCount)) throw new BadFrame('presence: not a cursor');
  return { blip, anchor, head, version };
}
