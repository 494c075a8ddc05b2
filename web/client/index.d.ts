// The types of the client. They are held against the code by types.check.ts.

import Delta from 'quill-delta';
import type { AnyOp, Blip, Change, Commit, Cursor, Lost, Op, Parts, People, Publication, Published, Status } from './types.js';

export { Delta };
export type * from './types.js';

export interface Options {
  /** The person's address. It may be left out beside a token. */
  user?: string;
  /** A login token, or a function that gets one: it is asked at each connect and before the login expires. */
  token?: string | (() => string | Promise<string>);
  /** Milliseconds between attempts to connect: 500 doubled up to 30,000. */
  backoff?: { min?: number; max?: number };
  /** For hosts that have none of their own. */
  WebSocket?: typeof globalThis.WebSocket;
  fetch?: typeof globalThis.fetch;
  /** A number in [0,1) for the jitter. */
  random?: () => number;
}

export interface Stats {
  /** Connections that were established. */
  connects: number;
  /** Wavelets taken up again after a lost connection. */
  resumes: number;
  /** Deltas sent more than once. */
  resends: number;
  /** Wavelets restarted from a snapshot. */
  snapshots: number;
  /** Times the copy did not agree with the server; a healthy pair stays at 0. */
  diverged: number;
}

/** Connects, and stays connected until close or until the server refuses for good. */
export function connect(url: string | URL, options: Options): Promise<Client>;

export class Client {
  static connect(url: string | URL, options: Options): Promise<Client>;
  constructor(url: string | URL, options: Options);
  readonly user: string;
  readonly session: string;
  readonly connected: boolean;
  readonly stats: Stats;
  /** Why the client has ended, null while it has not. */
  readonly error: Error | null;
  /** Resolves to why the client has ended. */
  readonly ended: Promise<Error>;
  open(wave: string, wavelet: string, options?: { link?: string | (() => string | Promise<string>) }): Promise<Wavelet>;
  call(method: string, params?: Record<string, unknown>): Promise<any>;
  ask(op: string, fields?: Record<string, unknown>): Promise<any>;
  refresh(token: string): Promise<any>;
  close(): Promise<void>;
  /** The connection was established or lost; the function that is returned ends the listening. */
  on(name: 'status', handler: (status: { connected: boolean; error?: Error; againIn?: number }) => void): () => void;
}

export class Wavelet {
  readonly client: Client;
  readonly wave: string;
  readonly wavelet: string;
  readonly role: string;
  readonly state: State;
  readonly text: string;
  readonly version: number;
  readonly status: Status;
  /** Why the wavelet has ended, null while it is open. */
  readonly error: Error | null;
  edit(blip: string, delta: Delta | Delta['ops']): void;
  publish(...ops: Op[]): void;
  synced(): Promise<void>;
  reached(version: number): Promise<void>;
  takeLost(): Lost[];
  history(range: { from?: number; to?: number; version?: number; time?: string }): Promise<any>;
  /** Has the server tell who comes and goes and where their cursors are, from now on and across lost connections. */
  watch(): void;
  /**
   * Who has the wavelet open, as far as the server has told since watch, the user's own connections among them. Cursors
   * stand in the text of state.
   */
  readonly people: People;
  /**
   * Tells the others where the user's selection is in the text of state; null: nowhere. From then on it moves with the
   * text, and it is told again on each new connection. Of cursors that follow each other quickly the last is told.
   */
  setCursor(cursor: Cursor | null): void;
  close(): void;
  /** What is shown has changed: by these ops, or, where there are none, in any way. Also when only the status has. */
  on(name: 'change', handler: (change: { ops: Op[] | null; local: boolean }) => void): () => void;
  on(name: 'lost', handler: (lost: Lost) => void): () => void;
  on(name: 'end', handler: (error: Error) => void): () => void;
  /** The server has told who comes, goes or moves. When text has moved cursors there is a change. */
  on(name: 'people', handler: () => void): () => void;
}

/** A wavelet at one version. Nothing in it changes. */
export class State implements Readonly<Parts> {
  constructor(parts: Parts);
  static fromSnapshot(snapshot: unknown): State;
  readonly version: number;
  readonly creator: string;
  readonly created: string;
  readonly modified: string;
  readonly participants: ReadonlyMap<string, string>;
  readonly tags: readonly string[];
  readonly data: ReadonlyMap<string, string>;
  readonly threads: Parts['threads'];
  readonly blips: ReadonlyMap<string, Blip>;
  readonly root: string;
  readonly title: string;
  readonly text: string;
  apply(ops: Op[], by: Change): State;
  conversation(): Generator<Blip>;
}

/** What follows from one input to a replica. */
export interface Step {
  send?: Publication;
  ops?: Op[];
  lost?: Lost | null;
  commit?: { version: number; author: string; ops: Op[] };
}

/** The state machine of one wavelet, without clock or network. */
export class Replica {
  constructor(me: string, state: State, seq: number);
  readonly state: State;
  readonly version: number;
  readonly seq: number;
  readonly status: Status;
  readonly inFlight: Publication | undefined;
  readonly pending: Op[];
  local(ops: unknown, at: string): Step;
  remote(commit: Commit): Step;
  acked(ok: Published): Step;
  refused(seq: number, reason: Error): Step;
  restart(state: State, acked: number, reason: Error): Step;
}

/** A refusal of the server, or of the local copy in the same words. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly field: string;
  readonly remedy: string;
  readonly temporary: boolean;
  readonly scope: string;
  readonly retryAfterMs: number;
}

export class BadFrame extends Error {}
export class Closed extends Error {}
export class ConnectionLost extends Error {}
export class Diverged extends Error {}
export const codes: Readonly<Record<string, number>>;

/** Both lists of ops as they apply after the other one; the server's has priority. */
export function transformPair(server: Op[], client: Op[]): [server2: Op[], client2: Op[]];

/** The delta with no border inside a surrogate pair of the document. */
export function snap(doc: Delta, delta: Delta): Delta;

/** The pause before the next attempt to connect, in milliseconds. */
export function wait(backoff: Options['backoff'], failures: number, advice: number, u: number): number;
