package attachment_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/attachment"
)

const (
	ann = wavelet.Participant("ann@example.com")
	png = "\x89PNG\r\n\x1a\n0000"
)

func in(wave string) wavelet.Name {
	return wavelet.Name{Wave: "example.com!" + wave, Wavelet: "example.com!conv+root"}
}

func TestAFileIsKeptOnce(t *testing.T) {
	kv := store.NewMemory()
	shelf := attachment.New(kv)
	first, err := shelf.Put(t.Context(), attachment.Record{ID: "a+1", Wavelet: in("w+1"), Name: "a.png", Creator: ann}, []byte(png))
	if err != nil {
		t.Fatal(err)
	}
	if first.Type != "image/png" || first.Size != len(png) || first.Creator != ann || first.Created.IsZero() || !first.Shown() {
		t.Errorf("the record is %+v", first)
	}
	again, err := shelf.Put(t.Context(), attachment.Record{ID: "a+1", Wavelet: in("w+1"), Name: "b.png", Creator: "bob@example.com"}, []byte(png))
	if err != nil || again != first {
		t.Errorf("the same again is %+v, %v", again, err)
	}
	if _, err := shelf.Put(t.Context(), attachment.Record{ID: "a+1", Wavelet: in("w+1")}, []byte("other")); !errors.Is(err, attachment.ErrTaken) {
		t.Errorf("another file under the id: %v", err)
	}
	other, err := shelf.Put(t.Context(), attachment.Record{Wavelet: in("w+2"), Creator: ann}, []byte(png))
	if err != nil || !strings.HasPrefix(other.ID, "a+") || len(other.ID) != 34 {
		t.Errorf("a file without an id is %+v, %v", other, err)
	}
	if shared, err := shelf.Share(t.Context(), first, in("w+3"), ann); err != nil || shared.Wavelet != in("w+3") || shared.Hash != first.Hash {
		t.Errorf("shared: %+v, %v", shared, err)
	}
	contents := 0
	for _, err := range kv.Scan("attachment.content", nil, nil) {
		if contents++; err != nil {
			t.Fatal(err)
		}
	}
	if contents != 1 {
		t.Errorf("%d contents are kept, want 1", contents)
	}
	var found []string
	for r, err := range attachment.New(kv).Under("a+1") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, r.Wavelet.Wave)
		if content, err := shelf.Content(r); err != nil || string(content) != png {
			t.Errorf("content %q, %v", content, err)
		}
	}
	if got := strings.Join(found, " "); got != "example.com!w+1 example.com!w+3" {
		t.Errorf("the id is found in %s", got)
	}
	for _, id := range []string{"a+2", "", "a", "a+1\x00"} {
		if _, err := shelf.Get(in("w+1"), id); !errors.Is(err, attachment.ErrNotFound) {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

func TestWhatCannotBeAttached(t *testing.T) {
	shelf := attachment.New(store.NewMemory())
	for _, tt := range []struct{ what, id, name, content, says string }{
		{"an empty file", "a", "", "", "empty"},
		{"a large file", "a", "", strings.Repeat("x", attachment.MaxSize+1), "at most"},
		{"a page", "a", "x.txt", "<!DOCTYPE html><p>", "run"},
		{"a vector image", "a", "", `<svg xmlns="http://www.w3.org/2000/svg">`, "run"},
		{"one with a declaration", "a", "", `<?xml version="1.0"?><svg>`, "run"},
		{"a program", "a", "", "MZ\x90\x00", "run"},
		{"another", "a", "", "\x7fELF\x02", "run"},
		{"a script", "a", "", "#!/bin/sh\n", "run"},
		{"a text that is called a picture", "a", "a.PNG", "hello", "promises image"},
		{"a picture that is called a PDF", "a", "a.pdf", png, "promises"},
		{"a name with a path", "a", "../a.txt", "hello", "file name"},
		{"a name with a line break", "a", "a\r\nb", "hello", "file name"},
		{"a long name", "a", strings.Repeat("a", 300), "hello", "file name"},
		{"a bad id", "a/b", "", "hello", "id"},
		{"a long id", strings.Repeat("a", 257), "", "hello", "id"},
	} {
		_, err := shelf.Put(t.Context(), attachment.Record{ID: tt.id, Wavelet: in("w+1"), Name: tt.name, Creator: ann}, []byte(tt.content))
		if !errors.Is(err, attachment.ErrRefused) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want a refusal that says %q", tt.what, err, tt.says)
		}
	}
	for name, content := range map[string]string{"notes.txt": "hello", "a.png": png, "": "\x00\x01\x02", "data.bin": "PK\x03\x04", "x.pdf": "%PDF-1.7"} {
		if _, err := shelf.Put(t.Context(), attachment.Record{Wavelet: in("w+1"), Name: name, Creator: ann}, []byte(content)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWaveletHasRoomForSoMuch(t *testing.T) {
	shelf := attachment.New(store.NewMemory())
	big := bytes.Repeat([]byte{1}, attachment.MaxSize)
	var err error
	n := 0
	for ; n < 60 && err == nil; n++ {
		_, err = shelf.Put(t.Context(), attachment.Record{ID: fmt.Sprint("a+", n), Wavelet: in("w+1")}, big)
	}
	if !errors.Is(err, attachment.ErrFull) || n != attachment.MaxTotal/attachment.MaxSize+1 {
		t.Errorf("after %d: %v", n, err)
	}
	if _, err := shelf.Put(t.Context(), attachment.Record{Wavelet: in("w+2")}, big); err != nil {
		t.Errorf("another wavelet: %v", err)
	}
}

// TestTheSameIDAtOnce attaches two files under one id from many goroutines: one
// file wins, and everybody else's is refused.
func TestTheSameIDAtOnce(t *testing.T) {
	shelf := attachment.New(store.NewMemory())
	var all sync.WaitGroup
	won := make([]error, 16)
	for i := range won {
		all.Go(func() {
			_, won[i] = shelf.Put(t.Context(), attachment.Record{ID: "a", Wavelet: in("w+1")}, []byte{byte(i % 2)})
		})
	}
	all.Wait()
	r, err := shelf.Get(in("w+1"), "a")
	if err != nil {
		t.Fatal(err)
	}
	content, err := shelf.Content(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range won {
		if mine := content[0] == byte(i%2); mine != (err == nil) || !mine && !errors.Is(err, attachment.ErrTaken) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
}

func FuzzPut(f *testing.F) {
	f.Add("a+1", "a.png", []byte(png))
	f.Add("", "x.svg", []byte("<?xml"))
	f.Fuzz(func(t *testing.T, id, name string, content []byte) {
		shelf := attachment.New(store.NewMemory())
		r, err := shelf.Put(t.Context(), attachment.Record{ID: id, Name: name, Wavelet: in("w+1"), Creator: ann}, content)
		if err != nil {
			if !errors.Is(err, attachment.ErrRefused) {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		back, err := shelf.Get(in("w+1"), r.ID)
		if err != nil || back != r {
			t.Errorf("%+v came back as %+v, %v", r, back, err)
		}
		if got, err := shelf.Content(back); err != nil || !bytes.Equal(got, content) {
			t.Errorf("content came back as %q, %v", got, err)
		}
	})
}
