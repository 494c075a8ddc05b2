package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// lastWords is how long the end of the input waits for what was asked before it:
// longer than a call is held back, shorter than hosts wait for a program to end.
const lastWords = 5 * time.Second

// unhurried is a transport whose input ends only when all that was asked has been
// answered. So calls may come from a file or a pipe, which ends behind the last.
type unhurried struct{ sdk.Transport }

func (t unhurried) Connect(ctx context.Context) (sdk.Connection, error) {
	c, err := t.Transport.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &unhurriedConn{Connection: c, answered: make(chan struct{}, 1)}, nil
}

type unhurriedConn struct {
	sdk.Connection
	open     atomic.Int64  // requests that are not answered yet
	answered chan struct{} // holds a token if that has changed
}

func (c *unhurriedConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	msg, err := c.Connection.Read(ctx)
	if r, ok := msg.(*jsonrpc.Request); ok && r.IsCall() {
		c.open.Add(1)
	}
	if errors.Is(err, io.EOF) {
		late := time.NewTimer(lastWords)
		defer late.Stop()
		for c.open.Load() > 0 {
			select {
			case <-c.answered:
			case <-late.C:
				return nil, err
			case <-ctx.Done():
				return nil, err
			}
		}
	}
	return msg, err
}

func (c *unhurriedConn) Write(ctx context.Context, msg jsonrpc.Message) error {
	err := c.Connection.Write(ctx, msg)
	if _, ok := msg.(*jsonrpc.Response); ok {
		c.open.Add(-1)
		select {
		case c.answered <- struct{}{}:
		default:
		}
	}
	return err
}
