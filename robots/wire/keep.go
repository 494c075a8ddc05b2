package wire

import (
	"net/http"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/reading"
)

// folderAction notes that the author has read a wavelet or a blip, or wants to
// read it again.
func (a *application) folderAction(d *draft, p params) (any, *events.OperationFailure) {
	var read bool
	switch p.ModifyHow.String() {
	case "markAsRead":
		read = true
	case "markAsUnread":
	case "":
		return nil, missing("modifyHow")
	default:
		return nil, fail(http.StatusBadRequest, "modifyHow %q is neither markAsRead nor markAsUnread", p.ModifyHow)
	}
	var id wavelet.BlipID
	if p.BlipID.String() != "" {
		blip, failure := a.blip(d, p)
		if failure != nil {
			return nil, failure
		}
		id = blip.ID
	}
	if a.Reading == nil {
		return nil, notHere(FolderAction)
	}
	// What is marked is what could be read: the wavelet as it was found.
	err := a.Reading.Change(a.ctx, d.author, d.base.Name(), func(r *reading.Record) { r.Mark(d.base, id, read) })
	if err != nil {
		return nil, trouble(FolderAction)
	}
	return nothing{}, nil
}

// noDeltas refuses to exchange deltas: their form of old is that of another
// algebra.
func (a *application) noDeltas(m Method) (any, *events.OperationFailure) {
	return nil, fail(http.StatusNotImplemented, "%s is not offered by this server, whose deltas have another form; use %s for the content", m, ExportSnapshot)
}
