// @ts-check
// What a wavelet tells of the user to others who have it open, and hears of them.

import { ConnectionLost, Refusal, codes } from './protocol.js';
import { Crowd, past } from './crowd.js';
import { after, before, inside } from './cursor.js';
import { same } from './ops.js';

/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./types.js').Cursor} Cursor */
/** @typedef {import('./types.js').Op} Op */
/** @typedef {import('./crowd.js').Placed} Placed */

/**
 * @typedef {object} Hooks what it needs of its wavelet
 * @property {{wave: string, wavelet: string}} name
 * @property {() => Link | null} link null unless the wavelet is subscribed to on it
 * @property {() => import('./replica.js').Replica | null} replica
 * @property {() => {user: string, session: string}} me
 * @property {(advice: number) => number} wait before a request is sent again
 * @property {() => void} told the server has told of somebody
 */

/** The least time between two cursors that are sent, in milliseconds. */
const EVERY = 50;

export class Presence {
  #hooks;
  #watching = false;
  #crowd = new Crowd();
  /** @type {Cursor | null} the user's own, in what is shown */
  #caret = null;
  /** @type {Placed | null | undefined} what the server has of it, as of the replica's version; undefined: not known */
  #told = null;
  /** @type {Link | null} on which one is under way, or the time to rest is */
  #busy = null;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** @returns {import('./types.js').People} */
  get people() {
    const replica = this.#hooks.replica();
    if (!replica) return { people: [], connections: 0, users: 0, many: false };
    return this.#crowd.seen(this.#hooks.me().user, replica.state, replica.pending);
  }

  watch() {
    if (this.#watching) return;
    this.#watching = true;
    this.#watch();
  }

  /** @param {Cursor | null} cursor */
  setCursor(cursor) {
    this.#caret = cursor && { blip: cursor.blip, anchor: cursor.anchor, head: cursor.head };
    this.#tell();
  }

  // What follows is for the wavelet.

  /** A subscription has begun: the server knows nothing of the user yet. */
  subscribed() {
    this.#told = null;
    this.#watch();
    this.#tell();
  }

  /** The replica has missed commits. */
  restart() {
    this.#crowd.restart();
  }

  /** Takes a push. @param {Record<string, any>} frame */
  pushed(frame) {
    this.#crowd.take(frame);
    const mine = [...(frame.people ?? []), ...(frame.moved ?? [])].filter((p) => p.session === this.#hooks.me().session);
    if (mine.some((p) => p.cursor === undefined)) {
      this.#told = null; // the server has dropped it
      this.#tell();
    }
    this.#hooks.told();
  }

  /**
   * Takes a commit that the replica has taken, and the ops that it changed what is
   * shown by.
   *
   * @param {import('./crowd.js').Commit} commit
   * @param {Op[]} shown
   */
  committed(commit, shown) {
    const { user } = this.#hooks.me();
    this.#crowd.commit(commit);
    if (this.#told) this.#told = past(this.#told, user, commit);
    this.moved(shown, commit.author === user);
  }

  /**
   * Follows a change of what is shown, by ops of the user or of somebody else, or
   * by what cannot be told in ops.
   *
   * @param {Op[]} ops
   * @param {boolean} own
   */
  moved(ops, own) {
    const replica = this.#hooks.replica();
    if (!this.#caret || !replica) return;
    const at = after(this.#caret, ops, own);
    this.#caret = at && inside(replica.state, at);
    this.#tell();
  }

  /** Asks for the list, and for what comes after. */
  #watch() {
    const link = this.#hooks.link();
    if (!this.#watching || !link) return;
    link.request('presence', { ...this.#hooks.name, watch: true }, (ok, err) => {
      if (err instanceof Refusal && err.temporary) link.after(this.#hooks.wait(err.retryAfterMs), () => this.#watch());
      if (err) return;
      this.#crowd.take({ people: [], ...ok });
      this.#hooks.told();
    });
  }

  /** Sends the cursor unless the server has it where it should be. */
  #tell() {
    const link = this.#hooks.link();
    if (!link || this.#busy === link || this.#crowd.many) return;
    const want = this.#wanted();
    if (want === undefined || this.#knows(want)) return;
    this.#told = want;
    this.#busy = link;
    link.request('rpc', { method: 'cursor', params: { ...this.#hooks.name, ...want } }, (_, err) => {
      if (err instanceof ConnectionLost) return;
      let rest = EVERY;
      if (err instanceof Refusal && (err.temporary || err.code === codes.resync)) {
        this.#told = undefined;
        rest = Math.max(rest, err.retryAfterMs);
      }
      link.after(rest, () => {
        this.#busy = null;
        this.#tell();
      });
    });
  }

  /** Whether the server has the cursor where it should be. @param {Placed | null} want */
  #knows(want) {
    const told = this.#told;
    if (!want || !told) return want === told;
    const { pending = [] } = this.#hooks.replica() ?? {};
    return same(want, told) || (want.version === told.version && same(after(told, pending, true), this.#caret));
  }

  /**
   * The cursor as the server should have it, at the replica's version; undefined
   * while that cannot be said, because its blip is on its way there.
   *
   * @returns {Placed | null | undefined}
   */
  #wanted() {
    const replica = this.#hooks.replica();
    if (!this.#caret || !replica) return this.#caret ? undefined : null;
    const at = before(this.#caret, replica.pending);
    return at ? { ...at, version: replica.version } : undefined;
  }
}
