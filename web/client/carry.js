// @ts-check
// Carrying local changes over a gap: what may be kept, and what is given back.

import { kindOf, same } from './ops.js';

/** @typedef {import('./types.js').Op} Op */
/** @typedef {import('./state.js').State} State */

/**
 * A copy of local changes that the server will not have, null if there are none.
 *
 * @param {Op[]} ops
 * @param {Error} reason
 * @returns {import('./types.js').Lost | null}
 */
export function lost(ops, reason) {
  if (ops.length === 0) return null;
  const pieces = [];
  for (const op of ops) {
    for (const o of (op.edit ?? op.create)?.ops ?? []) {
      if (typeof o.insert === 'string') pieces.push(o.insert.replace(/\n$/, ''));
    }
  }
  return { ops, text: pieces.join('\n'), reason };
}

/**
 * Sorts ops that apply to state from into those that may be applied to state to
 * and those that may not. An edit may if the text it was made against is the same
 * there; anything may if the new state accepts it and it builds on nothing that is
 * lost. No edit is merged blindly into text that has changed.
 *
 * @param {State} from
 * @param {State} to
 * @param {string} me
 * @param {Op[]} ops
 * @returns {{kept: Op[], lost: Op[], state: State}} state is to with what was kept
 */
export function carry(from, to, me, ops) {
  let state = to;
  const kept = [];
  const gone = [];
  const tainted = new Set();
  for (const op of ops) {
    const keys = touches(op);
    let next = null;
    if (!keys.some((key) => tainted.has(key)) && (kindOf(op) !== 'edit' || sameText(from, to, keys[0].slice(5)))) {
      next = tryApply(state, op, me);
    }
    if (next) {
      state = next;
      kept.push(op);
    } else {
      gone.push(op);
      tainted.add(keys[0]);
    }
  }
  return { kept, lost: gone, state };
}

/** @param {State} state @param {Op} op @param {string} me */
function tryApply(state, op, me) {
  try {
    return state.apply([op], { author: me, at: state.modified, version: state.version + 1 });
  } catch {
    return null;
  }
}

/** @param {State} a @param {State} b @param {string} id */
function sameText(a, b, id) {
  const x = a.blips.get(id);
  const y = b.blips.get(id);
  if (!x || !y) return x === y; // one that neither has is about to be created
  return x.deleted === y.deleted && same(x.doc.ops, y.doc.ops);
}

/** What an op changes, first, and what it needs. @param {any} op @returns {string[]} */
function touches(op) {
  switch (kindOf(op)) {
    case 'edit':
    case 'delete':
      return [`blip ${(op.edit ?? op.delete).blip}`];
    case 'create':
      return [`blip ${op.create.blip}`, `thread ${op.create.thread}`];
    case 'thread':
      return [`thread ${op.thread.id}`, `blip ${op.thread.parent}`];
    case 'tag':
      return [`tag ${op.tag.tag}`];
    case 'data':
      return [`data ${op.data.name}`];
    case 'click':
      return [`click ${op.click.element}`, `blip ${op.click.blip}`];
  }
  return [`who ${(op.add ?? op.remove ?? op.role).who}`];
}
