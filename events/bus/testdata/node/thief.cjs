// A robot that behaves badly, with the NATS client for Node: it listens where it
// may not, and then floods the server until it is thrown out.
const { connect } = require("nats");

(async () => {
  const [servers, user, pass, token, others] = process.argv.slice(2);
  const nc = await connect({ servers, user, pass, inboxPrefix: "_INBOX." + token, reconnect: false, timeout: 60000 });
  for (const subject of [">", "weir.robots.*.bundles", others]) {
    await new Promise((refused) => nc.subscribe(subject, { callback: (err, msg) => {
      if (!err) console.log("heard " + msg.subject);
      refused();
    } }));
    console.log("refused " + subject);
  }
  const mine = nc.subscribe("weir.robots." + token + ".disconnected", { callback: (err, msg) => console.log("told " + msg.json().reason) });
  await nc.flush();
  const over = nc.closed().then(() => "closed");
  for (;;) {
    for (let i = 0; i < 500; i++) nc.publish("weir.robots." + token + ".rpc", "again");
    const now = await Promise.race([over, nc.flush().then(() => "open").catch(() => over)]);
    if (now === "closed") break;
  }
  console.log("closed");
})().catch((err) => { console.log("failed " + err); process.exit(1); });
