package store

import (
	"bytes"
	"encoding/binary"
)

// Key composes a key of the parts, 8 big-endian bytes each, so that keys are
// ordered by the first part, then by the second, and so on.
func Key(parts ...uint64) []byte {
	key := make([]byte, 0, 8*len(parts))
	for _, p := range parts {
		key = binary.BigEndian.AppendUint64(key, p)
	}
	return key
}

// KeyPart returns part i, counted from 0, of a key composed by [Key]. It panics
// if the key has no such part.
func KeyPart(key []byte, i int) uint64 {
	return binary.BigEndian.Uint64(key[8*i:])
}

// PrefixEnd returns the least key above all keys that start with prefix: the
// end of a scan from prefix. It returns nil, the end of the bucket, when there
// is none.
func PrefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
