package wire

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// Call is what the operations of one answer, or of one request, are carried out
// for.
type Call struct {
	Robot   wavelet.Participant // the plain address; proxies are named by the operations
	State   *wavelet.State      // the wavelet that is meant by operations that name none; nil: each names one
	Dialect events.Dialect      // in which fetched waves are described
	// Find is the newest state of another wavelet, or a *wavelet.Refusal with code
	// "evicted"; nil: there are no others.
	Find func(context.Context, wavelet.Name) (*wavelet.State, error)
	// Read is a wavelet as a robot may see it that is told of nothing and fetches
	// instead, or a *wavelet.Refusal; nil: it is shown as it is.
	Read func(context.Context, wavelet.Name) (Shown, error)
	// NewName names the n-th wavelet that is created, from 0 on; nil: none may be.
	NewName func(n int) wavelet.Name
	// Limits answers robot.getLimits; nil: with the zero Limits.
	Limits func() policies.Limits
	Surroundings
}

// Outcome is what operations came to.
type Outcome struct {
	Answer  events.Answer // one delta for each author and wavelet that is changed
	Results []Result      // one for each operation, in order
}

// Apply carries out ops, in order, on copies of the wavelets they name, and
// returns what is to be committed. An operation that fails changes nothing and
// harms no other one.
func (c Call) Apply(ctx context.Context, ops []Operation) Outcome {
	a := &application{
		Call: c, ctx: ctx, states: map[wavelet.Name]*wavelet.State{},
		temporary: map[string]wavelet.BlipID{}, waves: map[string]wavelet.Name{}, fresh: map[wavelet.Name]bool{},
	}
	if c.State != nil {
		a.states[c.State.Name()] = c.State
	}
	var out Outcome
	results := make([]Result, len(ops))
	touched := make([]*draft, len(ops))
	for i, op := range ops {
		before := a.changes
		data, failure := a.run(op)
		results[i] = Result{ID: op.ID, Data: data, Delta: -1}
		if failure != nil {
			failure.ID = op.ID
			results[i].Data, results[i].Failure = nil, failure
			out.Answer.Failures = append(out.Answer.Failures, *failure)
		} else if a.changes > before {
			touched[i] = a.last
		}
	}
	index := map[*draft]int{}
	for _, d := range a.drafts {
		if delta, ok := d.delta(); ok {
			index[d] = len(out.Answer.Deltas)
			out.Answer.Deltas = append(out.Answer.Deltas, delta)
		}
	}
	for i, d := range touched {
		if n, ok := index[d]; ok && d != nil {
			results[i].Delta = n
		}
	}
	out.Results = results
	out.Answer.Capabilities = NoticeOf(ops).Hash
	return out
}

// application is an Apply under way.
type application struct {
	Call
	ctx       context.Context
	states    map[wavelet.Name]*wavelet.State // as they were found
	drafts    []*draft
	temporary map[string]wavelet.BlipID // what became of ids that begin with TBD_
	waves     map[string]wavelet.Name   // and of temporary ids of waves
	fresh     map[wavelet.Name]bool     // wavelets that are created here
	changes   int                       // how many changes were drafted
	last      *draft                    // where the last one was
	limits    *policies.Limits          // as they were first asked for
	work      int                       // UTF-16 units of text that were read
	finds     int                       // other wavelets that were named
	fetches   int                       // waves and attachments that were fetched
	fetched   int                       // UTF-16 units or bytes of them
	searched  int                       // wavelets that searches looked at
}

// Bounds of what the operations of one answer may cost. They are far beyond what
// an honest robot asks for.
const (
	maxWork     = 256 << 20 // UTF-16 units of text read, each time an operation reads it
	elementWork = 64        // what an element or a line counts as, in such units
	maxFinds    = 64        // other wavelets named
	maxFetches  = 16        // waves and attachments fetched
)

// run carries out one operation.
func (a *application) run(op Operation) (any, *events.OperationFailure) {
	if op.bad != nil {
		return nil, fail(http.StatusBadRequest, "%v", op.bad)
	}
	if err := context.Cause(a.ctx); err != nil {
		return nil, fail(http.StatusServiceUnavailable, "not done: %v; send fewer operations at once", err)
	}
	switch op.Method {
	case Notify:
		return nothing{}, nil
	case GetLimits:
		return a.getLimits(), nil
	case CreateWavelet:
		if a.NewName != nil {
			return a.createWavelet(op.params)
		}
	case Search:
		return a.search(op.params)
	case FetchProfiles:
		return a.fetchProfiles(op.params)
	case ExportAttachment:
		return a.exportAttachment(op.params)
	case FetchWave:
		if op.params.ReturnWaveletIDs.String() == "true" {
			return a.waveletIDs(op.params)
		}
	}
	act := actionOf(op.Method)
	if act == nil {
		return nil, unknownMethod(op.Method)
	}
	d, failure := a.draft(op.params)
	if failure != nil {
		return nil, failure
	}
	return act(a, d, op.params)
}

// getLimits is how the robot stands, asked for once.
func (a *application) getLimits() policies.Limits {
	if a.limits == nil {
		a.limits = &policies.Limits{Robot: string(a.Robot)}
		if a.Limits != nil {
			*a.limits = a.Limits()
		}
	}
	return *a.limits
}

// nothing is the data of an operation that has none to give: an empty object.
type nothing struct{}

