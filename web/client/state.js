// @ts-check
// A wavelet at one version. A State never changes: apply returns the next one.

import Delta from 'quill-delta';
import { BadFrame, Refusal, codes, isCount, isObject } from './protocol.js';
import { kindOf, readDelta } from './ops.js';

/** @typedef {import('./types.js').Op} Op */
/** @typedef {import('./types.js').Blip} Blip */
/** @typedef {import('./types.js').Change} Change */

/** @param {number} code @param {string} reason @param {string} message @param {string} field */
function refuse(code, reason, message, field) {
  return new Refusal({ code, reason, message, field });
}

export class State {
  /** @param {import('./types.js').Parts} parts */
  constructor(parts) {
    this.version = parts.version;
    this.creator = parts.creator;
    this.created = parts.created;
    this.modified = parts.modified;
    this.participants = parts.participants;
    this.tags = parts.tags;
    this.data = parts.data;
    this.threads = parts.threads;
    this.blips = parts.blips;
    Object.freeze(this);
  }

  /**
   * Reads a snapshot of the server's. It throws a BadFrame if that is none.
   *
   * @param {unknown} s
   */
  static fromSnapshot(s) {
    try {
      return readSnapshot(s);
    } catch (e) {
      throw e instanceof BadFrame ? e : new BadFrame(`snapshot: ${/** @type {Error} */ (e).message}`);
    }
  }

  /**
   * The state after some ops by somebody. It throws a Refusal if they do not fit.
   *
   * @param {Op[]} ops
   * @param {Change} by
   * @returns {State}
   */
  apply(ops, by) {
    const next = { ...this, version: by.version, modified: by.at };
    ops.forEach((op, i) => {
      try {
        perform(next, op, by);
      } catch (e) {
        if (e instanceof Refusal) e.field = `ops[${i}].${e.field}`;
        throw e;
      }
    });
    return new State(next);
  }

  /** The living blips in the order of the conversation, replies behind what they answer. */
  *conversation() {
    yield* this.#walk('');
  }

  /** @param {string} thread @returns {Generator<Blip>} */
  *#walk(thread) {
    for (const id of this.threads.get(thread)?.blips ?? []) {
      const blip = /** @type {Blip} */ (this.blips.get(id));
      if (!blip.deleted) yield blip;
      for (const reply of blip.replies) yield* this.#walk(reply);
    }
  }

  /** The first living blip of the root thread, whose first line is the title; '' if there is none. */
  get root() {
    return this.threads.get('')?.blips.find((id) => !this.blips.get(id)?.deleted) ?? '';
  }

  /** The first line of the root blip. */
  get title() {
    const blip = this.blips.get(this.root);
    return blip ? textOf(blip.doc).split('\n', 1)[0].trim() : '';
  }

  /** The plain text of the conversation, without embeds. */
  get text() {
    let text = '';
    for (const blip of this.conversation()) text += textOf(blip.doc);
    return text;
  }
}

/** @param {Delta} doc */
export function textOf(doc) {
  return doc.ops.map((op) => (typeof op.insert === 'string' ? op.insert : '')).join('');
}

/** @param {any} s @returns {State} */
function readSnapshot(s) {
  if (!isObject(s) || !isCount(s.version)) throw new BadFrame('snapshot: no version');
  const strings = (/** @type {any} */ list) => (list ?? []).map((/** @type {any} */ x) => string(x));
  const threads = new Map();
  for (const t of s.threads) {
    threads.set(string(t.id), { id: t.id, parent: string(t.parent), blips: strings(t.blips) });
  }
  const blips = new Map();
  for (const b of s.blips) {
    const doc = readDelta(b.ops, 'ops');
    if (doc.ops.some((op) => op.insert === undefined)) throw new BadFrame(`snapshot: blip ${b.id} is no document`);
    blips.set(string(b.id), Object.freeze({
      id: b.id, thread: string(b.thread), creator: string(b.creator), contributors: strings(b.contributors),
      created: string(b.created), modified: string(b.modified), version: b.version, deleted: b.deleted === true,
      replies: strings(b.replies), doc,
    }));
  }
  for (const t of threads.values()) {
    if (!t.blips.every((/** @type {string} */ id) => blips.get(id)?.thread === t.id)) throw new BadFrame(`snapshot: thread ${t.id}`);
  }
  for (const b of blips.values()) {
    if (!b.replies.every((/** @type {string} */ id) => id !== '' && threads.get(id)?.parent === b.id)) throw new BadFrame(`snapshot: blip ${b.id}`);
  }
  if (!threads.has('')) throw new BadFrame('snapshot: no root thread');
  return new State({
    version: s.version, creator: string(s.creator), created: string(s.created), modified: string(s.modified),
    participants: new Map(s.participants.map((/** @type {any} */ p) => [string(p.address), string(p.role)])),
    tags: strings(s.tags), data: new Map(Object.entries(s.data ?? {})), threads, blips,
  });
}

/** @param {any} x @returns {string} */
function string(x) {
  if (typeof x !== 'string') throw new BadFrame('snapshot: not a string');
  return x;
}

