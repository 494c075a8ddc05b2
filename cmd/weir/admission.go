package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"weir/admission/settings"
)

type admissionCmd struct {
	Show admissionShowCmd `cmd:"" help:"Show who waits to be let in on the running server, and the whole configuration."`
	Set  admissionSetCmd  `cmd:"" help:"Put an admission file in force on the running server, at once."`
}

// admissionState is what the server says of its configuration.
type admissionState struct {
	Edition   settings.Edition `json:"edition"`
	Effective string           `json:"effective"`
	Note      string           `json:"note,omitempty"`
	Queue     *queueState      `json:"queue,omitempty"`
}

type admissionShowCmd struct {
	remote
	JSON bool `help:"Print JSON."`
}

func (admissionShowCmd) Help() string {
	return `What is printed is a whole admission file, with what is left to the default, and can be changed and set. Comments at its top say where it
comes from, how the queue of newcomers is doing, and how busy the machine is; counts are since the server's start.

  weir admission show > admission.yaml
  weir admission set admission.yaml`
}

func (c admissionShowCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var state admissionState
	if err := a.call(ctx, http.MethodGet, "/api/v1/admission/config", nil, &state); err != nil {
		return err
	}
	if err := a.call(ctx, http.MethodGet, "/api/v1/admission", nil, &state.Queue); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, state)
	}
	fmt.Fprintf(s.out, "# %s\n%s", editionLine(state.Edition), state.Queue)
	_, err = io.WriteString(s.out, state.Effective)
	return err
}

type admissionSetCmd struct {
	remote
	File  string `arg:"" type:"existingfile" help:"Admission file."`
	Check bool   `help:"Have the server check the file, and change nothing."`
	By    string `help:"Who makes the change. Default: your user name on this machine." placeholder:"NAME"`
}

func (admissionSetCmd) Help() string {
	return `The server checks the file as a whole and puts it in force for everybody, connected or not; what was used up of a limit stays used up.
A restart keeps it, unless the server is started with an admission file of its own (weir serve --admission), which counts again whenever it
is read. A file with a fault changes nothing. What a file leaves out is the default.

Examples:

  weir admission set admission.yaml --check
  weir admission set admission.yaml`
}

func (c admissionSetCmd) Run(ctx context.Context, s streams) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("read the admission file: %w", err)
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	path := "/api/v1/admission/config"
	if c.Check {
		path += "?check=true"
	}
	file := policyFile{File: filepath.Base(c.File), Text: string(raw), By: cmp.Or(c.By, whoami())}
	var state admissionState
	if err := a.call(ctx, http.MethodPut, path, file, &state); err != nil {
		return policyFaults(err)
	}
	if c.Check {
		fmt.Fprintf(s.out, "%s can be set; nothing has changed\n", c.File)
		return nil
	}
	fmt.Fprintf(s.out, "in force: %s\n", editionLine(state.Edition))
	if state.Note != "" {
		fmt.Fprintf(s.out, "note: %s\n", state.Note)
	}
	return nil
}

// editionLine is where a configuration comes from, in one line.
func editionLine(s settings.Edition) string {
	switch {
	case s.At.IsZero():
		return "the default"
	case s.Own:
		return fmt.Sprintf("%s, the server's own file, %s", s.File, s.At.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("%s, set by %s, %s", s.File, s.By, s.At.Local().Format(time.DateTime))
}
