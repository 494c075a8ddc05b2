// @ts-check
// Lists of ops: reading them, moving them past each other, merging them. An op
// has the form that it has on the wire, an object with one key.

import Delta from 'quill-delta';
import { Refusal, codes, isObject } from './protocol.js';

/** @typedef {import('./types.js').Op} Op */

/** @param {Op} op */
export function kindOf(op) {
  return /** @type {keyof import('./types.js').AnyOp} */ (Object.keys(op)[0]);
}

/** @param {string} message @param {string} [field] */
function bad(message, field) {
  return new Refusal({ code: codes.badDelta, reason: 'bad_delta', message, field });
}

const fields = /** @type {Record<string, Record<string, string>>} */ (
  Object.assign(Object.create(null), {
    edit: { blip: 'string', ops: 'delta' },
    create: { blip: 'string', thread: 'string', ops: 'delta' },
    delete: { blip: 'string' },
    thread: { id: 'string', parent: 'string' },
    add: { who: 'string', role: 'role' },
    remove: { who: 'string' },
    role: { who: 'string', role: 'role' },
    tag: { tag: 'string', remove: 'flag' },
    data: { name: 'string', value: 'text', remove: 'flag' },
    click: { blip: 'string', element: 'string' },
  })
);

/**
 * Reads a list of ops and puts it into normal form. It throws a Refusal that
 * names the op.
 *
 * @param {unknown} list
 * @returns {Op[]}
 */
export function readOps(list) {
  if (!Array.isArray(list)) throw bad('ops is a list', 'ops');
  return list.map((op, i) => {
    try {
      return readOp(op);
    } catch (e) {
      if (e instanceof Refusal) e.field = `ops[${i}]` + (e.field ? `.${e.field}` : '');
      throw e;
    }
  });
}

/** @param {unknown} op @returns {Op} */
function readOp(op) {
  if (!isObject(op) || Object.keys(op).length !== 1) throw bad('an op is an object with one key');
  const kind = Object.keys(op)[0];
  const form = fields[kind];
  const given = op[kind];
  if (!form) throw bad(`no op is called ${JSON.stringify(kind)}`);
  if (!isObject(given)) throw bad(`${kind} is an object`, kind);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(form, name)) throw bad(`${kind} has no field ${JSON.stringify(name)}`, `${kind}.${name}`);
  }
  /** @type {Record<string, any>} */
  const out = {};
  for (const [name, type] of Object.entries(form)) {
    const value = readField(given[name], type, `${kind}.${name}`);
    if (value !== undefined) out[name] = value;
  }
  if (kind === 'data' && !out.remove) out.value ??= '';
  return /** @type {any} */ ({ [kind]: out });
}

/** @param {any} value @param {string} type @param {string} field */
function readField(value, type, field) {
  switch (type) {
    case 'delta':
      return readDelta(value ?? [], field).ops;
    case 'flag':
      if (value !== undefined && typeof value !== 'boolean') throw bad(`${field} is true or false`, field);
      return value || undefined;
    case 'role':
      value ??= 'full';
      if (!['full', 'comment', 'read'].includes(value)) throw bad(`${field} is full, comment or read`, field);
      return value;
    case 'text':
      if (value === undefined) return undefined;
  }
  if (field === 'create.thread') value ??= '';
  if (typeof value !== 'string') throw bad(`${field} is a string`, field);
  if (!value.isWellFormed()) throw bad('half of a surrogate pair stands alone', field);
  return value;
}

/**
 * Reads a rich-text delta into normal form.
 *
 * @param {unknown} ops
 * @param {string} field
 * @returns {Delta}
 */
export function readDelta(ops, field) {
  if (!Array.isArray(ops)) throw bad('a delta is a list of ops', field);
  const delta = new Delta();
  ops.forEach((op, i) => delta.push(readTextOp(op, `${field}[${i}]`)));
  return delta.chop();
}

/** @param {any} op @param {string} field @returns {import('quill-delta').Op} */
function readTextOp(op, field) {
  if (!isObject(op)) throw bad('an op is an object', field);
  const { attributes, ...rest } = op;
  const [kind, ...more] = Object.keys(rest);
  if (more.length > 0) throw bad('an op is one of insert, retain and delete', field);
  const attr = readAttributes(attributes, kind, field);
  const value = rest[kind];
  switch (kind) {
    case 'retain':
    case 'delete':
      if (!Number.isSafeInteger(value) || value < 1) throw bad('a length is a whole number from 1', `${field}.${kind}`);
      break;
    case 'insert':
      if (typeof value === 'string' ? value === '' || !value.isWellFormed() : !isObject(value) || Object.keys(value).length !== 1) {
        throw bad('an insert is well-formed text that is not empty, or an object with one key', `${field}.insert`);
      }
      break;
    default:
      throw bad('an op is one of insert, retain and delete', field);
  }
  return attr ? { [kind]: value, attributes: attr } : { [kind]: value };
}

