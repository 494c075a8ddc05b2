package settings_test

import (
	"errors"
	"testing"

	"weir/admission"
	"weir/admission/settings"
	"weir/policies"
	"weir/store"
)

const (
	off   = "client_command_rate_limit: {enabled: false}\n"
	wrong = "client_command_rate_limit: {enable: false}\n"
)

func TestSettingsAreKept(t *testing.T) {
	kv, told := store.NewMemory(), 0
	open := func(o settings.Options) (*settings.Book, error) {
		o.Changed = func(admission.Config) { told++ }
		return settings.Open(t.Context(), kv, o)
	}
	b, err := open(settings.Options{})
	if err != nil || !b.Config().ClientCommands.Enabled || b.Current() != (settings.Edition{}) {
		t.Fatal("the default is not in force", err)
	}
	set, err := b.Apply(t.Context(), "ann", "a.yaml", off)
	if err != nil || set.By != "ann" || set.File != "a.yaml" || set.At.IsZero() || b.Config().ClientCommands.Enabled || told != 1 {
		t.Fatalf("%+v, told %d times, %v", set, told, err)
	}
	var faults policies.Faults
	if _, err := b.Apply(t.Context(), "ann", "a.yaml", wrong); !errors.As(err, &faults) || b.Current() != set || told != 1 {
		t.Errorf("a text with a fault changed something: %v", err)
	}
	if b, err = open(settings.Options{}); err != nil || b.Current() != set || b.Config().ClientCommands.Enabled {
		t.Fatalf("after a restart: %+v, %v", b.Current(), err)
	}
	// A file of the server's own wins at the start.
	if b, err = open(settings.Options{File: "own.yaml", Text: []byte("# nothing\n")}); err != nil || !b.Current().Own || !b.Config().ClientCommands.Enabled || told != 1 {
		t.Fatalf("the server's own file: %+v, told %d times, %v", b.Current(), told, err)
	}
	if err := b.Reread(t.Context(), []byte(off)); err != nil || b.Config().ClientCommands.Enabled || told != 2 {
		t.Errorf("read again: told %d times, %v", told, err)
	}
	if err := b.Reread(t.Context(), []byte(wrong)); err == nil || b.Config().ClientCommands.Enabled {
		t.Error("a file with a fault was taken")
	}
	if _, err := open(settings.Options{File: "own.yaml", Text: []byte(wrong)}); !errors.As(err, &faults) {
		t.Errorf("started with a fault: %v", err)
	}
}
