package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"weir/policies"
)

type policiesCmd struct {
	Show     policiesShowCmd     `cmd:"" help:"List the profiles, or show one."`
	Validate policiesValidateCmd `cmd:"" help:"Check a policy file."`
}

type policiesShowCmd struct {
	Name string `arg:"" optional:"" help:"The profile to show. Default: list them all."`
	File string `type:"existingfile" help:"Policy file to read beside the built-in profiles." placeholder:"FILE"`
}

func (policiesShowCmd) Help() string {
	return `Examples:

  weir policies show
  weir policies show interactive
  weir policies show gentle --file policies.yaml`
}

func (c policiesShowCmd) Run(s streams) error {
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
