// Package testbots holds robots to try a server with: honest ones (Echo,
// Spelly, Translator, Ticker), and ones that misbehave (Looper, Crasher,
// Sleeper). Each is a page of code and an ordinary robot: an HTTP handler that
// robots/kit makes of its page, and knows nothing else of weir, so that what works
// with these works with anybody's. Of the kit it does without one thing: it does
// not stay below its limits, for those are what it is there to show.
//
// A Bot answers three addresses. GET /_wave/capabilities.xml says which events
// it wants. POST /_wave/robot/jsonrpc brings a bundle; the bot's answer to it is
// a list of operations in the same response. GET /_wave/robot/profile names it.
// Ticker and Looper also write without being asked, through the active API with
// the robot's key.
//
// An [Agent] is no Bot, for nobody calls it: it reads and writes over MCP, as
// language models do, from a script.
//
// A bot writes into one blip of its own in each wavelet and replaces its text,
// so that an hour of talk leaves a handful of blips. It finds that blip in the
// bundle by its creator: nothing is remembered between bundles, and a bot that
// is started again goes on where it was.
//
// A Bot is safe for concurrent requests. Serve runs one and waits for it.
package testbots
