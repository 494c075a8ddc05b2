// @ts-check
// A wavelet as the protocol has it: subscribes, sends what the replica has to
// send, and takes what the server says about it.

import { BadFrame, Closed, ConnectionLost, Refusal, codes, isCount, isObject } from './protocol.js';
import { Presence } from './presence.js';
import { Replica } from './replica.js';
import { State } from './state.js';
import { renew } from './link.js';

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

export class Sync {
  /** @type {Replica | null} */
  #replica = null;
  #subscribed = false;
  /** How often it started over from a snapshot on this connection. */
  #again = 0;
  #client;
  #name;
  #hooks;
  #share;
  /** @type {string | undefined} the share link's */
  #token;
  #emit;

  /** @type {Error | null} why the wavelet has ended */
  error = null;
  /** What the user may do. */
  role = '';
  /** @type {Lost[]} local changes that could not be kept, until somebody takes them */
  lost = [];
  /** Who else has it open. */
  presence;

  /**
   * @param {object} o
   * @param {import('./client.js').Client} o.client
   * @param {{wave: string, wavelet: string}} o.name
   * @param {string | (() => string | Promise<string>)} [o.link]
   * @param {Hooks} o.hooks
   * @param {(name: string, ...args: unknown[]) => void} o.emit tells the user's program
   */
  constructor({ client, name, link, hooks, emit }) {
    this.#client = client;
    this.#name = name;
    this.#share = link;
    this.#token = typeof link === 'string' ? link : undefined;
    this.#hooks = hooks;
    this.#emit = emit;
    this.presence = new Presence({
      name,
      link: () => (this.#subscribed ? hooks.link() : null),
      replica: () => this.#replica,
      me: () => client,
      wait: hooks.wait,
      told: () => emit('people'),
    });
  }

  /** Whether there is a replica: it has been open. */
  get known() {
    return this.#replica !== null;
  }

  /** The replica. It throws where there is none yet. */
  get replica() {
    if (!this.#replica) throw this.error ?? new Error('the wavelet is not open yet');
    return this.#replica;
  }

  /** Applies ops of the user as one delta. @param {Op[]} ops */
  publish(ops) {
    if (this.error) throw this.error;
    const step = this.replica.local(ops, new Date().toISOString());
    this.#send(step.send);
    this.presence.moved(ops, true);
    this.#emit('change', { ops, local: true });
  }

  /** Makes a request about the wavelet. @param {string} op @param {object} fields */
  ask(op, fields) {
    return this.#client.ask(op, { ...this.#name, ...fields });
  }

  /** Ends the subscription. */
  close() {
    if (this.error) return;
    this.#hooks.link()?.request('unsubscribe', this.#name, () => {});
    this.end(new Closed());
  }

  disconnected() {
    this.#subscribed = false;
    this.#again = 0;
  }

  /** Ends the wavelet; only the first reason counts. @param {Error} error */
  end(error) {
    if (this.error) return;
    this.error = error;
    this.#subscribed = false;
    this.#hooks.gone(this.#replica?.seq ?? this.#hooks.seq());
    this.#emit('end', error);
    this.#emit('change', { ops: null, local: false });
  }

  /** Where it goes on after a lost connection. */
  point() {
    // A link that is asked for anew has to be waited for: such a wavelet is subscribed to again.
    if (!this.#replica || typeof this.#share === 'function') return null;
    return { ...this.#name, ...this.#where(true) };
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
  subscribe(link, resume) {
    const share = this.#share;
    if (typeof share !== 'function') return this.#take(link, resume);
    Promise.resolve().then(share).then((token) => {
      this.#token = token;
      if (!this.error) this.#take(link, resume);
    }, (e) => this.end(e));
  }

  /** @param {Link} link @param {boolean} resume */
  #take(link, resume) {
    link.request('subscribe', { ...this.#name, ...this.#where(resume) }, (ok, err) => {
      if (this.error || err instanceof ConnectionLost) return; // the next connection takes it up
      if (err) return this.#refused(link, /** @type {Refusal} */ (err));
      this.#goOn(link, ok);
      const share = this.#share;
      if (typeof share !== 'function') return;
      renew(link, this.#hooks.left(ok.expires), async () => {
        this.#token = await share();
        return this.#hooks.left((await this.ask('sub_refresh', { link: this.#token })).expires);
      });
    });
  }

  /** Takes what connect says about it. @param {Link} link @param {any} resumed */
  resumed(link, resumed) {
    if (isObject(resumed.err)) this.#refused(link, new Refusal(resumed.err));
    else this.#goOn(link, resumed);
  }

  /** @param {Link} link @param {Refusal} refusal */
  #refused(link, refusal) {
    if (refusal.code === codes.resync || refusal.code === codes.pastHead) this.#afresh(link);
    else if (!refusal.temporary) this.end(refusal);
    else link.after(this.#hooks.wait(refusal.retryAfterMs), () => !this.error && this.subscribe(link, this.known));
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
      this.presence.subscribed();
      this.#emit('change', { ops: [], local: false });
      return;
    }
    const state = State.fromSnapshot(ok.snapshot);
    this.#subscribed = true;
    let step = {};
    if (this.#replica) {
      this.#hooks.count('snapshots');
      this.presence.restart();
      const reason = { code: codes.resync, reason: 'resync', message: 'the wavelet changed too much while the connection was away' };
      step = this.#replica.restart(state, acked, new Refusal(reason));
    } else {
      this.#replica = new Replica(this.#client.user, state, this.#hooks.seq());
    }
    this.#do(step, true);
    this.presence.subscribed();
  }

  /** Takes a push. @param {Frame} frame @param {Link} link */
  pushed(frame, link) {
    if (!this.#subscribed) return;
    switch (frame.push) {
      case 'commit':
        this.#try(link, () => this.replica.remote(/** @type {any} */ (frame)));
        break;
      case 'resync':
        this.#subscribed = false;
        this.subscribe(link, true);
        break;
      case 'unsubscribed':
        this.end(frame.err ?? new Closed('the server has ended the subscription'));
        break;
      case 'presence':
        this.presence.pushed(frame);
    }
  }

  /** @param {import('./types.js').Publication | undefined} publication */
  #send(publication) {
    const link = this.#hooks.link();
    if (!publication || !link || !this.#subscribed) return;
    const { seq, base, ops } = publication;
    const head = JSON.stringify({ ...this.#name, seq, base });
    link.requestRaw('publish', `${head.slice(0, -1)},"ops":${ops}}`, (ok, err) => this.#answered(link, seq, ok, err));
  }

  /** @param {Link} link @param {number} seq @param {any} ok @param {Error | null} err */
  #answered(link, seq, ok, err) {
    if (this.error || err instanceof ConnectionLost) return; // the next connection sends it again
    const replica = this.replica;
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
    link.request('unsubscribe', this.#name, () => {});
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
    if (n === 1) return this.subscribe(link, false);
    link.after(this.#hooks.wait(0, n - 1), () => {
      if (!this.error && this.#again === n) this.subscribe(link, false);
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
      this.lost.push(step.lost);
      this.#emit('lost', step.lost);
    }
    if (step.commit) this.presence.committed(step.commit, step.ops ?? []);
    else this.presence.moved([], false);
    this.#emit('change', { ops: whole || step.lost ? null : step.ops ?? [], local: false });
  }
}
