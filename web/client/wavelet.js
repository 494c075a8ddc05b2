// @ts-check
// A wavelet that a client has open: the protocol's side of a replica.

import Delta from 'quill-delta';
import { BadFrame, Closed, ConnectionLost, Refusal, codes, isCount, isObject } from './protocol.js';
import { Emitter } from './emitter.js';
import { Presence } from './presence.js';
import { Replica } from './replica.js';
import { State } from './state.js';
import { renew } from './link.js';
import { snap } from './snap.js';

/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {import('./types.js').Lost} Lost */
/** @typedef {import('./types.js').Op} Op */

/**
 * @typedef {object} Hooks what a wavelet needs of its client
 * @property {() => Link | null} link
 * @property {(what: 'resends' | 'snapshots' | 'diverged') => void} count
 * @property {() => number} seq the number of the last delta that was sent before
 * @property {(expires: unknown) => number} left milliseconds until a time of the server's
 * @property {(advice: number, failures?: number) => number} wait before a request is sent again
 * @property {(seq: number) => void} gone
 */

/** Refusals of a delta after which only a snapshot helps. */
const anew = new Set(/** @type {number[]} */ ([codes.resync, codes.baseUnknown, codes.pastHead]));

export class Wavelet extends Emitter {
  /** @type {Replica | null} */
  #replica = null;
  #subscribed = false;
  /** How often it started over from a snapshot on this connection. */
  #again = 0;
  /** @type {Lost[]} */
  #lost = [];
  #hooks;
  #share;
  /** @type {string | undefined} the share link's */
  #token;
  #presence;

  /** @type {Error | null} why it has ended */
  error = null;
  /** What the user may do. */
  role = '';

