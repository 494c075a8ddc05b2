package main

import (
	"context"
	"fmt"
	"os"

	"weir/admission"
	"weir/policies"
)

// policyText reads the policy file, which must have no fault.
func (h *house) policyText() ([]byte, error) {
	text, err := os.ReadFile(h.config.policies)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	_, err = policies.Parse(text, h.config.policies)
	return text, err
}

// admissionText reads the admission file, which must have no fault.
func (h *house) admissionText() ([]byte, error) {
	text, err := os.ReadFile(h.config.admission)
	if err != nil {
		return nil, fmt.Errorf("read the admission file: %w", err)
	}
	_, err = admission.Parse(text, h.config.admission)
	return text, err
}

// reload reads the files of the server's own again. What has a fault stays as it
// is.
func (h *house) reload(ctx context.Context) {
	again := func(what, file string, read func() ([]byte, error), apply func(context.Context, []byte) error) {
		if file == "" {
			return
		}
		text, err := read()
		if err == nil {
			err = apply(ctx, text)
		}
		if err != nil {
			h.log.Error(what+" stay as they were", "error", err)
			return
		}
		h.log.Info(what+" read again", "file", file)
	}
	if h.config.policies == "" && h.config.admission == "" {
		h.log.Info("no file to read: there is neither --policies nor --admission")
	}
	again("policies", h.config.policies, h.policyText, h.policies.Reread)
	again("admission settings", h.config.admission, h.admissionText, h.settings.Reread)
}
