package admissionbench

// processor does handshakes, all at once and each as fast as any other. Time is
// in seconds, work in handshakes.
type processor struct {
	speed float64 // handshakes a second
	now   float64
	debt  float64    // work that goes first: answering those who are turned away
	each  float64    // work done for a job that was there from the beginning
	jobs  heap[*job] // by when they are done; those given up stay until they are on top
	alive int
	busy  float64 // seconds not idle
	lost  float64 // work on jobs that were given up
	done  float64 // work on jobs that were finished
}

// job is one handshake.
type job struct {
	client int
	begun  float64 // of each, when it began
	ends   float64 // of each, when it is done
	gone   bool
}

// Before orders jobs by when they are done.
func (j *job) Before(other *job) bool { return j.ends < other.ends }

// add begins a handshake.
func (p *processor) add(client int) *job {
	j := &job{client: client, begun: p.each, ends: p.each + 1}
	p.jobs.push(j)
	p.alive++
	return j
}

// drop gives a job up.
func (p *processor) drop(j *job) {
	j.gone = true
	p.alive--
	p.lost += p.each - j.begun
}

// next is when the first job will be done, if nothing else happens; false if
// there is none.
func (p *processor) next() (float64, bool) {
	for len(p.jobs) > 0 && p.jobs[0].gone {
		p.jobs.pop()
	}
	if len(p.jobs) == 0 {
		return 0, false
	}
	return p.now + (p.debt+(p.jobs[0].ends-p.each)*float64(p.alive))/p.speed, true
}

// finish takes the first job off, which is done.
func (p *processor) finish() *job {
	j := p.jobs.pop()
	p.alive--
	p.done++
	return j
}

// until works until an instant at which no job is done before.
func (p *processor) until(at float64) {
	work := (at - p.now) * p.speed
	if p.alive > 0 {
		p.busy += at - p.now
	} else {
		p.busy += min(p.debt, work) / p.speed
	}
	p.now = at
	first := min(p.debt, work)
	p.debt -= first
	if p.alive > 0 {
		p.each += (work - first) / float64(p.alive)
	}
}
