// Nothing runs this: the compiler holds index.d.ts against the code.

import type * as declared from './index.js';
import { Client } from './client.js';
import { Replica } from './replica.js';
import { Refusal } from './protocol.js';
import { State } from './state.js';
import { Wavelet } from './wavelet.js';
import { snap } from './snap.js';
import { transformPair } from './ops.js';
import { wait } from './backoff.js';

declare const client: Client;
declare const wavelet: Wavelet;
declare const replica: Replica;
declare const state: State;
declare const refusal: Refusal;
const asDeclared: [declared.Client, declared.Wavelet, declared.Replica, declared.State, declared.Refusal] = [
  client, wavelet, replica, state, refusal,
];
const functions: [typeof declared.connect, typeof declared.snap, typeof declared.transformPair, typeof declared.wait] = [
  Client.connect, snap, transformPair, wait,
];
void [asDeclared, functions];
