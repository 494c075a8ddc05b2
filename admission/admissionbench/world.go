package admissionbench

import (
	"math/rand/v2"
	"time"
)

// What every storm has in common.
const (
	patience    = 10.0  // seconds a client waits for one attempt to succeed
	refusalCost = 0.005 // of a handshake
	trip        = 0.05  // seconds to the server and back
	arrival     = 2.0   // seconds in which all clients notice that the server is back
	stubborn    = 1.0   // seconds, about, after which those who ignore advice try again
)

// person is a client, one of those who come back.
type person struct {
	ignores, leaves bool

	attempts int
	refused  int
	begun    float64 // when this attempt began
	attempt  int     // events of earlier ones are void
	job      *job
	ticket   string
	promised float64 // when it was told to come; 0: never
	admitted float64
	joined   float64 // when it was connected; 0: not yet
	gone     bool    // for good
	held     any     // what the strategy keeps of it while its attempt lasts
}

// happening is what happens to a client at an instant.
type happening uint8

const (
	knocks  happening = iota // its request reaches the server
	ready                    // it has been let in, and its handshake reaches the processor
	givesUp                  // its patience ends
	waited                   // a parked request is to be answered
	window                   // no client's: a second is over
)

type event struct {
	at      float64
	what    happening
	client  int32
	attempt int32
}

// Before orders events by when they happen.
func (e event) Before(other event) bool { return e.at < other.at }

// strategy is a way to meet a storm.
type strategy interface {
	// knock decides about an attempt: it calls admit, refuse or park.
	knock(w *world, i int)
	// waited is called when a parked attempt's time has come.
	waited(w *world, i int)
	// over is called when a session stands or its client has given up.
	over(w *world, i int)
	// again is how long a client waits that was not told when to come.
	again(w *world, i int) float64
	// window is called each second.
	window(w *world)
}

// world is one storm.
type world struct {
	Options
	rnd     *rand.Rand
	by      strategy
	cpu     processor
	clients []person
	events  heap[event]
	inside  int     // let in, not connected
	most    int     // the most of them at a time
	timeout int     // attempts that ended in silence
	latest  float64 // when somebody came in last
	missing int     // clients who are to come in and have not
}

// newWorld makes a storm that is about to begin.
func newWorld(o Options, seed uint64, by strategy) *world {
	w := &world{Options: o, rnd: rand.New(rand.NewPCG(seed, 7)), by: by, cpu: processor{speed: o.Capacity}, clients: make([]person, o.Clients)}
	for i := range w.clients {
		c := &w.clients[i]
		c.ignores = w.rnd.Float64() < o.Ignore
		c.leaves = !c.ignores && w.rnd.Float64() < o.NoShow
		w.missing++
		w.at(w.rnd.Float64()*arrival, knocks, i)
	}
	w.at(1, window, 0)
	return w
}

// epoch is the storm's beginning.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock is the instant as the product's types take it.
func (w *world) clock() time.Time { return epoch.Add(time.Duration(w.cpu.now * float64(time.Second))) }

// seconds is when, in the world, an instant of the clock has come for sure.
func seconds(t time.Time) float64 { return t.Sub(epoch).Seconds() + 1e-6 }

func (w *world) at(when float64, what happening, i int) {
	w.push(when, what, i, w.clients[i].attempt)
}

func (w *world) push(when float64, what happening, i, attempt int) {
	w.events.push(event{when, what, int32(i), int32(attempt)})
}

// hopeless is how many seconds without anybody coming in mean that nobody else
// will.
const hopeless = 60

// run lets the storm happen until everybody is in, for so long at most.
func (w *world) run(longest float64) {
	for w.missing > 0 && w.cpu.now < longest && w.cpu.now-w.latest < hopeless {
		done, any := w.cpu.next()
		if any && (len(w.events) == 0 || done <= w.events[0].at) {
			w.cpu.until(max(done, w.cpu.now))
			w.joined(w.cpu.finish().client)
			continue
		}
		e := w.events.pop()
		w.cpu.until(max(e.at, w.cpu.now))
		w.happen(e)
	}
}

func (w *world) happen(e event) {
	i := int(e.client)
	c := &w.clients[i]
	if e.what == window {
		w.by.window(w)
		w.at(e.at+1, window, 0)
		return
	}
	if int(e.attempt) != c.attempt || c.gone || c.joined > 0 {
		return
	}
	switch e.what {
	case knocks:
		c.attempts++
		c.begun = w.cpu.now
		w.at(c.begun+patience, givesUp, i)
		w.by.knock(w, i)
	case ready:
		c.job = w.cpu.add(i)
	case waited:
		w.by.waited(w, i)
	case givesUp:
		w.timeout++
		if c.job != nil {
			w.cpu.drop(c.job)
		}
		w.left(i)
		w.retry(i, w.by.again(w, i))
	}
}

// admit lets a client in: after some round trips its handshake needs the
// processor.
func (w *world) admit(i int) {
	c := &w.clients[i]
	c.admitted = w.cpu.now
	w.inside++
	w.most = max(w.most, w.inside)
	w.at(w.cpu.now+trip*(2+4*w.rnd.Float64()), ready, i)
}

// refuse turns a client away and tells it when to come, 0 for not telling.
func (w *world) refuse(i int, wait float64) {
	c := &w.clients[i]
	w.cpu.debt += refusalCost
	c.refused++
	if c.leaves {
		c.gone = true
		w.missing--
		return
	}
	if c.ignores {
		c.ticket = ""
		wait = stubborn * (0.5 + w.rnd.Float64())
	} else if wait <= 0 {
		wait = w.by.again(w, i)
	}
	w.retry(i, wait)
}

// retry has a client come again, a round trip and that long from now.
func (w *world) retry(i int, wait float64) {
	w.clients[i].attempt++
	w.clients[i].job = nil
	w.at(w.cpu.now+wait+trip, knocks, i)
}

// joined counts a client in.
func (w *world) joined(i int) {
	w.clients[i].joined, w.latest = w.cpu.now, w.cpu.now
	w.missing--
	w.left(i)
}

// left is the end of an attempt that was let in or parked.
func (w *world) left(i int) {
	c := &w.clients[i]
	if c.admitted >= c.begun && c.admitted > 0 {
		w.inside--
	}
	w.by.over(w, i)
	c.held = nil
}