/** @param {any} attributes @param {string} kind @param {string} field */
function readAttributes(attributes, kind, field) {
  if (attributes === undefined) return undefined;
  if (!isObject(attributes) || kind === 'delete') throw bad('attributes are an object, on an insert or a retain', `${field}.attributes`);
  const kept = Object.entries(attributes).filter(([, value]) => kind !== 'insert' || value !== null);
  for (const [key] of kept) {
    if (['', '__proto__', 'constructor', 'prototype'].includes(key)) throw bad('an attribute cannot have this name', `${field}.attributes`);
  }
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/**
 * Both lists as they apply after the other one: server and then client2 gives
 * the same wavelet as client and then server2. The server's was committed first
 * and has priority.
 *
 * @param {Op[]} server
 * @param {Op[]} client
 * @returns {[server2: Op[], client2: Op[]]}
 */
export function transformPair(server, client) {
  const server2 = [];
  for (const op of server) {
    /** @type {Op | null} */
    let s = op;
    const rest = [];
    for (const c of client) {
      const late = s ? after(s, c) : c;
      if (s) s = before(s, c);
      if (late) rest.push(late);
    }
    client = rest;
    if (s) server2.push(s);
  }
  return [server2, client];
}

/** The client's op as it applies after the server's. @param {any} s @param {any} c @returns {Op | null} */
function after(s, c) {
  switch (kindOf(s)) {
    case 'edit':
      if (c.edit?.blip === s.edit.blip) return edit(c.edit.blip, new Delta(s.edit.ops).transform(new Delta(c.edit.ops), true));
      break;
    case 'delete':
      if ((c.edit ?? c.delete ?? c.click)?.blip === s.delete.blip) return null;
      break;
    case 'add':
      if (c.add?.who === s.add.who) return null;
      break;
    case 'remove':
      if (!c.add && memberOf(c) === s.remove.who) return null;
      break;
    case 'role':
      if ((c.add && c.add.who === s.role.who) || same([c], [s])) return null;
      break;
    case 'tag':
    case 'data':
      if (same([c], [s])) return null;
  }
  return c;
}

/** The server's op as it applies after the client's. @param {any} s @param {any} c @returns {Op | null} */
function before(s, c) {
  switch (kindOf(s)) {
    case 'edit':
      if (c.edit?.blip === s.edit.blip) return edit(s.edit.blip, new Delta(c.edit.ops).transform(new Delta(s.edit.ops), false));
      if (c.delete?.blip === s.edit.blip) return null;
      break;
    case 'delete':
    case 'click':
      if (c.delete?.blip === (s.delete ?? s.click).blip) return null;
      break;
    case 'add':
    case 'remove':
    case 'role':
      if (memberOf(s) === memberOf(c)) return memberBefore(s, c);
      break;
    case 'tag':
      if (c.tag?.tag === s.tag.tag) return null;
      break;
    case 'data':
      if (c.data?.name === s.data.name) return null;
  }
  return s;
}

/** before for two ops about one participant. @param {any} s @param {any} c @returns {Op | null} */
function memberBefore(s, c) {
  if (s.add) return c.add && c.add.role !== s.add.role ? { role: { ...s.add } } : null;
  if (s.remove) {
    if (c.add) return { role: { ...c.add } };
    return c.remove ? null : s;
  }
  return c.add ? s : null;
}

/** @param {string} blip @param {Delta} delta @returns {Op | null} */
function edit(blip, delta) {
  return delta.ops.length > 0 ? { edit: { blip, ops: delta.ops } } : null;
}

/** @param {any} op @returns {string | undefined} */
function memberOf(op) {
  return (op.add ?? op.remove ?? op.role)?.who;
}

/**
 * Adds ops behind a list, composing an edit with what the list does last if that
 * is to the same blip.
 *
 * @param {Op[]} list
 * @param {Op[]} ops
 * @returns {Op[]}
 */
export function merge(list, ops) {
  const out = list.slice();
  for (const op of ops) {
    const last = /** @type {any} */ (out.at(-1));
    const kind = last?.edit ? 'edit' : 'create';
    const onto = last?.[kind];
    if (op.edit && onto?.blip === op.edit.blip && (kind === 'edit' || onto.ops.length > 0)) {
      const delta = new Delta(onto.ops).compose(new Delta(op.edit.ops));
      out[out.length - 1] = /** @type {Op} */ ({ [kind]: { ...onto, ops: delta.ops } });
    } else {
      out.push(op);
    }
  }
  return out;
}

/**
 * Whether two lists of ops, or any two values of JSON, say the same.
 *
 * @param {unknown} a
 * @param {unknown} b
 */
export function same(a, b) {
  return canonical(a) === canonical(b);
}

/** Text of a value with its keys in order. @param {unknown} value @returns {string} */
export function canonical(value) {
  return JSON.stringify(value, (_, v) =>
    isObject(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v);
}