  /** @param {{client: import('./client.js').Client, wave: string, wavelet: string, link?: string | (() => string | Promise<string>), hooks: Hooks}} o */
  constructor({ client, wave, wavelet, link, hooks }) {
    super();
    this.client = client;
    this.wave = wave;
    this.wavelet = wavelet;
    this.#share = link;
    this.#token = typeof link === 'string' ? link : undefined;
    this.#hooks = hooks;
    this.#presence = new Presence({
      name: this.#name(),
      link: () => (this.#subscribed ? hooks.link() : null),
      replica: () => this.#replica,
      me: () => client,
      wait: hooks.wait,
      told: () => this.emit('people'),
    });
  }

  /** The wavelet with every local change in it. @returns {State} */
  get state() {
    return this.#known().state;
  }

  /** The text of the conversation as the user sees it. */
  get text() {
    return this.state.text;
  }

  /** The last version heard of from the server. */
  get version() {
    return this.#known().version;
  }

  /** Where it stands towards the server. */
  get status() {
    return this.#known().status;
  }

  #known() {
    if (!this.#replica) throw this.error ?? new Error('the wavelet is not open yet');
    return this.#replica;
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
    if (this.error) throw this.error;
    const step = this.#known().local(ops, new Date().toISOString());
    this.#send(step.send);
    this.#presence.moved(ops, true);
    this.emit('change', { ops, local: true });
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
    const lost = this.#lost;
    this.#lost = [];
    return lost;
  }

  /** @param {{from?: number, to?: number, version?: number, time?: string}} range */
  history(range) {
    return this.#ask('history', range);
  }

  /** Has the server tell who comes and goes and where their cursors are. */
  watch() {
    this.#presence.watch();
  }

  /** Who has the wavelet open, with their cursors in the text that is shown. */
  get people() {
    return this.#presence.people;
  }

  /** Tells others where the user's selection is; null: nowhere. @param {import('./types.js').Cursor | null} cursor */
  setCursor(cursor) {
    this.#presence.setCursor(cursor);
  }

  /** Ends the subscription. What is pending is not sent any more. */
  close() {
    if (this.error) return;
    this.#hooks.link()?.request('unsubscribe', this.#name(), () => {});
    this._end(new Closed());
  }

  /** @param {string} op @param {object} fields */
  #ask(op, fields) {
    return this.client.ask(op, { ...this.#name(), ...fields });
  }

  #name() {
    return { wave: this.wave, wavelet: this.wavelet };
  }

  /** @param {() => boolean} condition */
  #until(condition) {
    return this.until('change', () => {
      if (this.error) throw this.error;
      return condition();
    });
  }

  // What follows is for the client.

  _opened() {
    return this.#until(() => this.#replica !== null);
  }

  _known() {
    return this.#replica !== null;
  }

  _disconnected() {
    this.#subscribed = false;
    this.#again = 0;
  }

  /** Ends the wavelet; only the first reason counts. @param {Error} error */
  _end(error) {
    if (this.error) return;
    this.error = error;
    this.#subscribed = false;
    this.#hooks.gone(this.#replica?.seq ?? this.#hooks.seq());
    this.emit('end', error);
    this.emit('change', { ops: null, local: false });
  }

  /** Where it goes on after a lost connection. */
  _point() {
    // A link that is asked for anew has to be waited for: such a wavelet is subscribed to again.
    if (!this.#replica || typeof this.#share === 'function') return null;
    return { ...this.#name(), ...this.#where(true) };
  }

  /** @param {boolean} resume */
  #where(resume) {
    const r = this.#replica;
    return {
      ...(r && resume ? { version: r.version } : {}),
      ...(r?.inFlight ? { seq: r.inFlight.seq } : {}),
      ...(this.#token ? { link: this.#token } : {}),
    };
  }

  /** @param {Link} link @param {boolean} resume from the version that is known, or from a snapshot */
  _subscribe(link, resume) {
    const share = this.#share;
    if (typeof share !== 'function') return this.#take(link, resume);
    Promise.resolve().then(share).then((token) => {
      this.#token = token;
      if (!this.error) this.#take(link, resume);
    }, (e) => this._end(e));
  }

  /** @param {Link} link @param {boolean} resume */
  #take(link, resume) {
    link.request('subscribe', { ...this.#name(), ...this.#where(resume) }, (ok, err) => {
      if (this.error || err instanceof ConnectionLost) return; // the next connection takes it up
      if (err) return this.#refused(link, /** @type {Refusal} */ (err));
      this.#goOn(link, ok);
      const share = this.#share;
      if (typeof share !== 'function') return;
      renew(link, this.#hooks.left(ok.expires), async () => {
        this.#token = await share();
        return this.#hooks.left((await this.#ask('sub_refresh', { link: this.#token })).expires);
      });
    });
  }

  /** Takes what connect says about it. @param {Link} link @param {any} resumed */
  _resumed(link, resumed) {
    if (isObject(resumed.err)) this.#refused(link, new Refusal(resumed.err));
    else this.#goOn(link, resumed);
  }

  /** @param {Link} link @param {Refusal} refusal */
  #refused(link, refusal) {
    if (refusal.code === codes.resync || refusal.code === codes.pastHead) this.#afresh(link);
    else if (!refusal.temporary) this._end(refusal);
    else link.after(this.#hooks.wait(refusal.retryAfterMs), () => !this.error && this._subscribe(link, this._known()));
  }

  /** Takes a granted subscription. @param {Link} link @param {any} ok */
  #goOn(link, ok) {
    if (!isObject(ok) || !isCount(ok.head)) throw new BadFrame('subscribe: no head');
    const acked = isCount(ok.acked) ? ok.acked : 0;
    this.role = String(ok.role ?? '');
    if (ok.snapshot === undefined) {
      if (!this.#replica) throw new BadFrame('subscribe: no snapshot');
      this.#subscribed = true;
      if (this.#replica.inFlight && acked === 0) {
        this.#hooks.count('resends');
        this.#send(this.#replica.inFlight);
      }
      this.#presence.subscribed();
      this.emit('change', { ops: [], local: false });
      return;
    }
    const state = State.fromSnapshot(ok.snapshot);
    this.#subscribed = true;
    let step = {};
    if (this.#replica) {
      this.#hooks.count('snapshots');
      this.#presence.restart();
      const reason = { code: codes.resync, reason: 'resync', message: 'the wavelet changed too much while the connection was away' };
      step = this.#replica.restart(state, acked, new Refusal(reason));
    } else {
      this.#replica = new Replica(this.client.user, state, this.#hooks.seq());
    }
    this.#do(step, true);
    this.#presence.subscribed();
  }

  /** Takes a push. @param {Frame} frame @param {Link} link */
  _pushed(frame, link) {
    if (!this.#subscribed) return;
    switch (frame.push) {
      case 'commit':
        this.#try(link, () => this.#known().remote(/** @type {any} */ (frame)));
        break;
      case 'resync':
        this.#subscribed = false;
        this._subscribe(link, true);
        break;
      case 'unsubscribed':
        this._end(frame.err ?? new Closed('the server has ended the subscription'));
        break;
      case 'presence':
        this.#presence.pushed(frame);
    }
  }

  /** @param {import('./types.js').Publication | undefined} publication */
  #send(publication) {
    const link = this.#hooks.link();
    if (!publication || !link || !this.#subscribed) return;
    const { seq, base, ops } = publication;
    const head = JSON.stringify({ ...this.#name(), seq, base });
    link.requestRaw('publish', `${head.slice(0, -1)},"ops":${ops}}`, (ok, err) => this.#answered(link, seq, ok, err));
  }

  /** @param {Link} link @param {number} seq @param {any} ok @param {Error | null} err */
  #answered(link, seq, ok, err) {
    if (this.error || err instanceof ConnectionLost) return; // the next connection sends it again
    const replica = this.#known();
    if (err instanceof Refusal && err.temporary) {
      link.after(this.#hooks.wait(err.retryAfterMs), () => this.#resend(seq));
    } else if (err instanceof Refusal && anew.has(err.code)) {
      this.#restart(link);
    } else if (err) {
      this.#try(link, () => replica.refused(seq, err), true);
    } else {
      if (!isObject(ok) || !isCount(ok.version) || ok.seq !== seq) throw new BadFrame('publish: no version, or of another delta');
      const done = /** @type {import('./types.js').Published} */ (ok);
      this.#try(link, () => replica.acked(done), done.empty);
    }
  }

  /** Sends the delta in flight again if it is still the one of that number. @param {number} seq */
  #resend(seq) {
    const flight = this.#replica?.inFlight;
    if (this.error || flight?.seq !== seq) return;
    this.#hooks.count('resends');
    this.#send(flight);
  }

  /** Drops the subscription and takes a snapshot. @param {Link} link */
  #restart(link) {
    this.#hooks.count('diverged');
    this.#subscribed = false;
    link.request('unsubscribe', this.#name(), () => {});
    this.#afresh(link);
  }

  /**
   * Takes a snapshot: at once the first time on a connection, and then after a wait
   * that doubles, lest a bad server be asked as fast as the network can.
   *
   * @param {Link} link
   */
  #afresh(link) {
    const n = ++this.#again;
    if (n === 1) return this._subscribe(link, false);
    link.after(this.#hooks.wait(0, n - 1), () => {
      if (!this.error && this.#again === n) this._subscribe(link, false);
    });
  }

  /** @param {Link} link @param {() => import('./replica.js').Step} step @param {boolean} [whole] */
  #try(link, step, whole) {
    let s;
    try {
      s = step();
    } catch {
      return this.#restart(link);
    }
    this.#do(s, whole);
  }

  /**
   * Carries a step of the replica out. Whole says that what is shown may have
   * changed otherwise than by ops.
   *
   * @param {import('./replica.js').Step} step
   * @param {boolean} [whole]
   */
  #do(step, whole = false) {
    this.#send(step.send);
    if (step.lost) {
      this.#lost.push(step.lost);
      this.emit('lost', step.lost);
    }
    if (step.commit) this.#presence.committed(step.commit, step.ops ?? []);
    else this.#presence.moved([], false);
    this.emit('change', { ops: whole || step.lost ? null : step.ops ?? [], local: false });
  }
}
