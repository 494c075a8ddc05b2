// @ts-check
// Asking for a ticket: POST /connect, and what to do when the server says no.

import { readError, isCount, isObject } from './protocol.js';

/** How long a request may take. The server lets some wait. */
const PATIENCE = 30_000;

/** A refusal to connect: for good, or with advice when to come again. */
export class Denied extends Error {
  /**
   * @param {Error} cause
   * @param {{fatal: boolean, advice?: number, exact?: boolean, place?: string}} how advice is in milliseconds; exact: without jitter;
   *   place: in the server's queue
   */
  constructor(cause, { fatal, advice = 0, exact = false, place }) {
    super(cause.message, { cause });
    this.fatal = fatal;
    this.advice = advice;
    this.exact = exact;
    this.place = place;
  }
}

/**
 * Knocks once. It returns the ticket, or throws a Denied or what fetch throws.
 *
 * @param {typeof fetch} fetch
 * @param {URL} base
 * @param {{user?: string, token?: string, ticket?: string}} body
 * @param {AbortSignal} signal
 * @returns {Promise<string>}
 */
export async function knock(fetch, base, body, signal) {
  const patience = AbortSignal.timeout(PATIENCE);
  const response = await fetch(new URL('connect', base), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.any ? AbortSignal.any([signal, patience]) : patience,
  });
  const text = await response.text();
  /** @type {any} */
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = {};
  }
  if (response.ok) {
    if (typeof answer?.ticket === 'string') return answer.ticket;
    throw new Error('ask for a ticket: the answer holds none');
  }
  throw denied(response, isObject(answer) ? answer : {});
}

/** @param {Response} response @param {Record<string, any>} answer */
function denied(response, answer) {
  let cause = new Error(`ask for a ticket: ${response.status} ${response.statusText}`);
  try {
    cause = readError(answer.err);
  } catch {
    // not an answer of weir's: the status has to do
  }
  const seconds = Number(response.headers.get('Retry-After'));
  const place = typeof answer.ticket === 'string' ? answer.ticket : undefined;
  const told = isCount(answer.retry_in_ms);
  return new Denied(cause, {
    fatal: response.status < 500 && response.status !== 408 && response.status !== 429,
    advice: told ? answer.retry_in_ms : seconds > 0 ? seconds * 1000 : 0,
    exact: told && place !== undefined,
    place,
  });
}

/** Where the socket is. @param {URL} base @param {string} ticket */
export function socketURL(base, ticket) {
  const url = new URL('ws', base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('ticket', ticket);
  return url;
}
