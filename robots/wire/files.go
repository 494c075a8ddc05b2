package wire

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/attachment"
)

// fileData is an attachment with its content in base64.
type fileData struct {
	FileName scalar `json:"fileName"`
	Data     scalar `json:"data"`
}

// exportedFile is the data of robot.exportAttachment.
type exportedFile struct {
	Attachment struct {
		FileName string              `json:"fileName"`
		Creator  wavelet.Participant `json:"creator"`
		Data     []byte              `json:"data"`
	} `json:"attachmentData"`
}

// importAttachment attaches a file to a wavelet under the id that is given. Its
// creator is who imports it, whatever else is claimed.
func (a *application) importAttachment(d *draft, p params) (any, *events.OperationFailure) {
	if p.AttachmentID.String() == "" {
		return nil, missing("attachmentId")
	}
	if p.AttachmentData == nil || !p.AttachmentData.Data.set {
		return nil, missing("attachmentData")
	}
	_, failure := a.put(d, p.AttachmentID.String(), p.AttachmentData.FileName.String(), p.AttachmentData.Data.String())
	return nothing{}, failure
}

// put attaches a file to the wavelet of a draft.
func (a *application) put(d *draft, id, name, data string) (attachment.Record, *events.OperationFailure) {
	if failure := a.mayAttach(d); failure != nil {
		return attachment.Record{}, failure
	}
	content, err := base64.StdEncoding.DecodeString(strings.Map(withoutBlanks, data))
	if err != nil {
		return attachment.Record{}, fail(http.StatusBadRequest, "the data of the attachment is no base64: %v", err)
	}
	r, err := a.Files.Put(a.ctx, attachment.Record{ID: id, Wavelet: d.base.Name(), Name: name, Creator: d.author}, content)
	return r, fileFailure(err)
}

// mayAttach refuses those who may only read.
func (a *application) mayAttach(d *draft) *events.OperationFailure {
	if a.Files == nil {
		return notHere(ImportAttachment)
	}
	role, ok := d.state.Role(d.author)
	if !ok {
		role, _ = d.state.Role(a.Robot)
	}
	if role == wavelet.Read {
		return fail(http.StatusForbidden, "no_access: role %s does not let %s do this; ask a participant with full access", role, d.author)
	}
	return nil
}

// withoutBlanks drops the line breaks that some clients put into base64.
func withoutBlanks(r rune) rune {
	if r == '\n' || r == '\r' || r == ' ' || r == '\t' {
		return -1
	}
	return r
}

// fileFailure is the failure of an operation on an attachment, nil for nil.
func fileFailure(err error) *events.OperationFailure {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, attachment.ErrNotFound):
		return fail(http.StatusNotFound, "%v", err)
	case errors.Is(err, attachment.ErrRefused), errors.Is(err, attachment.ErrTaken), errors.Is(err, attachment.ErrFull):
		return fail(http.StatusBadRequest, "%v", err)
	}
	return trouble(ImportAttachment)
}

// exportAttachment gives the content of an attachment of a wavelet that the
// author takes part in. Of one that he may not see he learns nothing.
func (a *application) exportAttachment(p params) (any, *events.OperationFailure) {
	author, failure := a.author(p)
	if failure != nil {
		return nil, failure
	}
	id := p.AttachmentID.String()
	if id == "" {
		return nil, missing("attachmentId")
	}
	if a.Files == nil {
		return nil, notHere(ExportAttachment)
	}
	r, failure := a.file(id, author)
	if failure != nil {
		return nil, failure
	}
	if failure := a.fetch(r.Size); failure != nil {
		return nil, failure
	}
	content, err := a.Files.Content(r)
	if err != nil {
		return nil, trouble(ExportAttachment)
	}
	var out exportedFile
	out.Attachment.FileName, out.Attachment.Creator, out.Attachment.Data = r.Name, r.Creator, content
	return out, nil
}

// maxNamesakes is how many attachments with one id are looked at for one that
// somebody may see.
const maxNamesakes = 100

// file is an attachment that the author may see.
func (a *application) file(id string, author wavelet.Participant) (attachment.Record, *events.OperationFailure) {
	n := 0
	for r, err := range a.Files.Under(id) {
		if err != nil {
			return attachment.Record{}, trouble(ExportAttachment)
		}
		if n++; n > maxNamesakes {
			break
		}
		if _, ok := a.visible(r.Wavelet, author); ok {
			return r, nil
		}
	}
	return attachment.Record{}, fail(http.StatusNotFound, "there is no attachment %.100q that %s may see", id, author)
}

// attach returns an action whose elements refer to attachments of the draft's
// wavelet: data that comes with an element is attached, and an attachment of
// another wavelet is shared with this one.
func (a *application) attach(d *draft, action *actionData) (*actionData, *events.OperationFailure) {
	if a.Files == nil {
		return action, nil
	}
	out := *action
	out.Elements = make([]*elementData, len(action.Elements))
	for i, el := range action.Elements {
		out.Elements[i] = el
		if el == nil || el.Type != typeAttachment && el.Type != typeImage {
			continue
		}
		id, data := el.Properties.text("attachmentId"), el.Properties.text("data")
		var r attachment.Record
		var failure *events.OperationFailure
		switch {
		case data != "":
			r, failure = a.put(d, id, "", data)
		case id != "":
			r, failure = a.refer(d, id)
		default:
			continue
		}
		if failure != nil {
			return nil, failure
		}
		out.Elements[i] = el.referring(r)
	}
	return &out, nil
}

// referring is the element with a reference to an attachment in the place of
// its data.
func (el *elementData) referring(r attachment.Record) *elementData {
	p := maps.Clone(el.Properties)
	delete(p, "data")
	p["attachmentId"] = &r.ID
	if el.Type == typeAttachment {
		p["mimeType"] = &r.Type
	} else {
		delete(p, "url") // an image is one or the other
	}
	return &elementData{Type: el.Type, Properties: p}
}

// refer is the attachment of the draft's wavelet with an id. One of another
// wavelet that the author may see is attached to this one too.
func (a *application) refer(d *draft, id string) (attachment.Record, *events.OperationFailure) {
	r, err := a.Files.Get(d.base.Name(), id)
	if err == nil || !errors.Is(err, attachment.ErrNotFound) {
		return r, fileFailure(err)
	}
	if failure := a.mayAttach(d); failure != nil {
		return r, failure
	}
	r, failure := a.file(id, d.author)
	if failure != nil {
		return r, failure
	}
	r, err = a.Files.Share(a.ctx, r, d.base.Name(), d.author)
	return r, fileFailure(err)
}

// linkFiles writes into attachment elements where their content can be fetched.
func (v *view) linkFiles(base string) {
	if base == "" {
		return
	}
	name := v.state.Name()
	base += "/api/v1/waves/" + url.PathEscape(name.Wave) + "/" + url.PathEscape(name.Wavelet) + "/attachments/"
	for _, b := range v.blips {
		for _, el := range b.Elements {
			if id := el.Properties["attachmentId"]; el.Type == typeAttachment && id != "" {
				el.Properties["attachmentUrl"] = base + url.PathEscape(id)
			}
		}
	}
}

// filesAsImages shows attachments as images, to robots from before there were
// attachments.
func (v *view) filesAsImages() {
	for _, b := range v.blips {
		for at, el := range b.Elements {
			if el.Type == typeAttachment {
				delete(el.Properties, "mimeType")
				b.Elements[at] = Element{Type: typeImage, Properties: el.Properties}
			}
		}
	}
}
