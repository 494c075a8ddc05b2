package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"weir"
)

// TableForm is how WriteScores writes.
type TableForm struct {
	Bars     bool // beside what the bar is, and whether the first detector reaches it
	Markdown bool
}

// abreast is how many detectors stand beside the first in one table.
const abreast = 6

// WriteScores writes a table with a row for each figure and a column for each
// detector; if there are many, several tables that all begin with the first.
func WriteScores(out io.Writer, scores []*Score, form TableForm) error {
	if len(scores) == 0 {
		return nil
	}
	others := slices.Collect(slices.Chunk(scores[1:], abreast))
	if len(others) == 0 {
		others = append(others, nil)
	}
	for i, some := range others {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := writeRows(out, rows(append([]*Score{scores[0]}, some...), form.Bars), form.Markdown); err != nil {
			return err
		}
	}
	return nil
}

// rows is the cells of a table, the head first.
func rows(scores []*Score, bars bool) [][]string {
	head := []string{"measure"}
	if bars {
		head = append(head, "bar")
	}
	var all [][]weir.Figure
	for i, s := range scores {
		head = append(head, s.Detector)
		if i == 0 && bars {
			head = append(head, "")
		}
		all = append(all, s.Figures())
	}
	list := [][]string{head}
	for n := range all[0] {
		row := []string{all[0][n].Name}
		if bars {
			row = append(row, bar(&all[0][n]))
		}
		for i := range all {
			row = append(row, cell(&all[i][n]))
			if i == 0 && bars {
				row = append(row, standing(&all[i][n]))
			}
		}
		list = append(list, row)
	}
	return list
}

func cell(f *weir.Figure) string {
	switch {
	case !f.Measured:
		return "-"
	case f.Note != "":
		return f.Note
	case f.Unit == "x":
		return fmt.Sprintf("%.2f", f.Value)
	case f.Unit == "%":
		return fmt.Sprintf("%.1f %%", f.Value)
	}
	return fmt.Sprintf("%.0f %s", f.Value, f.Unit)
}

func bar(f *weir.Figure) string {
	if !f.HasBar {
		return ""
	}
	sign := "<="
	switch {
	case f.AtLeast:
		sign = ">="
	case f.Bar == 0:
		sign = ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %g %s", sign, f.Bar, strings.Trim(f.Unit, "x")))
}

func standing(f *weir.Figure) string {
	switch {
	case !f.HasBar || !f.Measured:
		return ""
	case f.Met():
		return "ok"
	}
	return "MISSED"
}

func writeRows(out io.Writer, list [][]string, markdown bool) error {
	if !markdown {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for i, row := range list {
			if i == 0 {
				row = strings.Split(strings.ToUpper(strings.Join(row, "\t")), "\t")
			}
			fmt.Fprintln(w, strings.Join(row, "\t"))
		}
		return w.Flush()
	}
	for i, row := range list {
		if _, err := fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | ")); err != nil {
			return err
		}
		if i == 0 {
			fmt.Fprintf(out, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	return nil
}
