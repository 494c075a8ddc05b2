// @ts-check
// Editors compare texts by UTF-16 units and so may cut an emoji in two. The
// server refuses that; here the borders are moved.

import Delta from 'quill-delta';
import { pairs } from './state.js';

/** @typedef {import('quill-delta').Op & {half?: 'high' | 'low', pair?: string}} Part */

/**
 * The delta with no border inside a surrogate pair of the document. A pair that
 * text is inserted into is taken out whole, and its halves go into that text; one
 * of which a half is deleted goes.
 *
 * @param {Delta} doc
 * @param {Delta} delta
 * @returns {Delta}
 */
export function snap(doc, delta) {
  const out = new Delta();
  /** @type {Part | null} */
  let high = null;
  /** @type {Part[]} */
  let between = [];
  for (const part of split(doc, delta)) {
    if (part.half === 'high') {
      high = part;
      between = [];
    } else if (high && part.half === 'low') {
      whole(out, high, between, part);
      high = null;
    } else if (high) {
      between.push(part);
    } else {
      out.push(part);
    }
  }
  return out.chop();
}

/** Cuts single units off the ops that meet inside a pair. @param {Delta} doc @param {Delta} delta */
function split(doc, delta) {
  const inside = pairs(doc);
  /** @type {Part[]} */
  const parts = [];
  let at = 0;
  for (const op of delta.ops) {
    if (op.insert !== undefined) {
      parts.push(op);
      continue;
    }
    const kind = op.delete === undefined ? 'retain' : 'delete';
    const unit = (/** @type {number} */ n) => ({ ...op, [kind]: n });
    let n = /** @type {number} */ (op[kind]);
    const low = inside(at);
    at += n;
    const high = inside(at);
    if (low) parts.push({ ...unit(1), half: 'low' });
    n -= Number(low) + Number(high);
    if (n > 0) parts.push(unit(n));
    if (high) parts.push({ ...unit(1), half: 'high', pair: String(doc.slice(at - 1, at + 1).ops[0].insert) });
  }
  if (inside(at)) parts.push({ retain: 1, half: 'low' });
  return parts;
}

/** Writes what becomes of a pair that was cut. @param {Delta} out @param {Part} high @param {Part[]} between @param {Part} low */
function whole(out, high, between, low) {
  if (between.length === 0) {
    if (high.delete || low.delete) out.delete(2);
    else out.retain(2, high.attributes);
    return;
  }
  const pair = /** @type {string} */ (high.pair);
  between.forEach(({ insert, attributes }, i) => {
    if (typeof insert === 'string') {
      if (i === 0 && !high.delete) insert = pair[0] + insert;
      if (i === between.length - 1 && !low.delete) insert += pair[1];
      insert = insert.replace(/\p{Surrogate}/gu, ''); // a half that stands alone
    }
    if (insert) out.insert(/** @type {any} */ (insert), attributes);
  });
  out.delete(2);
}
