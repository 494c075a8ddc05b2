package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"

	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/client"
)

// attachment is GET /api/v1/waves/{wave}/{wavelet}/attachments/{id}: the content
// of what is attached to a wavelet, for people and robots that take part in it.
// What a browser does not just show it saves.
func (s *Server) attachment(w http.ResponseWriter, r *http.Request) {
	who, err := s.caller(r)
	var (
		record  attachment.Record
		content []byte
	)
	if err == nil {
		record, content, err = s.attached(r, who)
	}
	if err != nil {
		s.deny(w, s.fault(who, err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", record.Type)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+record.Hash+`"`)
	how, name := "attachment", map[string]string{}
	if record.Shown() {
		how = "inline"
	}
	if record.Name != "" {
		name["filename"] = record.Name
	}
	h.Set("Content-Disposition", mime.FormatMediaType(how, name))
	http.ServeContent(w, r, "", record.Created, bytes.NewReader(content))
}

// attached is the attachment that a request of somebody is about, who must take
// part in the wavelet or read it by a link.
func (s *Server) attached(r *http.Request, who wavelet.Participant) (attachment.Record, []byte, error) {
	link := r.Header.Get(linkHeader)
	if s.d.Robots.Registered(who.Robot()) {
		link = ""
	}
	name, _, err := s.attachedTo(r, who, link)
	if err != nil {
		return attachment.Record{}, nil, err
	}
	record, err := s.d.Files.Get(name, r.PathValue("id"))
	if err != nil {
		return record, nil, fileRefusal(err)
	}
	content, err := s.d.Files.Content(record)
	return record, content, err
}

// attachedTo is the wavelet that a request about attachments names, with the
// role in it of who makes the request.
func (s *Server) attachedTo(r *http.Request, who wavelet.Participant, link string) (wavelet.Name, wavelet.Role, error) {
	name, err := where{r.PathValue("wave"), r.PathValue("wavelet")}.name()
	if err != nil {
		return name, 0, err
	}
	_, role, _, err := s.view(r.Context(), who, name, link)
	return name, role, err
}

// caller is the robot whose key a request carries, and which may call now, or
// the person who has logged in.
func (s *Server) caller(r *http.Request) (wavelet.Participant, error) {
	if key := robots.Bearer(r); key != "" {
		if robot, err := s.d.Robots.Authenticate(key); err == nil {
			if e := s.blocked(robot.Address); e != nil {
				return "", e
			}
			if robot.Suspended {
				return "", refuse(client.CodeForbidden, "suspended", "Authorization", "the robot is suspended", "ask the operator of this server")
			}
			return robot.Address, s.d.Gateway.Admit(r.Context(), robot.Address, false)
		}
	}
	login, err := s.person(r)
	return login.User, err
}

// attach is POST /api/v1/waves/{wave}/{wavelet}/attachments?name=…: the body is
// attached to the wavelet. The answer is what a document refers to it by.
func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	who, err := s.caller(r)
	var record attachment.Record
	if err == nil {
		record, err = s.take(r, who)
	}
	if err != nil {
		s.deny(w, s.fault(who, err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(encode(struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Type string `json:"type"`
		Size int    `json:"size"`
		Hash string `json:"hash"`
	}{record.ID, record.Name, record.Type, record.Size, record.Hash}))
}

// take attaches the body of a request of somebody.
func (s *Server) take(r *http.Request, who wavelet.Participant) (attachment.Record, error) {
	name, role, err := s.attachedTo(r, who, "")
	if err != nil {
		return attachment.Record{}, err
	}
	if role == wavelet.Read {
		return attachment.Record{}, refuse(client.CodeForbidden, "no_access", "wavelet", "your role does not allow you to attach anything", "ask a participant with the full role")
	}
	content, err := io.ReadAll(r.Body)
	if bad := bodyError(err); bad != nil {
		return attachment.Record{}, bad
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return attachment.Record{}, refuse(client.CodeLimit, string(wavelet.CodeLimit), "body", "the file is longer than 1 MiB", "attach a smaller one")
	}
	if err != nil {
		return attachment.Record{}, refuse(client.CodeMalformed, "malformed", "body", "the file did not arrive whole", "send it again")
	}
	record, err := s.d.Files.Put(r.Context(), attachment.Record{Wavelet: name, Name: r.URL.Query().Get("name"), Creator: who}, content)
	return record, fileRefusal(err)
}

// fileRefusal gives what an attachment is refused for the form of every
// refusal.
func fileRefusal(err error) error {
	switch {
	case errors.Is(err, attachment.ErrNotFound):
		return &wavelet.Refusal{Code: wavelet.CodeNotFound, Op: -1, Field: "id", Reason: err.Error()}
	case errors.Is(err, attachment.ErrRefused), errors.Is(err, attachment.ErrTaken):
		return &wavelet.Refusal{Code: wavelet.CodeBadDelta, Op: -1, Field: "body", Reason: err.Error()}
	case errors.Is(err, attachment.ErrFull):
		return &wavelet.Refusal{Code: wavelet.CodeLimit, Op: -1, Field: "body", Reason: err.Error()}
	}
	return err
}
