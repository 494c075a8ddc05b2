package client

import (
	"encoding/json"
	"time"

	"weir/wavelet"
)

// ProtocolVersion is the version of the live protocol that this package speaks.
const ProtocolVersion = 1

// Bounds that both ends keep.
const (
	MaxMessage      = 1 << 20 // bytes of one WebSocket message from a client
	MaxJoinedFrames = 16      // frames that the server joins into one message
)

// The operations of a client's frames.
const (
	OpConnect     = "connect"
	OpSubscribe   = "subscribe"
	OpUnsubscribe = "unsubscribe"
	OpPublish     = "publish"
	OpHistory     = "history"
	OpRefresh     = "refresh"
	OpSubRefresh  = "sub_refresh"
	OpRPC         = "rpc"
	OpPing        = "ping"

	OpPresence      = "presence"
	OpPresenceStats = "presence_stats"
)

// Request is one frame of a client. ID and Op are always there; which of the
// others may be set depends on Op. docs/protocol.md is the specification.
type Request struct {
	ID      uint64 `json:"id"`
	Op      string `json:"op"`
	Wave    string `json:"wave,omitzero"`    // subscribe, unsubscribe, publish, history
	Wavelet string `json:"wavelet,omitzero"` // the same

	Protocol int     `json:"protocol,omitzero"` // connect
	Client   string  `json:"client,omitzero"`   // connect: the client id; "" lets the server choose
	Resume   []Point `json:"resume,omitzero"`   // connect: wavelets to go on with

	Version *wavelet.Version `json:"version,omitzero"` // subscribe: last version known; history: the snapshot wanted
	Seq     uint64           `json:"seq,omitzero"`     // publish: this delta's number; subscribe: the number in flight

	Base *wavelet.Version `json:"base,omitzero"` // publish
	Ops  json.RawMessage  `json:"ops,omitzero"`  // publish

	From *wavelet.Version `json:"from,omitzero"` // history: commits after this version
	To   *wavelet.Version `json:"to,omitzero"`   // history: up to and with this one; absent: the head
	Time time.Time        `json:"time,omitzero"` // history: the snapshot as of then

	Watch *bool  `json:"watch,omitzero"` // presence: whether to push changes; absent: as it is
	Token string `json:"token,omitzero"` // refresh: a new login token
	Link  string `json:"link,omitzero"`  // subscribe, sub_refresh, history: the token of a share link

	Method string          `json:"method,omitzero"` // rpc
	Params json.RawMessage `json:"params,omitzero"` // rpc
}

// Point is where a client left off in a wavelet: the last version it has, the
// number of the delta it has in flight (0: none), and the token of the link that
// it reads by ("": it takes part).
type Point struct {
	Wave    string          `json:"wave"`
	Wavelet string          `json:"wavelet"`
	Version wavelet.Version `json:"version"`
	Seq     uint64          `json:"seq,omitzero"`
	Link    string          `json:"link,omitzero"`
}

// Frame is any frame of the server: a reply when Push is empty, else a push.
// Exactly one of OK and Err is set in a reply.
type Frame struct {
	ID  uint64          `json:"id,omitzero"`
	OK  json.RawMessage `json:"ok,omitzero"`
	Err *Error          `json:"err,omitzero"`

	Push    string          `json:"push,omitzero"`
	Wave    string          `json:"wave,omitzero"`
	Wavelet string          `json:"wavelet,omitzero"`
	Version wavelet.Version `json:"version,omitzero"`
	Seq     uint64          `json:"seq,omitzero"`
	Author  string          `json:"author,omitzero"`
	At      time.Time       `json:"at,omitzero"`
	Kind    string          `json:"kind,omitzero"`
	Depth   int             `json:"depth,omitzero"`
	Ops     json.RawMessage `json:"ops,omitzero"`
	Reason  string          `json:"reason,omitzero"`

	// Push presence; Connections, Users and Many are as in PresenceOK.
	People      []Person `json:"people,omitzero"` // everybody, in the place of what was told before
	Connections int      `json:"connections,omitzero"`
	Users       int      `json:"users,omitzero"`
	Many        bool     `json:"many,omitzero"`
	Joined      []Person `json:"joined,omitzero"`
	Left        []string `json:"left,omitzero"`  // sessions
	Moved       []Person `json:"moved,omitzero"` // Session, and Cursor unless there is none any more
}

// The pushes of the server.
const (
	PushCommit       = "commit"       // a delta was committed: Version, Author, At, Kind, Depth, Ops, and Seq if it is the client's own
	PushResync       = "resync"       // the subscription was cut: subscribe again from the last version known; Reason
	PushUnsubscribed = "unsubscribed" // the subscription has ended for good; Err
	PushPresence     = "presence"     // who has a wavelet open has changed
	PushPing         = "ping"         // the server is there
)

