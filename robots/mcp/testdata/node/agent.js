// An agent without a model: it lists its wavelets, reads the first, replies to
// the last message and edits it. What each tool answers goes to stdout, as JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, key] = process.argv.slice(2);
const client = new Client({ name: 'node', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${key}` } } }));
const use = async (name, args) => {
  const result = await client.callTool({ name, arguments: args });
  return { ...result.structuredContent, isError: result.isError === true, text: result.content[0].text };
};
const out = { tools: (await client.listTools()).tools.map((tool) => tool.name) };
out.listed = await use('list_wavelets', {});
const { wavelet } = out.listed.wavelets[0];
out.read = await use('read_wavelet', { wavelet });
const blip = out.read.blips.at(-1).id;
out.replied = await use('reply', { wavelet, blip, text: 'Hello from Nod.', answers: 'people' });
out.edited = await use('edit_text', { wavelet, blip: out.replied.blip, find: 'Nod.', replace: 'Node.' });
out.wrong = await use('edit_text', { wavelet, blip: out.replied.blip, find: 'Nod.', replace: 'Node.' });
out.hostile = await use('read_wavelet', { wavelet: { deep: [wavelet] } });
console.log(JSON.stringify(out));
await client.close();
