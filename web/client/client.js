// @ts-check
// A person's connection to a server. It carries any number of wavelets, and
// comes back by itself until it is closed or told to stay away.

import { Closed, ConnectionLost, PROTOCOL, Refusal, BadFrame, isObject, staysAway } from './protocol.js';
import { closeAdvice, wait } from './backoff.js';
import { Denied, knock, socketURL } from './knock.js';
import { Emitter } from './emitter.js';
import { Link, renew } from './link.js';
import { Wavelet } from './wavelet.js';

/** @typedef {import('./index.js').Options} Options */
/** How a connection ended. @typedef {{error: Error, code?: number, reason?: string, connected?: boolean, bad?: boolean}} Ending */

export class Client extends Emitter {
  #base;
  #options;
  #id = newClientId();
  /** @type {Link | null} */
  #link = null;
  /** @type {Map<string, Wavelet>} */
  #wavelets = new Map();
  /** @type {Map<string, number>} */
  #seqs = new Map();
  #closing = new AbortController();
  /** @type {string | undefined} a place in the server's queue */
  #place;
  /** How far the server's clock is ahead, in milliseconds. */
  #ahead = 0;
  #stats = { connects: 0, resumes: 0, resends: 0, snapshots: 0, diverged: 0 };

  /** Whom the client speaks for. */
  user = '';
  /** The public name of the connection. */
  session = '';
  /** @type {Error | null} why the client has ended */
  error = null;

  /** @param {string | URL} url @param {Options} options */
  constructor(url, options) {
    super();
    this.#base = new URL(url);
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/';
    this.#options = options;
    /** @type {Promise<Error>} */
    this.ended = this.#run();
  }

  /**
   * Connects. The promise is fulfilled when the server has let the client in, and
   * rejected when it was refused for good.
   *
   * @param {string | URL} url
   * @param {Options} options
   */
  static async connect(url, options) {
    const client = new Client(url, options);
    await client.until('status', () => {
      if (client.error) throw client.error;
      return client.connected;
    });
    return client;
  }

  /** Whether the server can be spoken to now. */
  get connected() {
    return this.#link !== null;
  }