// Committed is a commit as the protocol shows it. Seq is set only for the
// client that published it: client ids are their owners' secret.
type Committed struct {
	Version wavelet.Version `json:"version"`
	Seq     uint64          `json:"seq,omitzero"`
	Author  string          `json:"author"`
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`
	Depth   int             `json:"depth,omitzero"`
	Ops     json.RawMessage `json:"ops"`
}

// ConnectOK answers connect.
type ConnectOK struct {
	Protocol int       `json:"protocol"`
	User     string    `json:"user"`
	Client   string    `json:"client"`
	Session  string    `json:"session"` // the public name of the connection, in presence
	Server   string    `json:"server"`
	Time     time.Time `json:"time"`
	Expires  time.Time `json:"expires,omitzero"` // when the login token does; zero: never
	PingMS   int64     `json:"ping_ms"`          // the server pushes ping this often
	Resumed  []Resumed `json:"resumed,omitzero"`
}

// RefreshOK answers refresh and sub_refresh.
type RefreshOK struct {
	Expires time.Time `json:"expires,omitzero"` // when the new token does; zero: never
}

// Resumed tells what became of one resume point: Err is set if the wavelet is
// not subscribed.
type Resumed struct {
	Wave    string `json:"wave"`
	Wavelet string `json:"wavelet"`
	SubscribeOK
	Err *Error `json:"err,omitzero"`
}

// SubscribeOK answers subscribe. Without a Snapshot the commits after the
// version asked for follow as pushes; with one, those after the snapshot's.
type SubscribeOK struct {
	Head     wavelet.Version `json:"head"`
	Role     string          `json:"role,omitzero"`
	Expires  time.Time       `json:"expires,omitzero"` // when the link does, for who reads by one
	Snapshot *Snapshot       `json:"snapshot,omitzero"`
	// Acked is the version of the commit that the delta in flight (the request's
	// seq) became. It is set only beside a Snapshot, and 0 if that delta was
	// not committed.
	Acked wavelet.Version `json:"acked,omitzero"`
}

// ShareLink is a share link. Whoever has its token may read the wavelet until it
// expires, and join it if its role is more than read.
type ShareLink struct {
	ID      string      `json:"id"`
	Token   string      `json:"token,omitzero"` // shown once, to who made it
	Role    string      `json:"role"`
	Creator string      `json:"creator"`
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires"`
	Joined  []ShareJoin `json:"joined"` // who joined by it, in order
}

// ShareJoin tells who joined by a link.
type ShareJoin struct {
	Who string    `json:"who"`
	At  time.Time `json:"at"`
}

// ShareLinks is the links to a wavelet, newest first.
type ShareLinks struct {
	Links []ShareLink `json:"links"`
}

// PublishOK answers publish. Version is that of the commit, or the head if the
// delta had nothing left to change: Empty is then set and no commit follows.
type PublishOK struct {
	Version wavelet.Version `json:"version"`
	Seq     uint64          `json:"seq"`
	Empty   bool            `json:"empty,omitzero"`
}

// HistoryOK answers history: commits, or a snapshot. Next is set when there is
// more before To: ask again with from = next.
type HistoryOK struct {
	Head     wavelet.Version `json:"head"`
	Commits  []Committed     `json:"commits,omitzero"`
	Next     wavelet.Version `json:"next,omitzero"`
	Snapshot *Snapshot       `json:"snapshot,omitzero"`
}

// PresenceOK answers presence: who has a wavelet open.
type PresenceOK struct {
	People []Person `json:"people"` // the first to come, at most 100
	PresenceStats
	Many bool `json:"many,omitzero"` // more than 100 connections: nobody has a cursor, and pushes carry numbers only
}

// PresenceStats answers presence_stats.
type PresenceStats struct {
	Connections int `json:"connections"`
	Users       int `json:"users"` // different persons among them
}

// Person is a connection of a person that has a wavelet open.
type Person struct {
	Session string    `json:"session"`
	User    string    `json:"user,omitzero"`
	Since   time.Time `json:"since,omitzero"`
	Cursor  *Cursor   `json:"cursor,omitzero"` // nil: none
}

// Cursor is where a selection stands as of a version of its wavelet: it was
// begun at Anchor, the caret is at Head, in UTF-16 units of the blip's document.
type Cursor struct {
	Blip    wavelet.BlipID  `json:"blip"`
	Anchor  int             `json:"anchor"`
	Head    int             `json:"head"`
	Version wavelet.Version `json:"version"`
}

// ConnectRequest is the body of POST /connect.
type ConnectRequest struct {
	User  string `json:"user"`
	Token string `json:"token,omitzero"`
	// Ticket is the place in the queue that an earlier answer gave.
	Ticket string `json:"ticket,omitzero"`
}

// Turn is the answer to POST /connect, with status 503, of a server that is busy:
// when to come back, and with which ticket, if with any.
type Turn struct {
	Err       *Error `json:"err"`
	RetryInMS int64  `json:"retry_in_ms"`
	Ticket    string `json:"ticket,omitzero"`
}

// Ticket is the answer to POST /connect: what GET /ws?ticket= takes, once.
type Ticket struct {
	Ticket      string `json:"ticket"`
	ExpiresInMS int64  `json:"expires_in_ms"`
}
