package main

const about = `Documents that people and robots share, with the robots kept in check.

Start with:

  weir demo echo-loop     watch two robots loop and one of them being evicted
  weir serve              run the server

Help on a command, with examples: weir help COMMAND.

Exit codes: 0 done; 1 it failed, or what was asked for did not hold; 2 a benchmark could not be measured; 80 the command line is wrong.`

// cli is the command line: one field per subcommand, each in the file of its
// name.
type cli struct {
	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Robots      robotsCmd      `cmd:"" help:"Register robots and look after them."`
	Grants      grantsCmd      `cmd:"" help:"Show and end what people have allowed programs."`
	Connections connectionsCmd `cmd:"" help:"Show who is connected; close sockets."`
	Block       blockCmd       `cmd:"" help:"Block people, robots and networks."`
	Trace       traceCmd       `cmd:"" help:"Show what a person or a robot does, as it happens."`
	Revoke      revokeCmd      `cmd:"" help:"Make a person's login tokens void."`
	Wave        waveCmd        `cmd:"" help:"Make wavelets, read them, write to them."`
	Drill       drillCmd       `cmd:"" help:"Prove on a running server that the guard is on."`
	Import      importCmd      `cmd:"" help:"Bring in what was written elsewhere."`
	Decisions   decisionsCmd   `cmd:"" help:"Show what the governor decided, and why."`
	Policies    policiesCmd    `cmd:"" help:"Show profiles; check, compare and apply policy files."`
	Admission   admissionCmd   `cmd:"" help:"Show and set who is let in, and how often."`
	Simulate    simulateCmd    `cmd:"" help:"Run scenarios in virtual time."`
	Testbot     testbotCmd     `cmd:"" help:"Run a robot to try a server with."`
	MCP         mcpCmd         `cmd:"" name:"mcp" help:"Let a language model take part: MCP on standard input and output."`
	Demo        demoCmd        `cmd:"" help:"Show what weir is for."`
	Bench       benchCmd       `cmd:"" help:"Measure, and compare with the bars."`
	Version     versionCmd     `cmd:"" help:"Show the version."`
	Help        struct{}       `cmd:"" help:"Show help: weir help COMMAND."`
}
