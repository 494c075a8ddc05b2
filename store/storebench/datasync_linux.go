package storebench

import (
	"os"
	"syscall"
)

// datasync makes the contents of a file durable the way the store does.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
