//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// ownerOf is the user whose a file is.
func ownerOf(st fs.FileInfo) (uid int, known bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}
