// Times quill-delta composing documents: node quill.js LIBRARY TASKS
//
// TASKS is a JSON file of [{base: [op, ...], edits: [[op, ...], ...]}, ...]. For
// each line of input, the number of a task, the task is done once and a line with
// the nanoseconds it took and the hash of the text it came to is printed.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const readline = require('readline');

const [library, file] = process.argv.slice(2);
const Delta = require(library);
const tasks = JSON.parse(fs.readFileSync(file, 'utf8')).map(({ base, edits }) => ({
  base: new Delta(base),
  edits: edits.map((ops) => new Delta(ops)),
}));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { base, edits } = tasks[Number(line)];
  let doc = base;
  const start = process.hrtime.bigint();
  for (const delta of edits) doc = doc.compose(delta);
  const nanoseconds = Number(process.hrtime.bigint() - start);
  const text = doc.map((op) => op.insert).join('');
  const sha256 = crypto.createHash('sha256').update(text).digest('hex');
  console.log(JSON.stringify({ nanoseconds, sha256 }));
});
