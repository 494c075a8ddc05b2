package store_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// The tests that need a second process start this binary again, with the name
// of a child program in the environment and its file as the only argument.
const childVariable = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	children := map[string]func(path string) error{
		"holder":  runHolder,
		"writers": runWriters,
		"limited": runLimited,
	}
	name := os.Getenv(childVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := children[name](os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child returns the command that runs a child program on the file at path.
func child(t *testing.T, name, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, path)
	cmd.Env = append(os.Environ(), childVariable+"="+name, "GORACE=atexit_sleep_ms=0 history_size=0")
	cmd.Stderr = os.Stderr
	return cmd
}
