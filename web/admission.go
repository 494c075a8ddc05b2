package web

import (
	"time"

	"weir/admission"
)

// Admission is the configuration in force.
func (s *Server) Admission() admission.Config { return *s.settings.Load() }

// SetAdmission puts a configuration in force at once. Whoever is connected stays,
// and what was used up stays used up.
func (s *Server) SetAdmission(c admission.Config) {
	s.limits.set(c, time.Now())
	s.gate.setLimits(c.Connections)
	s.d.Work.Set(c.Concurrency)
	s.queue.Configure(c.Queue)
	s.settings.Store(&c)
}
