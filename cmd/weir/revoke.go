package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

type revokeCmd struct {
	remote
	User string `arg:"" help:"Address of the person."`
	JSON bool   `help:"Print JSON."`
}

func (revokeCmd) Help() string {
	return `Every login token that was issued to the person before now is refused from now on, also after a restart, and her open connections
are closed at once. A token without the time of its issue ("iat") counts as issued before. She can log in again with a new token. What
she allowed programs is ended by weir grants revoke.

Example:

  weir revoke ann@example.com`
}

func (c revokeCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var done struct {
		User   string    `json:"user"`
		Since  time.Time `json:"since"`
		Closed int       `json:"closed"`
	}
	if err := a.call(ctx, http.MethodPost, "/api/v1/users/"+url.PathEscape(c.User)+"/revoke", nil, &done); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, done)
	}
	fmt.Fprintf(s.out, "revoked what was issued to %s before %s; %d connection(s) closed\n", done.User, done.Since.Local().Format(time.DateTime), done.Closed)
	return nil
}
