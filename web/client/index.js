// A client of weir's live protocol. It runs where there are fetch and WebSocket:
// in browsers, and in Node.

export { default as Delta } from 'quill-delta';
export { Client } from './client.js';
export { Wavelet } from './wavelet.js';
export { Replica } from './replica.js';
export { State } from './state.js';
export { BadFrame, Closed, ConnectionLost, Diverged, Refusal, codes } from './protocol.js';
export { transformPair } from './ops.js';
export { snap } from './snap.js';
export { wait } from './backoff.js';

import { Client } from './client.js';
export const connect = Client.connect;
