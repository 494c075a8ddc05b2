// The shapes of the protocol and of what the client hands out.

import type Delta from 'quill-delta';
import type { Op as TextOp } from 'quill-delta';
import type { Refusal } from './protocol.js';

/** Where a wavelet stands towards the server. */
export type Status = 'synchronized' | 'awaiting ack' | 'awaiting with buffer';

export type Role = 'full' | 'comment' | 'read';

/** All kinds of ops; an op has one of the keys. docs/protocol.md tells what they do. */
export interface AnyOp {
  edit: { blip: string; ops: TextOp[] };
  create: { blip: string; thread: string; ops: TextOp[] };
  delete: { blip: string };
  thread: { id: string; parent: string };
  add: { who: string; role?: Role };
  remove: { who: string };
  role: { who: string; role: Role };
  tag: { tag: string; remove?: boolean };
  data: { name: string; value?: string; remove?: boolean };
  click: { blip: string; element: string };
}

export type Op = {
  [K in keyof AnyOp]: { [P in K]: AnyOp[K] } & { [P in Exclude<keyof AnyOp, K>]?: undefined };
}[keyof AnyOp];

/** A message of the conversation. Nobody changes one. */
export interface Blip {
  readonly id: string;
  readonly thread: string;
  readonly creator: string;
  readonly contributors: readonly string[];
  readonly created: string;
  readonly modified: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly replies: readonly string[];
  readonly doc: Delta;
}

export interface Thread {
  readonly id: string;
  readonly parent: string;
  readonly blips: readonly string[];
}

/** What a state consists of. */
export interface Parts {
  version: number;
  creator: string;
  created: string;
  modified: string;
  participants: ReadonlyMap<string, string>;
  tags: readonly string[];
  data: ReadonlyMap<string, string>;
  threads: ReadonlyMap<string, Thread>;
  blips: ReadonlyMap<string, Blip>;
}

/** Who changed something, when, and as which version. */
export interface Change {
  author: string;
  at: string;
  version: number;
}

export interface Commit extends Change {
  seq?: number;
  ops: unknown;
}

/** A delta to send, and to send again byte for byte: ops is JSON. */
export interface Publication {
  seq: number;
  base: number;
  ops: string;
}

export interface Published {
  version: number;
  seq: number;
  empty?: boolean;
}

/** Local changes that the server will not have: show the text to the user. */
export interface Lost {
  ops: Op[];
  text: string;
  reason: Error;
}

/** A selection in a blip, in UTF-16 units: it begins at anchor, and the caret is at head. */
export interface Cursor {
  blip: string;
  anchor: number;
  head: number;
}

/** A connection of a person that has a wavelet open. */
export interface Person {
  readonly session: string;
  readonly user: string;
  readonly since: string;
  readonly cursor: Cursor | null;
}

/** Who has a wavelet open; with many, only how many. */
export interface People {
  readonly people: readonly Person[];
  readonly connections: number;
  readonly users: number;
  readonly many: boolean;
}

/** An error as it is written in a frame. */
export interface ErrorFields {
  code: number;
  reason: string;
  message: string;
  field: string;
  remedy: string;
  temporary: boolean;
  scope: string;
  retry_after_ms: number;
}

/** A frame of the server that has been looked at. */
export interface Frame {
  id?: number;
  ok?: any;
  err?: Refusal;
  push?: string;
  wave?: string;
  wavelet?: string;
  version?: number;
  seq?: number;
  author?: string;
  at?: string;
  ops?: unknown;
  reason?: string;
  [more: string]: unknown;
}
