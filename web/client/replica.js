// @ts-check
// One client's copy of one wavelet: a state machine without clock or network.
//
// The state that is shown is always the confirmed one with the delta in flight
// and the buffer applied to it.

import { Diverged, MAX_MESSAGE, Refusal, codes } from './protocol.js';
import { merge, readOps, same, transformPair } from './ops.js';
import { carry, lost } from './carry.js';

/** @typedef {import('./types.js').Op} Op */
/** @typedef {import('./types.js').Lost} Lost */
/** @typedef {import('./types.js').Publication} Publication */
/** @typedef {import('./state.js').State} State */

/**
 * What follows from one input: what to send now, what others changed in the
 * shown state, what could not be kept, and the commit if one was taken.
 *
 * @typedef {{send?: Publication, ops?: Op[], lost?: Lost | null, commit?: import('./crowd.js').Commit}} Step
 */

/** The most that is buffered, in encoded bytes: it must still fit into one delta. */
const MAX_BUFFER = 128 << 10;

/** The most that one delta may take up, with room for the rest of its frame. */
const MAX_DELTA = MAX_MESSAGE - 4096;

export class Replica {
  /**
   * @param {string} me
   * @param {State} state the server's
   * @param {number} seq the number of the last delta that was sent before
   */
  constructor(me, state, seq) {
    this.me = me;
    this.seq = seq;
    this.confirmed = state;
    /** @type {State} */
    this.state = state;
    /** @type {(Publication & {now: Op[], reply?: import('./types.js').Published}) | null} */
    this.flight = null;
    /** @type {Op[]} */
    this.buffer = [];
    this.size = 0;
  }

  get version() {
    return this.confirmed.version;
  }

  /** @returns {import('./types.js').Status} */
  get status() {
    if (!this.flight) return 'synchronized';
    return this.buffer.length === 0 ? 'awaiting ack' : 'awaiting with buffer';
  }

  /** What the shown state has and the server's has not. @returns {Op[]} */
  get pending() {
    return this.flight ? [...this.flight.now, ...this.buffer] : [];
  }

  /** The delta in flight as it was sent first. @returns {Publication | undefined} */
  get inFlight() {
    if (!this.flight) return undefined;
    const { seq, base, ops } = this.flight;
    return { seq, base, ops };
  }

  /**
   * Applies ops of the user to the shown state and queues them. It throws a
   * Refusal, and changes nothing, if they do not fit or while the buffer is full.
   *
   * @param {unknown} list
   * @param {string} at
   * @returns {Step}
   */
  local(list, at) {
    const ops = readOps(list);
    const size = new TextEncoder().encode(JSON.stringify(ops)).length;
    if (size > MAX_DELTA) throw tooMuch('the delta is larger than a message may be', 'send it in parts', false);
    if (this.size > 0 && this.size + size > MAX_BUFFER) throw tooMuch('too much is unsent', 'wait for the server', true);
    this.state = this.#apply(this.state, ops, at);
    this.buffer = merge(this.buffer, ops);
    this.size += size;
    return this.#next();
  }

