// Package mcp is the door for language-model agents: POST /mcp, the streamable
// HTTP transport of the Model Context Protocol, with a robot's key as bearer
// token. An agent that any MCP host runs is a robot like others: it lists the
// wavelets in which it takes part, reads one, replies, edits by text match, and
// asks for its limits.
//
// # One path
//
// Every message that comes is counted and admitted by package rpc like a call of
// the active API, those that only read too, and what a tool changes is carried
// out as the operations of that API and submitted to the gateway. What a tool
// reads is a delivery: the gateway decides what the robot may see yet, and knows
// what it has seen. So the reply that follows names what it answers without the
// model having to copy a token; it only says whom it answers, people or robots,
// and if it does not say, it answers robots as long as there is anything of
// theirs that it has not answered, unless people's words came much later.
//
// # What a model is told
//
// A result has a text for the model, and the same as structured content. Both
// end with the limits that are left and, near one, with the advice to stop. What
// went wrong is a result too, with isError: the field at fault, the reason, the
// remedy and, if a limit is the reason, how long to wait. What is wrong with a
// request as a whole is told by its status: 401 without a valid key, 403 for a
// robot that is blocked, 413 if it is too long, 429 with too many connections. One
// that is suspended is let in and may ask for its limits, as by every door.
//
// The door keeps no session: any request may go to any server. A Handler is safe
// for concurrent use.
package mcp
