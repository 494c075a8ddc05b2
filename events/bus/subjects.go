package bus

import (
	"net/url"
	"strings"

	"weir/wavelet"
)

// The beginnings of all subjects.
const (
	robotsPrefix    = "weir.robots."
	decisionsPrefix = "weir.decisions."
	inboxPrefix     = "_INBOX."
)

// Token is a robot's address as one token of a subject: each byte of it that is
// a dot, a wildcard, a percent sign, a blank or not printable ASCII is written as
// % and two hexadecimal digits. "echo@weir.local" is "echo@weir%2Elocal".
func Token(robot wavelet.Participant) string {
	const hex = "0123456789ABCDEF"
	var t strings.Builder
	for _, c := range []byte(robot) {
		if c <= ' ' || c > '~' || strings.IndexByte(".*>%", c) >= 0 {
			t.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		t.WriteByte(c)
	}
	return t.String()
}

// robotOf is the address that a token stands for, false if it is none.
func robotOf(token string) (wavelet.Participant, bool) {
	plain, err := url.PathUnescape(token)
	robot := wavelet.Participant(plain)
	return robot, err == nil && plain != "" && Token(robot) == token
}

// BundlesSubject is where a robot is asked.
func BundlesSubject(robot wavelet.Participant) string {
	return robotsPrefix + Token(robot) + ".bundles"
}

// CallSubject is where a robot calls.
func CallSubject(robot wavelet.Participant) string { return robotsPrefix + Token(robot) + ".rpc" }

// EventSubject is where it is told that something happened to a robot.
func EventSubject(robot wavelet.Participant, event string) string {
	return robotsPrefix + Token(robot) + "." + event
}

// DecisionSubject is where a decision about a robot is told.
func DecisionSubject(robot wavelet.Participant, action string) string {
	return decisionsPrefix + Token(robot) + "." + action
}

// InboxPrefix is the beginning of the subjects at which a robot awaits answers.
func InboxPrefix(robot wavelet.Participant) string { return inboxPrefix + Token(robot) }
