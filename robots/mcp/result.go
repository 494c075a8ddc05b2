package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"weir/gateway"
	"weir/robots/rpc"
	"weir/wavelet"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// found is what a tool found or did: for the model, and for programs.
type found struct {
	text string
	data map[string]any
}

// fault is why a tool did not do what it was asked for.
type fault struct {
	Code         string `json:"code"`
	Field        string `json:"field,omitempty"` // the argument at fault
	Message      string `json:"message"`
	Remedy       string `json:"remedy,omitempty"`
	Limit        string `json:"limit,omitempty"` // that was reached
	RetryAfterMS int64  `json:"retryAfterMs,omitempty"`
}

// bad is the fault of an argument.
func bad(field, message, remedy string, args ...any) *fault {
	return &fault{Code: "bad_argument", Field: field, Message: message, Remedy: fmt.Sprintf(remedy, args...)}
}

// turnedAway is why a call was not made at all, nil if it was.
func turnedAway(r rpc.Reply) *fault {
	if r.Err == nil {
		return nil
	}
	if _, ok := errors.AsType[*wavelet.Refusal](r.Err); ok {
		return faultOf(r.Err)
	}
	f := &fault{Code: "refused", Message: r.Err.Error(), RetryAfterMS: r.RetryAfter.Milliseconds()}
	if r.RetryAfter > 0 {
		f.Code, f.Remedy = "busy", fmt.Sprintf("try again in %s", r.RetryAfter)
	}
	return f
}

// faultOf is what an agent is told of an error. What is not its business it is
// not told.
func faultOf(err error) *fault {
	r, ok := errors.AsType[*wavelet.Refusal](err)
	if !ok {
		f := gateway.FailureOf("", err)
		return &fault{Code: "failed", Message: f.Message}
	}
	f := &fault{
		Code: string(r.Code), Field: r.Field, Message: r.Reason, Remedy: r.Remedy,
		Limit: r.Limit, RetryAfterMS: r.RetryAfter.Milliseconds(),
	}
	if f.RetryAfterMS > 0 {
		wait := fmt.Sprintf("wait %s before you try again", r.RetryAfter.Round(100*time.Millisecond))
		if f.Remedy != "" {
			wait = f.Remedy + "; " + wait
		}
		f.Remedy = wait
	}
	return f
}

// text is the fault in a sentence.
func (f *fault) text() string {
	text := f.Message
	if f.Field != "" {
		text = f.Field + ": " + text
	}
	if f.Remedy != "" {
		text += "; " + f.Remedy
	}
	return text + "."
}

// codeRefused is the JSON-RPC error of a message that was turned away and is no
// call of a tool, whose answer it would be.
const codeRefused = -32029

// rpc is the fault as the error of such a message, with what a program needs.
func (f *fault) rpc() error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return &jsonrpc.Error{Code: codeRefused, Message: f.text(), Data: data}
}

// result is what the client gets.
func (f found) result(left left) *sdk.CallToolResult {
	data := map[string]any{}
	maps.Copy(data, f.data)
	return answer(f.text, data, left)
}

// failed is the result of a tool that did not do what it was asked for.
func failed(f *fault, left left) *sdk.CallToolResult {
	r := answer("Not done. "+f.text(), map[string]any{"error": f}, left)
	r.IsError = true
	return r
}

// answer adds to a result what is left of the limits.
func answer(text string, data map[string]any, left left) *sdk.CallToolResult {
	if left.Status != "" {
		data["status"], data["limits"] = left.Status, left.Limits
		text += "\n\n" + left.text()
	}
	if left.Advice != "" {
		data["advice"] = left.Advice
	}
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}, StructuredContent: data}
}
