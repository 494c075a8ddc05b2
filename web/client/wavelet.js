// @ts-check
// A wavelet that a client has open, for the program that uses it.

import Delta from 'quill-delta';
import { Emitter } from './emitter.js';
import { Sync } from './sync.js';
import { snap } from './snap.js';

/** @typedef {import('./types.js').Op} Op */

export class Wavelet extends Emitter {
  /** What keeps it in step with the server; for the client. */
  _sync;

  /** @param {{client: import('./client.js').Client, wave: string, wavelet: string, link?: string | (() => string | Promise<string>), hooks: import('./sync.js').Hooks}} o */
  constructor({ client, wave, wavelet, link, hooks }) {
    super();
    this.client = client;
    this.wave = wave;
    this.wavelet = wavelet;
    this._sync = new Sync({ client, name: { wave, wavelet }, link, hooks, emit: (name, ...args) => this.emit(name, ...args) });
  }

  /** Why it has ended, null while it is open. @returns {Error | null} */
  get error() {
    return this._sync.error;
  }

  /** What the user may do. */
  get role() {
    return this._sync.role;
  }

  /** The wavelet with every local change in it. @returns {import('./state.js').State} */
  get state() {
    return this._sync.replica.state;
  }

  /** The text of the conversation as the user sees it. */
  get text() {
    return this.state.text;
  }

  /** The last version heard of from the server. */
  get version() {
    return this._sync.replica.version;
  }

  /** Where it stands towards the server. */
  get status() {
    return this._sync.replica.status;
  }

  /**
   * Changes the text of a blip. It shows at once; synced waits for the server. A
   * border inside a surrogate pair, as editors put it, is moved.
   *
   * @param {string} blip
   * @param {Delta | import('quill-delta').Op[]} delta
   */
  edit(blip, delta) {
    const doc = this.state.blips.get(blip)?.doc;
    const ops = Array.isArray(delta) ? delta : delta.ops;
    this.publish({ edit: { blip, ops: doc ? snap(doc, new Delta(ops)).ops : ops } });
  }

  /**
   * Applies ops as one delta. It throws a Refusal, and changes nothing, if they do
   * not fit.
   *
   * @param {...Op} ops
   */
  publish(...ops) {
    this._sync.publish(ops);
  }

  /** Resolves when everything local is committed or lost. */
  synced() {
    return this.#until(() => this.status === 'synchronized');
  }

  /** Resolves when the replica has reached a version of the server. @param {number} version */
  reached(version) {
    return this.#until(() => this.version >= version);
  }

  /** The local changes that could not be kept since the last call. */
  takeLost() {
    return this._sync.lost.splice(0);
  }

  /** @param {{from?: number, to?: number, version?: number, time?: string}} range */
  history(range) {
    return this._sync.ask('history', range);
  }

  /** Has the server tell who comes and goes and where their cursors are. */
  watch() {
    this._sync.presence.watch();
  }

  /** Who has the wavelet open, with their cursors in the text that is shown. */
  get people() {
    return this._sync.presence.people;
  }

  /** Tells others where the user's selection is; null: nowhere. @param {import('./types.js').Cursor | null} cursor */
  setCursor(cursor) {
    this._sync.presence.setCursor(cursor);
  }

  /** Ends the subscription. What is pending is not sent any more. */
  close() {
    this._sync.close();
  }

  /** Resolves when it is open; for the client. */
  _opened() {
    return this.#until(() => this._sync.known);
  }

  /** @param {() => boolean} condition */
  #until(condition) {
    return this.until('change', () => {
      if (this.error) throw this.error;
      return condition();
    });
  }
}
