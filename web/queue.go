package web

import (
	"sync"

	"weir/wavelet/client"
)

// queueBytes bounds what waits to be written to one connection.
const queueBytes = 256 << 10

// queue holds the frames that wait for a connection's writer. It is bounded in
// bytes: a frame is taken while less than the bound waits, so at most one frame
// stands above it. Nothing here blocks.
type queue struct {
	wake chan struct{} // something was put

	mu     sync.Mutex
	frames [][]byte
	bytes  int
	room   chan struct{} // closed when bytes is below the bound; nil if nobody waits
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put queues a frame; false if the queue is full.
func (q *queue) put(frame []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes >= queueBytes {
		return false
	}
	q.frames = append(q.frames, frame)
	q.bytes += len(frame)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// spare reports whether less than a bound waits.
func (q *queue) spare(bound int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes < bound
}

// roomy returns a channel that is closed as soon as a frame may be put.
func (q *queue) roomy() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.room == nil {
		q.room = make(chan struct{})
	}
	room := q.room
	if q.bytes < queueBytes {
		close(room)
		q.room = nil
	}
	return room
}

// take removes up to sixteen frames, joined by newlines into one message; nil
// if the queue is empty.
func (q *queue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.frames), client.MaxJoinedFrames)
	if n == 0 {
		return nil
	}
	message := q.frames[0]
	size := len(message)
	if n > 1 {
		message = append([]byte(nil), message...)
		for _, f := range q.frames[1:n] {
			size += len(f)
			message = append(append(message, '\n'), f...)
		}
	}
	clear(q.frames[:n])
	q.frames = q.frames[n:]
	q.bytes -= size
	if q.room != nil && q.bytes < queueBytes {
		close(q.room)
		q.room = nil
	}
	return message
}

// waiting is how many bytes wait to be written.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}