  /**
   * Takes the next commit. One that is known is ignored; Diverged asks for a
   * restart.
   *
   * @param {import('./types.js').Commit} commit
   * @returns {Step}
   */
  remote(commit) {
    if (commit.version <= this.version) return {};
    if (commit.version > this.version + 1) throw new Diverged(`version ${commit.version} after ${this.version}`);
    let ops;
    let confirmed;
    try {
      ops = readOps(commit.ops);
      confirmed = this.confirmed.apply(ops, commit);
    } catch (e) {
      throw new Diverged(`commit ${commit.version}: ${/** @type {Error} */ (e).message}`);
    }
    const { flight } = this;
    const taken = { version: commit.version, author: commit.author, ops };
    if (flight && commit.seq === flight.seq) {
      if (!same(flight.now, ops)) throw new Diverged(`own delta ${flight.seq} came back otherwise`);
      this.confirmed = confirmed;
      return { ...this.#landed(), commit: taken };
    }
    if (!flight) {
      this.confirmed = this.state = confirmed;
      return { ops, commit: taken };
    }
    const [past, now] = transformPair(ops, flight.now);
    const [shown, buffer] = transformPair(past, this.buffer);
    // The server will refuse what is pending and does not fit. Until then it stays in sight.
    const state = this.#pending(confirmed, now, buffer) ?? this.#shown(shown, commit);
    flight.now = now;
    Object.assign(this, { confirmed, buffer, state });
    const step = flight.reply && flight.reply.version <= commit.version ? this.#answered(flight.reply) : {};
    return { ...step, ops: shown, commit: taken };
  }

  /**
   * Takes the server's reply to a publication. The delta is done when the replica
   * has reached its version: its commit, if there is one, comes as a push.
   *
   * @param {import('./types.js').Published} ok
   * @returns {Step}
   */
  acked(ok) {
    if (this.flight?.seq !== ok.seq) return {};
    if (this.version < ok.version) {
      this.flight.reply = ok;
      return {};
    }
    return this.#answered(ok);
  }

  /**
   * Takes the server's final refusal of delta seq: what it would have done is
   * undone and given back.
   *
   * @param {number} seq
   * @param {Error} reason
   * @returns {Step}
   */
  refused(seq, reason) {
    return this.flight?.seq === seq ? this.#without(this.confirmed, reason) : {};
  }

  /**
   * Goes on from a newer state of the server with a gap in between. Acked is the
   * version at which the delta in flight was committed, 0 if it was not.
   *
   * @param {State} state
   * @param {number} acked
   * @param {Error} reason
   * @returns {Step}
   */
  restart(state, acked, reason) {
    const { flight } = this;
    if (!flight) {
      this.confirmed = this.state = state;
      return {};
    }
    if (acked) return this.#without(state, null);
    const first = carry(this.confirmed, state, this.me, flight.now);
    const behind = this.#apply(this.confirmed, flight.now, state.modified);
    const then = carry(behind, first.state, this.me, this.buffer);
    this.confirmed = state;
    this.state = then.state;
    this.buffer = then.kept;
    // The number stays: should the first sending still arrive somewhere, only one
    // of the two is committed.
    this.#fly(flight.seq, first.kept);
    return { send: this.inFlight, lost: lost([...first.lost, ...then.lost], reason) };
  }

  /** The end of a flight whose commit did not come though the stream has come as far. */
  #answered(/** @type {import('./types.js').Published} */ ok) {
    const left = this.flight?.now.some((/** @type {any} */ op) => !op.edit || op.edit.ops.length > 0);
    return this.#without(this.confirmed, ok.empty && left ? new Diverged('the server dropped a delta') : null);
  }

  /**
   * Drops the flight and goes on from a state, keeping of the buffer what still
   * fits. A reason tells that the flight is lost.
   *
   * @param {State} state
   * @param {Error | null} reason
   * @returns {Step}
   */
  #without(state, reason) {
    const now = this.flight?.now ?? [];
    const from = this.#apply(this.confirmed, now, state.modified);
    const then = carry(from, state, this.me, this.buffer);
    this.confirmed = state;
    this.state = then.state;
    this.flight = null;
    this.buffer = then.kept;
    const gone = [...(reason ? now : []), ...then.lost];
    return { ...this.#next(), lost: lost(gone, reason ?? new Diverged('it builds on what has changed')) };
  }

  #landed() {
    const state = this.#pending(this.confirmed, [], this.buffer);
    if (!state) throw new Diverged('what is buffered does not fit behind an own commit');
    this.flight = null;
    this.state = state;
    return this.#next();
  }

  /** Sends the buffer if nothing is in flight. @returns {Step} */
  #next() {
    if (this.flight || this.buffer.length === 0) return {};
    this.#fly(++this.seq, this.buffer);
    this.buffer = [];
    this.size = 0;
    return { send: this.inFlight };
  }

  /** @param {number} seq @param {Op[]} ops */
  #fly(seq, ops) {
    this.flight = { seq, base: this.version, ops: JSON.stringify(ops), now: ops };
  }

  /** @param {State} state @param {Op[]} ops @param {string} at */
  #apply(state, ops, at) {
    return state.apply(ops, { author: this.me, at, version: state.version + 1 });
  }

  /** A state with what is pending, null if that does not fit. @param {State} state @param {Op[][]} pending */
  #pending(state, ...pending) {
    try {
      for (const ops of pending) if (ops.length > 0) state = this.#apply(state, ops, state.modified);
      return state;
    } catch {
      return null;
    }
  }

  /** @param {Op[]} ops @param {import('./types.js').Commit} commit */
  #shown(ops, commit) {
    try {
      return this.state.apply(ops, { ...commit, version: this.state.version + 1 });
    } catch (e) {
      throw new Diverged(`shown state at commit ${commit.version}: ${/** @type {Error} */ (e).message}`);
    }
  }
}

/** @param {string} message @param {string} remedy @param {boolean} temporary */
function tooMuch(message, remedy, temporary) {
  return new Refusal({ code: codes.limit, reason: 'limit', field: 'ops', message, remedy, temporary });
}
