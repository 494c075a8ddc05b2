// Drives clients for the conformance script: commands as JSON lines on standard
// input, answers on standard output. Each command has a number n; its answer
// carries it. Many clients live in one process.

import { createInterface } from 'node:readline';
import { Client, Delta, Refusal, snap, transformPair } from '../index.js';
import { after, before } from '../cursor.js';
import { textOf } from '../state.js';

const clients = new Map();
const opened = new Map();

/** The wavelet of a command. */
function at(c) {
  const w = opened.get(`${c.client} ${c.wave}`);
  if (!w) throw new Error(`${c.client} has not opened ${c.wave}`);
  return w;
}

function look(w) {
  const { state } = w;
  const root = state.blips.get(state.root);
  return { text: state.text, doc: root ? root.doc.ops : [], version: w.version, status: w.status, title: state.title, people: peopleOf(w) };
}

/** Who has a wavelet open, and where their cursors are, in a line. */
function peopleOf(w) {
  const { people, connections, many } = w.people;
  if (many) return `${connections} connections`;
  const words = people.map(({ user, cursor: c }) => {
    const name = user.split('@')[0];
    if (!c) return name;
    return `${name} ${c.anchor}-${c.head}` + (c.blip === w.state.root ? '' : ` ${c.blip}`);
  });
  return words.sort().join(', ');
}

/** Clamps a place, a share of the document from 0 to 1, to a border between characters. */
function place(text, share) {
  const p = Math.floor(share * (text.length + 1));
  return p > 0 && p < text.length && /[\udc00-\udfff]/.test(text[p]) ? p - 1 : p;
}

/** An edit somewhere in the document as it is now. */
function scribble(w, c) {
  const { state } = w;
  const doc = state.blips.get(state.root).doc;
  const text = doc.ops.map((op) => (typeof op.insert === 'string' ? op.insert : '*')).join('').slice(0, -1);
  const from = place(text, c.from);
  const to = Math.max(from, place(text, c.to));
  const delta = new Delta().retain(from);
  if (c.kind === 'insert') delta.insert(c.text, c.attributes);
  else if (from === to) return;
  else if (c.kind === 'delete') delta.delete(to - from);
  else delta.retain(to - from, c.attributes);
  w.edit(state.root, delta);
}

const commands = {
  async dial(c) {
    const tokens = c.tokens ?? []; // one after the other, as from a login service
    const token = c.tokens && (() => tokens.length > 1 ? tokens.shift() : tokens[0]);
    const client = new Client(c.url, { user: c.user, backoff: c.backoff, token });
    clients.set(c.client, client);
    await client.until('status', () => {
      if (client.error) throw client.error;
      return client.connected;
    });
    return {};
  },
  async open(c) {
    const link = c.link && (() => c.link); // as a program that gets them elsewhere
    const w = await clients.get(c.client).open(c.name.wave, c.name.wavelet, { link });
    opened.set(`${c.client} ${c.wave}`, w);
    w.on('people', () => w.emit('change', { ops: [], local: false })); // what is waited for may be either
    return look(w);
  },
  edit(c) {
    const w = at(c);
    w.edit(c.blip || w.state.root, c.ops);
    return look(w);
  },
  watch(c) {
    at(c).watch();
    return {};
  },
  cursor(c) {
    const w = at(c);
    w.setCursor(c.cursor ? { ...c.cursor, blip: c.cursor.blip || w.state.root } : null);
    return {};
  },
  publish(c) {
    at(c).publish(...c.ops);
    return {};
  },
  scribble(c) {
    scribble(at(c), c);
    return {};
  },
  async wait(c) {
    const w = at(c);
    await w.until('change', () => {
      if (w.error) throw w.error;
      const now = look(w);
      return Object.entries(c.want).every(([key, value]) => now[key] === value);
    });
    return look(w);
  },
  look(c) {
    return look(at(c));
  },
  async lost(c) {
    const w = at(c);
    let lost = w.takeLost();
    await w.until('change', () => (lost = lost.concat(w.takeLost())).length > 0);
    return { text: lost.map((l) => l.text).join('\n'), code: lost[0].reason.code ?? 0 };
  },
  async end(c) {
    const w = at(c);
    await w.until('change', () => w.error !== null);
    return { code: w.error.code ?? 0, message: w.error.message };
  },
  async ended(c) {
    const e = await clients.get(c.client).ended;
    return { code: e.code ?? 0, message: e.message };
  },
  call(c) {
    return clients.get(c.client).call(c.method, c.params);
  },
  stats(c) {
    return clients.get(c.client).stats;
  },
  shut(c) {
    at(c).close();
    opened.delete(`${c.client} ${c.wave}`);
    return {};
  },
  async close(c) {
    await clients.get(c.client)?.close();
    clients.delete(c.client);
    return {};
  },
  transform(c) {
    const [server, client] = transformPair(c.server, c.ops);
    return { server, client };
  },
  carets(c) {
    return { carets: [after(c.cursor, c.ops, true), after(c.cursor, c.ops, false), before(c.cursor, c.ops)] };
  },
  snap(c) {
    const doc = new Delta(c.doc);
    const delta = snap(doc, new Delta(c.ops));
    return { ops: delta.ops, text: textOf(doc.compose(delta)) };
  },
};

async function run(line) {
  const c = JSON.parse(line);
  let answer;
  try {
    answer = { n: c.n, ok: await commands[c.do](c) };
  } catch (e) {
    answer = { n: c.n, err: { code: e instanceof Refusal ? e.code : 0, message: String(e?.message ?? e) } };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void run(line));
lines.on('close', () => process.exit(0));
