// Package weir is the root of a collaborative-document server that keeps its
// robots in check. It holds the map of the house, the test that keeps it true
// (floor_test.go) and the Figure in which every benchmark reports. Each package
// stands on a floor and imports lower floors only.
//
//	cmd/weir            7  the binary: config, run, one file per subcommand
//	sim/live            6  scenarios against a real server, by any door
//	web                 6  the HTTP edge: routes, sockets, admin API, metrics
//	robots/mcp          6  language models call in, over MCP
//	sim                 5  scenarios in virtual time over Lane and Governor
//	robots/rpc          5  active API: robots call in
//	testbots            5  Echo, Spelly, Translator, Ticker, Crasher, Sleeper, Agent
//	web/siege           5  attacks on a running server, and what they do to its people
//	gateway             4  Lane and its runner: merge, pace, deliver, judge, submit
//	robots              4  who is registered: directory, keys, capabilities
//	governor/decisions  3  the log of what was decided: kept, paged, followed
//	governor/traffic    3  what the governor was asked: recorded, and asked again
//	robots/wire         3  the Wave robot protocol: bundles, operations, delivery
//	events/bus          3  NATS: robots that connect out, and the feed that operators follow
//	wavelet/host        2  one goroutine per open wavelet, the only writer
//	wavelet/client      2  the Go client of the live protocol
//	wavelet/search      2  what a query means, and which wavelets it finds; pure
//	wavelet/reading     2  what each participant has read
//	wavelet/presence    2  who has a wavelet open, and their cursors; pure
//	wavelet/sharing     2  share links, to read a wavelet and to join it by
//	wavelet/attachment  2  the files that belong to wavelets
//	governor            2  windows, lineage, ladder, verdicts, limits; pure
//	events              2  robot events from commits, windows, bundles; pure
//	robots/grants       2  what people have allowed programs: tokens of the data API
//	robots/kit/overnats 2  a robot of the kit over NATS, without a URL of its own
//	admission/bounds    2  the room that work under way may take: places, memory of bodies
//	admission/lending   2  limits over all nodes: tokens are leased, spent and owed
//	admission/blocks    2  who is not let in at all, until a time or for good
//	admission/settings  2  the configuration of admission that a server is told while it runs
//	web/logins          2  from when on a person's login tokens count
//	robots/kit          1  a robot in Go: typed events and operations, calls, manners below its limits
//	robots/wiretest     1  robots on the old client libraries, for tests
//	admission           1  who is let in while there is room; pure
//	policies/book       1  the policies in force, and their history
//	wavelet             1  ids, ops, state, apply, transform; pure
//	robots/oauth        0  OAuth 1.0 signatures: signing requests, verifying them; pure
//	wavelet/richtext    0  deltas, their algebra, the document engine; pure
//	robots/vault        0  secrets at rest
//	policies            0  limit profiles, YAML, built-ins; pure
//	store               0  bytes in, bytes out, durable
//
// Packages that end in bench measure, those that end in test hold others to rules.
//
// Data flows one way round: host, gateway, robot, gateway, host.
package weir