  /** Counters of what the client went through. */
  get stats() {
    return { ...this.#stats };
  }

  /**
   * Opens a wavelet. Opening one that is open gives the same.
   *
   * @param {string} wave
   * @param {string} wavelet
   * @param {{link?: string | (() => string | Promise<string>)}} [options]
   */
  async open(wave, wavelet, options = {}) {
    if (this.error) throw this.error;
    const key = `${wave}/${wavelet}`;
    let w = this.#wavelets.get(key);
    if (!w) {
      w = new Wavelet({ client: this, wave, wavelet, link: options.link, hooks: this.#hooks(key) });
      this.#wavelets.set(key, w);
      if (this.#link) w._sync.subscribe(this.#link, false);
    }
    await w._opened();
    return w;
  }

  /**
   * Makes an rpc.
   *
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   */
  call(method, params = {}) {
    return this.ask('rpc', { method, params });
  }

  /**
   * Makes a request of any operation. Between connections it fails at once.
   *
   * @param {string} op
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}
   */
  ask(op, fields = {}) {
    return new Promise((resolve, reject) => {
      if (this.error) return reject(this.error);
      if (!this.#link) return reject(new ConnectionLost('not connected'));
      this.#link.request(op, fields, (ok, err) => (err ? reject(err) : resolve(ok)));
    });
  }

  /** Renews the login. @param {string} token */
  refresh(token) {
    return this.ask('refresh', { token });
  }

  /** Disconnects. What is pending is not sent any more: await Wavelet.synced first. */
  async close() {
    this.#closing.abort(new Closed());
    this.#link?.close({ error: new Closed() });
    await this.ended;
  }

  /** Milliseconds until a time of the server's, NaN if it is none. @param {unknown} expires */
  #left(expires) {
    return Date.parse(String(expires)) - Date.now() - this.#ahead;
  }

  /** What a wavelet needs of its client. @param {string} key */
  #hooks(key) {
    return {
      link: () => this.#link,
      count: (/** @type {'resends' | 'snapshots' | 'diverged'} */ what) => void this.#stats[what]++,
      seq: () => this.#seqs.get(key) ?? 0,
      left: (/** @type {unknown} */ expires) => this.#left(expires),
      wait: (/** @type {number} */ advice, failures = 1) => wait(this.#options.backoff, failures, advice, 0),
      gone: (/** @type {number} */ seq) => {
        this.#seqs.set(key, seq);
        this.#wavelets.delete(key);
      },
    };
  }

  async #run() {
    let failures = 0;
    for (;;) {
      const end = await this.#connectOnce();
      if (this.#closing.signal.aborted) return this.#finish(new Closed());
      if (end instanceof Denied ? end.fatal : staysAway(end.code)) return this.#finish(endOf(end));
      failures = !(end instanceof Denied) && end.connected && !end.bad ? 1 : failures + 1;
      const random = this.#options.random ?? Math.random;
      const advice = end instanceof Denied ? end.advice : closeAdvice(end.reason ?? '');
      const exact = end instanceof Denied && end.exact;
      const ms = exact ? Math.max(1, advice) : wait(this.#options.backoff, failures, advice, random());
      this.emit('status', { connected: false, error: endOf(end), againIn: ms });
      await this.#pause(ms);
    }
  }

  /** @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
      signal.addEventListener('abort', done);
    });
  }

  /** Runs one connection from its ticket to its end. @returns {Promise<Denied | Ending>} */
  async #connectOnce() {
    const { WebSocket: Socket = globalThis.WebSocket, fetch: get = globalThis.fetch } = this.#options;
    try {
      const { token, user } = this.#options;
      const body = { user, token: typeof token === 'function' ? await token() : token, ticket: this.#place };
      const ticket = await knock(get, this.#base, body, this.#closing.signal);
      this.#place = undefined;
      const socket = new Socket(socketURL(this.#base, ticket));
      const link = new Link(socket, {
        opened: (l) => this.#hello(l),
        pushed: (frame, l) => this.#wavelets.get(`${frame.wave}/${frame.wavelet}`)?._sync.pushed(frame, l),
      });
      if (this.#closing.signal.aborted) link.close({ error: new Closed() });
      this.#closing.signal.addEventListener('abort', () => link.close({ error: new Closed() }), { once: true });
      const end = await link.ended;
      this.#link = null;
      for (const w of this.#wavelets.values()) w._sync.disconnected();
      return end;
    } catch (e) {
      if (e instanceof Denied) {
        this.#place = e.place ?? this.#place;
        return e;
      }
      return { error: e instanceof Error ? e : new Error(String(e)) };
    }
  }

  /** Sends the connect frame, with a resume point for every open wavelet. @param {Link} link */
  #hello(link) {
    const resume = [...this.#wavelets.values()].flatMap((w) => w._sync.point() ?? []);
    const fields = { protocol: PROTOCOL, client: this.#id, ...(resume.length > 0 ? { resume } : {}) };
    link.request('connect', fields, (ok, err) => {
      if (err instanceof Refusal) {
        const advice = err.retryAfterMs ? `retry_after_ms=${err.retryAfterMs}` : '';
        return link.close({ error: err, code: err.temporary ? 4000 : 4500, reason: advice });
      }
      if (!err) this.#welcome(link, ok);
    });
  }

  /** Takes the answer to connect. @param {Link} link @param {any} ok */
  #welcome(link, ok) {
    if (!isObject(ok) || typeof ok.user !== 'string') throw new BadFrame('connect: no user');
    if (ok.ping_ms > 0) link.allowSilence(2 * ok.ping_ms + 10_000);
    link.connected = true;
    this.user = ok.user;
    this.session = typeof ok.session === 'string' ? ok.session : '';
    this.#link = link;
    this.#stats.connects++;
    for (const r of Array.isArray(ok.resumed) ? ok.resumed : []) {
      const w = this.#wavelets.get(`${r?.wave}/${r?.wavelet}`);
      if (!w) continue;
      this.#stats.resumes++;
      w._sync.resumed(link, r);
    }
    for (const w of [...this.#wavelets.values()]) if (!w._sync.point()) w._sync.subscribe(link, w._sync.known);
    this.#ahead = Date.parse(ok.time) - Date.now() || 0;
    const { token } = this.#options;
    if (typeof token === 'function') renew(link, this.#left(ok.expires), async () => this.#left((await this.refresh(await token())).expires));
    this.emit('status', { connected: true });
  }

  /** @param {Error} error */
  #finish(error) {
    this.error = error;
    for (const w of [...this.#wavelets.values()]) w._sync.end(error);
    this.emit('status', { connected: false, error });
    return error;
  }
}

/** @param {Denied | Ending} end @returns {Error} */
function endOf(end) {
  return end instanceof Denied ? /** @type {Error} */ (end.cause) : end.error;
}

function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return 'c-' + Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
