package robots

import (
	"fmt"
	"net/url"
	"strings"

	"weir/robots/oauth"
	"weir/wavelet"
)

// Consumer is the robot that signs its requests under a consumer key, suspended
// or not, and the secret it signs with: its address and its key. Clients write
// "google.com:" before the address, and may have it percent-encoded. The refusal
// is of CodeBadKey and tells nothing about robots, except to one whose key was
// made before keys were kept.
func (d *Directory) Consumer(name string) (Robot, string, error) {
	name = strings.TrimPrefix(name, "google.com:")
	if plain, err := url.QueryUnescape(name); err == nil && !strings.Contains(name, "@") {
		name = plain
	}
	id := wavelet.Participant(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.robots[id]
	if e == nil || e.removed {
		return Robot{}, "", refuse(CodeBadKey, "oauth_consumer_key", "use the robot's address as the consumer key and its key as the secret", "this is no robot's consumer key")
	}
	secret, err := d.secret(id, e.record)
	if err != nil {
		return Robot{}, "", err
	}
	return e.Robot, secret, nil
}

// secret is a robot's key in the clear.
func (d *Directory) secret(id wavelet.Participant, r record) (string, error) {
	if d.o.Vault == nil || r.Secret == "" {
		return "", refuse(CodeBadKey, "oauth_consumer_key", "have its key rotated: weir robots rotate-key "+string(id), "no key of %s is kept that signatures could be checked with", id)
	}
	secret, err := d.o.Vault.Open(string(id), r.Secret)
	if err != nil {
		return "", fmt.Errorf("key of %s: %w", id, err)
	}
	return secret, nil
}

// credentials are what a robot's bundles are signed with, zero if no key of it is
// kept.
func (d *Directory) credentials(id wavelet.Participant) oauth.Credentials {
	_, secret, err := d.Consumer(string(id))
	if err != nil {
		return oauth.Credentials{}
	}
	return oauth.Credentials{Key: string(id), Secret: secret}
}

// warnUnsigned has the operator know which robots can neither be signed to nor
// sign: they were registered before keys were kept.
func (d *Directory) warnUnsigned() {
	var some []string
	for _, r := range d.List() {
		if r.Unsigned && len(some) < 10 {
			some = append(some, string(r.Address))
		}
	}
	if d.o.Vault != nil && some != nil {
		d.o.Logger.Warn("robots without signatures: no key of theirs is kept; give them one with weir robots rotate-key", "robots", some)
	}
}

// checkSecret reports that a robot's key was sealed with another vault key.
func (d *Directory) checkSecret(id wavelet.Participant) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.robots[id]; d.o.Vault != nil && e != nil && e.Secret != "" {
		_, err := d.secret(id, e.record)
		return err
	}
	return nil
}

// seal is a key as it is stored, "" if it is not.
func (d *Directory) seal(id wavelet.Participant, key string) string {
	if d.o.Vault == nil {
		return ""
	}
	return d.o.Vault.Seal(string(id), key)
}
