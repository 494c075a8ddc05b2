package host

import (
	"fmt"

	"weir/wavelet"
)

// commitFormat is the number of the stored form of a commit.
const commitFormat = 1

// The stored numbers of ops. They are never used anew.
const (
	opEdit = iota + 1
	opCreate
	opDelete
	opThread
	opAdd
	opRemove
	opRole
	opTag
	opData
	opClick
)

// encodeCommit returns the stored form of c. What its place in the log says is
// left out: the wavelet, the version and the base.
func encodeCommit(c wavelet.Commit) ([]byte, error) {
	e := encoder{buf: make([]byte, 0, 128)}
	e.byte(commitFormat)
	e.time(c.At)
	e.string(string(c.Delta.ID))
	e.participant(c.Delta.Author)
	cause := c.Delta.Cause
	e.byte(byte(cause.Kind))
	e.string(cause.ID)
	e.int(cause.Depth)
	e.int(cause.Exact)
	e.participant(cause.Parent)
	e.string(cause.Bundle)
	e.int(len(c.Delta.Ops))
	for i, op := range c.Delta.Ops {
		if !e.op(op) {
			return nil, fmt.Errorf("store commit %d: op %d has the unknown type %T", c.Version, i, op)
		}
	}
	return e.buf, nil
}

func (e *encoder) op(op wavelet.Op) bool {
	switch op := op.(type) {
	case wavelet.EditBlip:
		e.byte(opEdit)
		e.string(string(op.Blip))
		e.delta(op.Delta)
	case wavelet.CreateBlip:
		e.byte(opCreate)
		e.string(string(op.Blip))
		e.string(string(op.Thread))
		e.delta(op.Content)
	case wavelet.DeleteBlip:
		e.byte(opDelete)
		e.string(string(op.Blip))
	case wavelet.CreateThread:
		e.byte(opThread)
		e.string(string(op.Thread))
		e.string(string(op.Parent))
	case wavelet.AddParticipant:
		e.byte(opAdd)
		e.participant(op.Who)
		e.byte(byte(op.Role))
	case wavelet.RemoveParticipant:
		e.byte(opRemove)
		e.participant(op.Who)
	case wavelet.SetRole:
		e.byte(opRole)
		e.participant(op.Who)
		e.byte(byte(op.Role))
	case wavelet.SetTag:
		e.byte(opTag)
		e.string(op.Tag)
		e.bool(op.Remove)
	case wavelet.SetData:
		e.byte(opData)
		e.string(op.Name)
		e.string(op.Value)
		e.bool(op.Remove)
	case wavelet.ClickForm:
		e.byte(opClick)
		e.string(string(op.Blip))
		e.string(op.Element)
	default:
		return false
	}
	return true
}

func (e *encoder) bool(b bool) {
	if b {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

// decodeCommit reads the stored form of the commit at a version of a wavelet.
func decodeCommit(name wavelet.Name, v wavelet.Version, raw []byte) (wavelet.Commit, error) {
	d := decoder{buf: raw}
	d.format(commitFormat, "a commit")
	c := wavelet.Commit{Wavelet: name, Version: v, At: d.time()}
	c.Delta = wavelet.Delta{ID: wavelet.DeltaID(d.string()), Author: d.participant(), Base: v - 1}
	c.Delta.Cause.Kind = wavelet.CauseKind(d.byte())
	c.Delta.Cause.ID = d.string()
	c.Delta.Cause.Depth = d.int()
	c.Delta.Cause.Exact = d.int()
	c.Delta.Cause.Parent = d.participant()
	c.Delta.Cause.Bundle = d.string()
	n := d.count()
	c.Delta.Ops = make([]wavelet.Op, 0, n)
	for range n {
		c.Delta.Ops = append(c.Delta.Ops, d.op())
	}
	return c, d.end(fmt.Sprintf("commit %d of %s", v, name))
}

func (d *decoder) op() wavelet.Op {
	switch kind := d.byte(); kind {
	case opEdit:
		return wavelet.EditBlip{Blip: d.blip(), Delta: d.delta()}
	case opCreate:
		return wavelet.CreateBlip{Blip: d.blip(), Thread: d.thread(), Content: d.delta()}
	case opDelete:
		return wavelet.DeleteBlip{Blip: d.blip()}
	case opThread:
		return wavelet.CreateThread{Thread: d.thread(), Parent: d.blip()}
	case opAdd:
		return wavelet.AddParticipant{Who: d.participant(), Role: wavelet.Role(d.byte())}
	case opRemove:
		return wavelet.RemoveParticipant{Who: d.participant()}
	case opRole:
		return wavelet.SetRole{Who: d.participant(), Role: wavelet.Role(d.byte())}
	case opTag:
		return wavelet.SetTag{Tag: d.string(), Remove: d.byte() != 0}
	case opData:
		return wavelet.SetData{Name: d.string(), Value: d.string(), Remove: d.byte() != 0}
	case opClick:
		return wavelet.ClickForm{Blip: d.blip(), Element: d.string()}
	default:
		d.fail(fmt.Errorf("unknown op %d", kind))
		return nil
	}
}

func (d *decoder) blip() wavelet.BlipID     { return wavelet.BlipID(d.string()) }
func (d *decoder) thread() wavelet.ThreadID { return wavelet.ThreadID(d.string()) }
