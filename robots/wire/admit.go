package wire

import (
	"context"
	"net"
	"sync"
)

// Admit takes a place for a connection that is about to be made; leave gives it
// back when the connection is closed, or was not made. Its error is why there is
// no place.
type Admit func() (leave func(), err error)

// dial makes a connection.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// admitted is a dial that takes a place first, and gives it back when the
// connection is closed.
func admitted(next dial, admit Admit) dial {
	if admit == nil {
		return next
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		leave, err := admit()
		if err != nil {
			return nil, err
		}
		conn, err := next(ctx, network, address)
		if err != nil {
			leave()
			return nil, err
		}
		return &admittedConn{Conn: conn, leave: sync.OnceFunc(leave)}, nil
	}
}

// admittedConn is a connection that holds a place.
type admittedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection and gives its place back.
func (c *admittedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