// draft finds the draft that an operation is to be carried out on. Nobody gets
// one, or learns anything, of a wavelet in which he does not take part.
func (a *application) draft(p params) (*draft, *events.OperationFailure) {
	author, failure := a.author(p)
	if failure != nil {
		return nil, failure
	}
	state, failure := a.state(p)
	if failure != nil {
		return nil, failure
	}
	d, failure := a.draftOf(state, author)
	if failure != nil {
		return nil, failure
	}
	if !takesPart(d.state, author, a.Robot) {
		return nil, fail(http.StatusForbidden, "Access rejected: %s is not a participant of %s", author, state.Name())
	}
	return d, nil
}

// draftOf is the draft of an author in a wavelet, a new one if there is none
// yet. In a wavelet that is created here, in which nobody else can interfere,
// each author goes on from where the last one stopped.
func (a *application) draftOf(state *wavelet.State, author wavelet.Participant) (*draft, *events.OperationFailure) {
	for _, d := range slices.Backward(a.drafts) {
		if d.base.Name() != state.Name() {
			continue
		}
		if d.author == author {
			return d, nil
		}
		if a.fresh[state.Name()] {
			var err error
			if state, err = d.committed(); err != nil {
				return nil, refused(err)
			}
			break
		}
	}
	d := newDraft(state, author)
	a.drafts = append(a.drafts, d)
	return d, nil
}

// author is the address under which an operation is done.
func (a *application) author(p params) (wavelet.Participant, *events.OperationFailure) {
	proxy := p.ProxyingFor.String()
	if proxy == "" {
		return a.Robot, nil
	}
	if strings.ContainsFunc(proxy, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("@,:<>+#", r) }) {
		return "", fail(http.StatusBadRequest, "proxyingFor %q: blanks, control characters and any of @ , : < > + # are not allowed", proxy)
	}
	local, domain, _ := strings.Cut(string(a.Robot), "@")
	return wavelet.Participant(local + "+" + proxy + "@" + domain), nil
}

// state is the wavelet that an operation names.
func (a *application) state(p params) (*wavelet.State, *events.OperationFailure) {
	name, ok := a.name(p)
	if !ok {
		return nil, missing("waveId")
	}
	if s := a.states[name]; s != nil {
		return s, nil
	}
	if temporaryWave(name.Wave) {
		return nil, fail(http.StatusNotFound, "the wave %s does not exist: nothing in this request created it", name.Wave)
	}
	if a.Find == nil {
		return nil, fail(http.StatusForbidden, "the wavelet %s is not the one at hand, and there are no others here", name)
	}
	if a.finds++; a.finds > maxFinds {
		return nil, fail(http.StatusBadRequest, "more than %d wavelets at once; name the others in a later request", maxFinds)
	}
	s, err := a.Find(a.ctx, name)
	if r, ok := errors.AsType[*wavelet.Refusal](err); ok && r.Code == wavelet.CodeEvicted {
		return nil, refused(r)
	}
	if err != nil {
		return nil, fail(http.StatusNotFound, "the wavelet %s could not be retrieved: %v", name, err)
	}
	a.states[name] = s
	return s, nil
}

// name reads the wave and wavelet ids of an operation, in either spelling. What
// is left out is that of the wavelet at hand.
func (a *application) name(p params) (wavelet.Name, bool) {
	name := wavelet.Name{Wave: wavelet.NormalID(p.WaveID.String()), Wavelet: wavelet.NormalID(p.WaveletID.String())}
	if a.State != nil && name.Wave == "" {
		name.Wave = a.State.Name().Wave
	}
	if a.State != nil && name.Wavelet == "" {
		name.Wavelet = a.State.Name().Wavelet
	}
	if real, ok := a.waves[name.Wave]; ok {
		name = real
	}
	return name, name.Wave != "" && name.Wavelet != ""
}

// change drafts ops that belong together: all of them or none.
func (a *application) change(d *draft, ops ...wavelet.Op) *events.OperationFailure {
	if err := d.change(ops); err != nil {
		return refused(err)
	}
	a.changes++
	a.last = d
	return nil
}

// read is a blip's text as the robot sees it.
func (a *application) read(d *draft, b *wavelet.Blip) (content, *events.OperationFailure) {
	if a.work += b.Doc.Len(); a.work > maxWork {
		return content{}, fail(http.StatusBadRequest, "too many operations on long blips; send fewer at once")
	}
	c := read(b.Doc.Delta())
	c.first = func(id wavelet.ThreadID) string { return firstBlip(d.state, id) }
	a.work += elementWork * (len(c.lines) + len(c.embeds))
	return c, nil
}

// fetch counts a wave or an attachment that is to be given out whole.
func (a *application) fetch(size int) *events.OperationFailure {
	switch {
	case a.fetches >= maxFetches:
		return fail(http.StatusBadRequest, "more than %d waves and attachments in one request; fetch the others later", maxFetches)
	case size > maxView:
		return fail(http.StatusBadRequest, "it has %d units of text, more than %d, and cannot be fetched whole", size, maxView)
	case a.fetched+size > maxView:
		return fail(http.StatusBadRequest, "more than %d units of text in one request; fetch it later", maxView)
	}
	a.fetches, a.fetched = a.fetches+1, a.fetched+size
	return nil
}

// blip is the living blip that an operation names.
func (a *application) blip(d *draft, p params) (*wavelet.Blip, *events.OperationFailure) {
	id := p.BlipID.String()
	if id == "" {
		return nil, missing("blipId")
	}
	real := wavelet.BlipID(id)
	if strings.HasPrefix(id, "TBD_") {
		real = a.temporary[id]
	}
	b, ok := d.state.Blip(real)
	if !ok || b.Deleted {
		return nil, fail(http.StatusNotFound, "the blip %s does not exist in %s", id, d.state.Name())
	}
	return b, nil
}
