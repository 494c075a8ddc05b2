package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A stored value is a header and the caller's bytes. The header is a format
// byte and a CRC32C (Castagnoli, big-endian) over bucket, key, format and value,
// so that a record that strays to another place is damage too.
const (
	recordFormat = 1
	headerSize   = 1 + crc32.Size
)

// appendSealed appends the stored form of value to dst.
func appendSealed(dst []byte, bucket string, key, value []byte) []byte {
	dst = append(dst, recordFormat)
	dst = binary.BigEndian.AppendUint32(dst, checksum(bucket, key, recordFormat, value))
	return append(dst, value...)
}

// unseal returns the caller's bytes within a stored value.
func unseal(bucket string, key, stored []byte) ([]byte, error) {
	if len(stored) < headerSize {
		return nil, recordError(bucket, key, "shorter than its header", ErrCorrupt)
	}
	format, sum, value := stored[0], binary.BigEndian.Uint32(stored[1:]), stored[headerSize:]
	if got := checksum(bucket, key, format, value); got != sum {
		return nil, recordError(bucket, key, fmt.Sprintf("checksum %08x, expected %08x", got, sum), ErrCorrupt)
	}
	if format != recordFormat {
		return nil, recordError(bucket, key, fmt.Sprintf("record format %d is not known", format), ErrCorrupt)
	}
	return value, nil
}

// checksum returns the CRC32C of a record. It starts from the format and the
// length of the bucket's name, and feeds the name by hand because crc32 takes
// no string.
func checksum(bucket string, key []byte, format byte, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	crc := uint32(format) | uint32(len(bucket))<<8
	for i := range len(bucket) {
		crc = table[byte(crc)^bucket[i]] ^ crc>>8
	}
	return crc32.Update(crc32.Update(crc, table, key), table, value)
}
