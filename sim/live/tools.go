package live

import (
	"strings"
	"sync"

	"weir/testbots"
	"weir/wavelet"
)

// agent is a robot that reads and writes by tools, over MCP.
type agent struct {
	run   *run
	robot *robot
	key   string

	mu      sync.Mutex
	session *testbots.Session // nil: it has to connect
}

// use has the agent use a tool. A session that fails is given up, for the next
// call to begin another.
func (a *agent) use(tool string, args map[string]any) (testbots.Answer, error) {
	a.mu.Lock()
	s := a.session
	if s == nil {
		var err error
		if s, err = testbots.Connect(a.run.ctx, a.run.url(), a.key); err != nil {
			a.mu.Unlock()
			return testbots.Answer{}, err // while the server restarts
		}
		a.session = s
	}
	a.mu.Unlock()
	out, err := s.Call(a.run.ctx, tool, args)
	if err != nil {
		a.drop(s)
		return out, err
	}
	if why := out.Error; why != nil {
		return out, a.run.refused(a.robot, why.Limit, wavelet.Code(why.Code))
	}
	return out, nil
}

// drop gives a session up.
func (a *agent) drop(s *testbots.Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == s {
		a.session = nil
	}
	_ = s.Close()
}

// close ends the session that is left, if there is one.
func (a *agent) close() {
	if a.session != nil {
		_ = a.session.Close()
	}
}

func (a *agent) read(s *seat) (page, error) {
	a.run.mu.Lock()
	since := min(s.found[0], s.found[1])
	a.run.mu.Unlock()
	read, err := a.use("read_wavelet", map[string]any{"wavelet": s.room.name.String(), "since": since})
	return page{wavelet.Version(read.Version), read.HeldMS > 0}, err
}

// say writes a line: as a message of its own, or once there are enough of them by
// an edit of one.
func (a *agent) say(_ *seat, whom audience, to *room, line string) error {
	tool, args := a.run.phrase(a.robot, to, line)
	args["wavelet"], args["answers"] = to.name.String(), string(whom)
	_, err := a.use(tool, args)
	return err
}

// phrase is the tool that writes a line, and what it is called with. The operations
// of one delta are the lines of a message.
func (r *run) phrase(b *robot, to *room, line string) (tool string, args map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := b.lines
	b.lines++
	if own := to.own[b.Address]; len(own) >= robotBlips {
		blip := own[n%robotBlips]
		if find := numbers.FindString(to.text(blip)); find != "" {
			return "edit_text", map[string]any{"blip": string(blip), "find": find, "replace": line}
		}
	}
	return "reply", map[string]any{"text": line + strings.Repeat("\nand on it goes", b.Operations-1)}
}
