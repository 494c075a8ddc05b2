// @ts-check
// Where a selection stands while text is written. The server and every client
// move cursors by the same rule.

import Delta, { Op as TextOps } from 'quill-delta';

/** @typedef {import('./types.js').Cursor} Cursor */
/** @typedef {import('./types.js').Op} Op */

/**
 * The cursor as it stands when ops have been applied, null if its blip was deleted
 * by them. Own tells that the ops are by the person whose cursor it is: only then
 * does text that is inserted exactly at a position push it on.
 *
 * @param {Cursor} cursor
 * @param {Op[]} ops
 * @param {boolean} own
 * @returns {Cursor | null}
 */
export function after({ blip, anchor, head }, ops, own) {
  for (const op of ops) {
    if (op.delete?.blip === blip) return null;
    if (op.edit?.blip !== blip) continue;
    const delta = new Delta(op.edit.ops);
    anchor = delta.transformPosition(anchor, !own);
    head = delta.transformPosition(head, !own);
  }
  return { blip, anchor, head };
}

/**
 * Undoes after for ops by the person whose cursor it is: a cursor that after leads
 * to where this one is, or to the end of the text in which it is; null if ops make
 * its blip.
 *
 * @param {Cursor} cursor
 * @param {Op[]} ops
 * @returns {Cursor | null}
 */
export function before({ blip, anchor, head }, ops) {
  for (const op of [...ops].reverse()) {
    if (op.create?.blip === blip) return null;
    if (op.edit?.blip !== blip) continue;
    anchor = originalPosition(op.edit.ops, anchor);
    head = originalPosition(op.edit.ops, head);
  }
  return { blip, anchor, head };
}

/**
 * Where a position of the document that ops lead to lay before them. What they
 * inserted lay where it was put, its end too.
 *
 * @param {import('quill-delta').Op[]} ops
 * @param {number} index
 */
function originalPosition(ops, index) {
  let then = 0;
  let now = 0;
  for (const op of ops) {
    const n = TextOps.length(op);
    if (op.delete !== undefined) {
      then += n;
    } else if (op.insert !== undefined) {
      if (index <= now + n) return then;
      now += n;
    } else {
      if (index < now + n) break;
      then += n;
      now += n;
    }
  }
  return then + index - now;
}

/**
 * The cursor within its blip, before the last newline; null if the blip is not
 * there.
 *
 * @param {import('./state.js').State} state
 * @param {Cursor} cursor
 * @returns {Cursor | null}
 */
export function inside(state, { blip, anchor, head }) {
  const b = state.blips.get(blip);
  if (!b || b.deleted) return null;
  const end = b.doc.length() - 1;
  return { blip, anchor: Math.min(anchor, end), head: Math.min(head, end) };
}
