package bus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// logger writes what the NATS server says into the house's log. Clients can make
// it say much: it writes so many lines in a while, and no more.
type logger struct {
	log   *slog.Logger
	mu    sync.Mutex
	began time.Time // of the while
	lines int       // in it
}

// Lines of the NATS server that are written in a while.
const (
	someLines = 20
	aWhile    = 10 * time.Second
)

func (l *logger) write(level slog.Level, format string, v []any) {
	now := time.Now()
	l.mu.Lock()
	if now.Sub(l.began) > aWhile {
		l.began, l.lines = now, 0
	}
	l.lines++
	many := l.lines > someLines
	l.mu.Unlock()
	if !many {
		l.log.Log(context.Background(), level, "NATS: "+fmt.Sprintf(format, v...))
	}
}

// Noticef is for what the server says when it starts and stops.
func (l *logger) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }

// Warnf is for what a client does wrong, mostly.
func (l *logger) Warnf(format string, v ...any) { l.write(slog.LevelInfo, format, v) }

// Errorf is for what a client is refused, mostly.
func (l *logger) Errorf(format string, v ...any) { l.write(slog.LevelInfo, format, v) }

// Fatalf is for what ends the server.
func (l *logger) Fatalf(format string, v ...any) { l.write(slog.LevelError, format, v) }

// Debugf is not asked for.
func (l *logger) Debugf(string, ...any) {}

// Tracef is not asked for.
func (l *logger) Tracef(string, ...any) {}
