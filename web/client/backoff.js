// @ts-check
// How long to wait between attempts to connect.

/**
 * The pause after a number of failures in a row (1 or more): the longer of the
 * server's advice and the doubled minimum, plus jitter, a random u in [0,1) of
 * the doubled minimum. It is never shorter than the advice and never zero.
 *
 * @param {{min?: number, max?: number} | undefined} backoff milliseconds; 500 and 30,000 where they are missing or not positive
 * @param {number} failures
 * @param {number} advice milliseconds, 0: none
 * @param {number} u
 * @returns {number} milliseconds
 */
export function wait(backoff, failures, advice, u) {
  const min = positive(backoff?.min, 500);
  const max = Math.max(min, positive(backoff?.max, 30_000));
  const step = Math.min(max, min * 2 ** Math.min(failures - 1, 30));
  return Math.max(advice, step) + u * step;
}

/** @param {number | undefined} n @param {number} otherwise */
function positive(n, otherwise) {
  return n !== undefined && n > 0 ? n : otherwise;
}

/**
 * Reads "retry_after_ms=3000" from the reason of a close frame; 0 if it is not
 * there.
 *
 * @param {string} reason
 */
export function closeAdvice(reason) {
  const found = /retry_after_ms=(\d+)\s*$/.exec(reason);
  return found ? Number(found[1]) : 0;
}
