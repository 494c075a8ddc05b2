package events

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"weir/wavelet"
)

// LaneOf is the lane in which a delta with cause c travels; false for the
// server's own, which travel in none.
func LaneOf(c wavelet.Cause) (Lane, bool) {
	switch c.Kind {
	case wavelet.System:
		return HumanLane, false
	case wavelet.Robot, wavelet.Assumed:
		return RobotLane, true
	}
	return HumanLane, true
}

// BundleID names the bundle that tells a seat in one lane what happened after
// version from: 32 hexadecimal digits of a SHA-256 over the three.
func BundleID(seat wavelet.Seat, lane Lane, from wavelet.Version) string {
	return bundleID(seat, byte(lane), from)
}

func bundleID(seat wavelet.Seat, kind byte, version wavelet.Version) string {
	h := sha256.New()
	for _, part := range []string{seat.Wavelet.Wave, seat.Wavelet.Wavelet, string(seat.Robot)} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	var tail [9]byte
	tail[0] = kind
	binary.BigEndian.PutUint64(tail[1:], uint64(version))
	h.Write(tail[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}
