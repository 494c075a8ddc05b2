package weir

// Figure is one line of a benchmark: what was measured, beside the bar it is to
// reach. The benchmarks of the packages make them and `weir bench` prints them.
type Figure struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Bar      float64 `json:"bar,omitzero"` // what Value must reach, if HasBar
	HasBar   bool    `json:"has_bar"`
	AtLeast  bool    `json:"at_least"` // Bar is the least that will do; else the most
	Measured bool    `json:"measured"` // false: this run can say nothing about it, and Note says why
	Note     string  `json:"note,omitzero"`
}

// Met reports whether the figure reaches its bar. One without a bar does; one
// that was not measured does not.
func (f Figure) Met() bool {
	switch {
	case !f.HasBar:
		return true
	case !f.Measured:
		return false
	case f.AtLeast:
		return f.Value >= f.Bar
	}
	return f.Value <= f.Bar
}