/** Carries one op out on parts of a state. @param {import('./types.js').Parts} s @param {any} op @param {Change} by */
function perform(s, op, by) {
  switch (kindOf(op)) {
    case 'edit': {
      const blip = living(s, op.edit.blip, 'edit.blip');
      const delta = new Delta(op.edit.ops);
      checkEdit(blip.doc, delta);
      setBlip(s, changed({ ...blip, doc: blip.doc.compose(delta) }, by));
      break;
    }
    case 'create':
      create(s, op.create, by);
      break;
    case 'delete':
      setBlip(s, changed({ ...living(s, op.delete.blip, 'delete.blip'), deleted: true }, by));
      break;
    case 'thread': {
      const parent = s.blips.get(op.thread.parent);
      if (s.threads.has(op.thread.id)) throw refuse(codes.duplicate, 'duplicate_id', 'the thread is there already', 'thread.id');
      if (!parent) throw refuse(codes.unknown, 'unknown_blip', 'there is no such blip', 'thread.parent');
      s.threads = new Map(s.threads).set(op.thread.id, { id: op.thread.id, parent: parent.id, blips: [] });
      setBlip(s, { ...parent, replies: [...parent.replies, op.thread.id] });
      break;
    }
    case 'add':
      if (!s.participants.has(op.add.who)) s.participants = new Map(s.participants).set(op.add.who, op.add.role);
      break;
    case 'remove':
      s.participants = new Map([...s.participants].filter(([who]) => who !== op.remove.who));
      break;
    case 'role':
      if (s.participants.has(op.role.who)) s.participants = new Map(s.participants).set(op.role.who, op.role.role);
      break;
    case 'tag':
      if (op.tag.remove) s.tags = s.tags.filter((t) => t !== op.tag.tag);
      else if (!s.tags.includes(op.tag.tag)) s.tags = [...s.tags, op.tag.tag];
      break;
    case 'data':
      if (op.data.remove) s.data = new Map([...s.data].filter(([name]) => name !== op.data.name));
      else s.data = new Map(s.data).set(op.data.name, op.data.value);
      break;
    case 'click':
      living(s, op.click.blip, 'click.blip');
  }
}

/** @param {import('./types.js').Parts} s @param {any} op @param {Change} by */
function create(s, op, by) {
  const thread = s.threads.get(op.thread);
  if (s.blips.has(op.blip)) throw refuse(codes.duplicate, 'duplicate_id', 'the blip is there already', 'create.blip');
  if (!thread) throw refuse(codes.unknown, 'unknown_thread', 'there is no such thread', 'create.thread');
  const doc = op.ops.length > 0 ? new Delta(op.ops) : new Delta().insert('\n');
  const last = doc.ops.at(-1)?.insert;
  if (doc.ops.some((o) => o.insert === undefined) || typeof last !== 'string' || !last.endsWith('\n')) {
    throw refuse(codes.badDelta, 'bad_delta', 'a document is a list of inserts that ends with a newline', 'create.ops');
  }
  s.threads = new Map(s.threads).set(thread.id, { ...thread, blips: [...thread.blips, op.blip] });
  setBlip(s, changed({
    id: op.blip, thread: thread.id, creator: by.author, contributors: [], created: by.at, modified: by.at,
    version: by.version, deleted: false, replies: [], doc,
  }, by));
}

/** @param {import('./types.js').Parts} s @param {Blip} blip */
function setBlip(s, blip) {
  s.blips = new Map(s.blips).set(blip.id, Object.freeze(blip));
}

/** @param {Blip} blip @param {Change} by @returns {Blip} */
function changed(blip, by) {
  const contributors = blip.contributors.includes(by.author) ? blip.contributors : [...blip.contributors, by.author];
  return { ...blip, modified: by.at, version: by.version, contributors };
}

/** @param {import('./types.js').Parts} s @param {string} id @param {string} field */
function living(s, id, field) {
  const blip = s.blips.get(id);
  if (!blip) throw refuse(codes.unknown, 'unknown_blip', `there is no blip ${JSON.stringify(id)}`, field);
  if (blip.deleted) throw refuse(codes.blipDeleted, 'blip_deleted', `the blip ${JSON.stringify(id)} is deleted`, field);
  return blip;
}

/**
 * Holds an edit against a document: within it, between code points, before its
 * final newline.
 *
 * @param {Delta} doc
 * @param {Delta} delta
 */
export function checkEdit(doc, delta) {
  const length = doc.length();
  const splits = pairs(doc);
  let at = 0;
  delta.ops.forEach((op, i) => {
    const no = (/** @type {string} */ message) => refuse(codes.badDelta, 'bad_delta', message, `edit.ops[${i}]`);
    if (op.insert !== undefined) {
      if (at >= length) throw no('nothing may follow the final newline');
      return;
    }
    at += /** @type {number} */ (op.retain ?? op.delete);
    if (at > length) throw no('it reaches past the end of the document');
    if (op.delete !== undefined && at === length) throw no('the final newline cannot be deleted');
    if (splits(at)) throw no(`unit ${at} is inside a surrogate pair`);
  });
}

/**
 * A function that tells whether a place is inside a surrogate pair, asked with
 * rising places.
 *
 * @param {Delta} doc
 */
export function pairs(doc) {
  let i = 0;
  let start = 0;
  return (/** @type {number} */ at) => {
    while (i < doc.ops.length && start + lengthOf(doc.ops[i]) <= at) start += lengthOf(doc.ops[i++]);
    const text = doc.ops[i]?.insert;
    if (typeof text !== 'string' || at === start) return false;
    const before = text.charCodeAt(at - start - 1);
    const behind = text.charCodeAt(at - start);
    return before >= 0xd800 && before < 0xdc00 && behind >= 0xdc00 && behind < 0xe000;
  };
}

/** @param {import('quill-delta').Op} op */
function lengthOf(op) {
  return typeof op.insert === 'string' ? op.insert.length : 1;
}
