package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"text/tabwriter"

	"weir/policies"
	"weir/policies/book"
)

type policiesCmd struct {
	Show     policiesShowCmd     `cmd:"" help:"List the profiles, or show one."`
	Validate policiesValidateCmd `cmd:"" help:"Check a policy file."`
	Diff     policiesDiffCmd     `cmd:"" help:"Show what a policy file would change on the running server."`
	Try      policiesTryCmd      `cmd:"" help:"Show what a policy file would have decided about the traffic of late."`
	Apply    policiesApplyCmd    `cmd:"" help:"Put a policy file in force on the running server, at once."`
	History  policiesHistoryCmd  `cmd:"" help:"List what was in force when, and who changed it."`
}

type policiesShowCmd struct {
	remote
	Name    string `arg:"" optional:"" help:"The profile to show. Default: list them all."`
	File    string `type:"existingfile" xor:"source" help:"Policy file to read beside the built-in profiles." placeholder:"FILE"`
	InForce bool   `xor:"source" help:"Show what is in force on the running server, instead of the built-in profiles."`
}

func (policiesShowCmd) Help() string {
	return `Examples:

  weir policies show
  weir policies show interactive
  weir policies show gentle --file policies.yaml
  weir policies show --in-force`
}

func (c policiesShowCmd) Run(ctx context.Context, s streams) error {
	if c.InForce {
		return c.inForce(ctx, s)
	}
	set, err := readPolicies(c.File)
	if err != nil {
		return err
	}
	if c.Name == "" {
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, name := range set.Names() {
			p, _ := set.Profile(name)
			fmt.Fprintf(w, "%s\t%s\n", name, p.About)
		}
		return w.Flush()
	}
	p, ok := set.Profile(c.Name)
	if !ok {
		return fmt.Errorf("no profile is called %q: weir policies show lists them", c.Name)
	}
	return writeProfile(s.out, p)
}

// inForce shows what the running server goes by.
func (c policiesShowCmd) inForce(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var state struct {
		Version  book.Version `json:"version"`
		Note     string       `json:"note"`
		Default  string       `json:"default"`
		Profiles []struct {
			Name, About string
			Settings    []policies.Setting
		} `json:"profiles"`
	}
	if err := a.call(ctx, http.MethodGet, "/api/v1/policies", nil, &state); err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, p := range state.Profiles {
		switch c.Name {
		case p.Name:
			fmt.Fprintf(w, "%s\t%s\n", p.Name, p.About)
			for _, x := range p.Settings {
				fmt.Fprintf(w, "%s\t%s\n", x.Key, x.Value)
			}
			return w.Flush()
		case "":
			fmt.Fprintf(w, "%s\t%s\n", p.Name, p.About)
		}
	}
	if c.Name != "" {
		return fmt.Errorf("no profile is called %q: weir policies show --in-force lists them", c.Name)
	}
	fmt.Fprintf(s.out, "in force: %s\n", versionLine(state.Version))
	if state.Note != "" {
		fmt.Fprintf(s.out, "note: %s\n", state.Note)
	}
	fmt.Fprintf(s.out, "default profile: %s\n\n", state.Default)
	return w.Flush()
}

// writeProfile shows every setting of a profile, by its key in a policy file.
func writeProfile(out io.Writer, p policies.Profile) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\t%s\n", p.Name, p.About)
	for _, x := range p.Settings() {
		fmt.Fprintf(w, "%s\t%s\n", x.Key, x.Value)
	}
	return w.Flush()
}

type policiesValidateCmd struct {
	Files []string `arg:"" name:"file" help:"Policy files."`
}

func (policiesValidateCmd) Help() string {
	return `Every fault is shown with file, line and column, and with what is allowed there. Exits 1 if there is one.

Example:

  weir policies validate policies.yaml`
}

func (c policiesValidateCmd) Run(s streams) error {
	bad := 0
	for _, file := range c.Files {
		set, err := readPolicies(file)
		if err != nil {
			bad++
			fmt.Fprintln(s.err, err)
			continue
		}
		fmt.Fprintf(s.out, "%s: good, with %d profiles\n", file, len(set.Names()))
	}
	if bad > 0 {
		return &outcome{code: exitFailed}
	}
	return nil
}

// readPolicies reads a policy file; without one there are the built-in
// profiles.
func readPolicies(file string) (policies.Set, error) {
	if file == "" {
		return policies.Builtin(), nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return policies.Set{}, fmt.Errorf("read policies: %w", err)
	}
	return policies.Parse(raw, file)
}
