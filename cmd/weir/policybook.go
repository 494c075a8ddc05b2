package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"weir/policies"
	"weir/policies/book"
)

type policiesDiffCmd struct {
	remote
	File string `arg:"" type:"existingfile" help:"Policy file."`
	JSON bool   `help:"Print JSON."`
}

func (policiesDiffCmd) Help() string {
	return `Each line is a setting that would change, with its value in force and its new one. Of a profile that is added, the settings are
compared with those of the default profile. Nothing is changed.

Example:

  weir policies diff policies.yaml`
}

// policyFile is a policy file as it is sent.
type policyFile struct {
	File string `json:"file"`
	Text string `json:"text"`
	By   string `json:"by,omitempty"`
}

func readPolicyFile(name string) (policyFile, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return policyFile{}, fmt.Errorf("read policies: %w", err)
	}
	return policyFile{File: filepath.Base(name), Text: string(raw)}, nil
}

func (c policiesDiffCmd) Run(ctx context.Context, s streams) error {
	file, err := readPolicyFile(c.File)
	if err != nil {
		return err
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	var diff struct {
		Changes []policies.Change `json:"changes"`
	}
	if err := a.call(ctx, http.MethodPost, "/api/v1/policies/diff", file, &diff); err != nil {
		return policyFaults(err)
	}
	if c.JSON {
		return writeJSON(s.out, diff.Changes)
	}
	if len(diff.Changes) == 0 {
		fmt.Fprintf(s.out, "%s changes nothing\n", c.File)
		return nil
	}
	return writeChanges(s.out, "", diff.Changes)
}

// policyFaults shows faults of a policy file as validate does: nothing but the
// lines of file, line and column.
func policyFaults(err error) error {
	if p, ok := errors.AsType[*problem](err); ok && p.Status == http.StatusUnprocessableEntity && p.Detail != "" && len(p.Errors) == 0 {
		return errors.New(p.Detail)
	}
	return err
}

// writeChanges shows changes, one to a line.
func writeChanges(out io.Writer, indent string, list []policies.Change) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range list {
		of := cmp.Or(c.Profile, c.Robot, "all")
		if c.Key == "" {
			fmt.Fprintf(w, "%s%s\t%s\n", indent, of, cmp.Or(c.New, c.Old))
			continue
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s -> %s\n", indent, of, c.Key, cmp.Or(c.Old, "(not set)"), cmp.Or(c.New, "(not set)"))
	}
	return w.Flush()
}

type policiesApplyCmd struct {
	remote
	File string `arg:"" type:"existingfile" help:"Policy file."`
	By   string `help:"Who makes the change, for the history. Default: your user name on this machine." placeholder:"NAME"`
}

func (policiesApplyCmd) Help() string {
	return `The server checks the file and puts it in force; robots keep their counts. A restart keeps it, unless the server is started with
a policy file of its own (weir serve --policies), which counts again whenever it is read. A file with a fault changes nothing.

A version of the history is put in force again with:

  weir policies history 3 > policies.yaml
  weir policies apply policies.yaml`
}

func (c policiesApplyCmd) Run(ctx context.Context, s streams) error {
	file, err := readPolicyFile(c.File)
	if err != nil {
		return err
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	file.By = cmp.Or(c.By, whoami())
	var state struct {
		Version book.Version `json:"version"`
		Note    string       `json:"note"`
	}
	if err := a.call(ctx, http.MethodPut, "/api/v1/policies", file, &state); err != nil {
		return policyFaults(err)
	}
	fmt.Fprintf(s.out, "in force: %s\n", versionLine(state.Version))
	if state.Note != "" {
		fmt.Fprintf(s.out, "note: %s\n", state.Note)
	}
	return writeChanges(s.out, "  ", state.Version.Changes)
}

// whoami is the name of the user on this machine.
func whoami() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// versionLine is a version in one line.
func versionLine(v book.Version) string {
	if v.Number == 0 {
		return "the built-in profiles"
	}
	who := "applied by " + v.By
	if v.Own {
		who = "the server's own file"
	}
	return fmt.Sprintf("version %d, %s, %s, %s", v.Number, v.File, who, v.At.Local().Format(time.DateTime))
}

type policiesHistoryCmd struct {
	remote
	Number uint64 `arg:"" optional:"" help:"Print the policy file of this version. Default: list the versions."`
	Limit  int    `default:"20" help:"How many, the newest first; at most 200."`
	JSON   bool   `help:"Print JSON."`
}

func (policiesHistoryCmd) Help() string {
	return `The server keeps the last 200 versions. Who made a change is what apply was told: anybody with the admin token can make one.

Examples:

  weir policies history
  weir policies history 3 > policies.yaml`
}

func (c policiesHistoryCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	if c.Number > 0 {
		var v book.Version
		if err := a.call(ctx, http.MethodGet, "/api/v1/policies/history/"+strconv.FormatUint(c.Number, 10), nil, &v); err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(s.out, v)
		}
		_, err := io.WriteString(s.out, v.Text)
		return err
	}
	var list struct {
		Versions []book.Version `json:"versions"`
	}
	if err := a.call(ctx, http.MethodGet, "/api/v1/policies/history?limit="+strconv.Itoa(c.Limit), nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, list.Versions)
	}
	for _, v := range list.Versions {
		fmt.Fprintln(s.out, versionLine(v))
		if err := writeChanges(s.out, "  ", v.Changes); err != nil {
			return err
		}
	}
	return nil
}
