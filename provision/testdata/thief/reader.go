//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// treeEvery is how many rounds of the directories come to one of the trees.
const treeEvery = 50

// longest is what of a file is looked at: a program may be larger, a secret is
// not.
const longest = 4 << 20

// reader opens whatever it may, and holds it: a file that is opened while it is
// empty can be read when it is not, whoever may open it by then.
type reader struct {
	o      Order
	held   map[file]*holding
	looted map[Loot]bool
	report Report
	n      int
	buf    []byte
}

// file is a file, whatever it is called.
type file struct{ dev, ino uint64 }

type holding struct {
	fd    int
	path  string
	size  int64
	mtime syscall.Timespec
}

func newReader(o Order) *reader {
	return &reader{o: o, held: map[file]*holding{}, looted: map[Loot]bool{}, buf: make([]byte, longest)}
}

func (r *reader) round(tactic string) {
	if tactic == "idle" {
		return
	}
	for _, dir := range r.o.Dirs {
		r.directory(dir, 0)
	}
	if r.n++; r.n%treeEvery == 0 {
		for _, dir := range r.o.Trees {
			r.directory(dir, 6)
		}
		r.processes()
	}
	r.again()
}

func (r *reader) leave() Report {
	r.again()
	return r.report
}

// directory looks at the files in a directory, and so deep below it.
func (r *reader) directory(dir string, depth int) {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	f := make([]byte, 64<<10)
	for {
		n, err := syscall.ReadDirent(fd, f)
		if n <= 0 || err != nil {
			return
		}
		_, _, names := syscall.ParseDirent(f[:n], -1, nil)
		for _, name := range names {
			r.name(path.Join(dir, name), depth)
		}
	}
}

func (r *reader) name(name string, depth int) {
	var st syscall.Stat_t
	if syscall.Lstat(name, &st) != nil {
		return
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		if depth > 0 {
			r.directory(name, depth-1)
		}
	case syscall.S_IFREG:
		if r.held[file{st.Dev, st.Ino}] == nil {
			r.open(name, syscall.O_NOFOLLOW)
		}
	}
}

// open opens a file and looks into it.
func (r *reader) open(name string, flags int) {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC|flags, 0)
	if err != nil {
		r.report.Denied++
		return
	}
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG || r.held[file{st.Dev, st.Ino}] != nil {
		_ = syscall.Close(fd)
		return
	}
	r.report.Opened++
	h := &holding{fd: fd, path: name}
	r.held[file{st.Dev, st.Ino}] = h
	r.look(h, st)
}

// again looks into what it holds, where that has changed, and lets go of what
// has no name any more.
func (r *reader) again() {
	for id, h := range r.held {
		var st syscall.Stat_t
		if syscall.Fstat(h.fd, &st) != nil {
			continue
		}
		if st.Size != h.size || st.Mtim != h.mtime {
			r.look(h, st)
		} else if st.Nlink == 0 {
			_ = syscall.Close(h.fd)
			delete(r.held, id)
		}
	}
}

func (r *reader) look(h *holding, st syscall.Stat_t) {
	h.size, h.mtime = st.Size, st.Mtim
	n, err := syscall.Pread(h.fd, r.buf, 0)
	if err == nil {
		r.search(h.path, r.buf[:n])
		r.unpack(h.path, r.buf[:n])
	}
}

// unpack looks into what is packed as requests are: gzip, and base64 in JSON.
// It may be cut off.
func (r *reader) unpack(name string, text []byte) {
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return
	}
	text, _ = io.ReadAll(io.LimitReader(z, longest))
	r.search(name, text)
	for _, word := range strings.Split(string(text), `"`) {
		if data, err := base64.StdEncoding.DecodeString(word); err == nil {
			r.search(name, data)
		}
	}
}

func (r *reader) search(name string, text []byte) {
	for i, s := range r.o.Secrets {
		l := Loot{Path: name, Secret: i}
		if bytes.Contains(text, []byte(s)) && !r.looted[l] {
			r.looted[l] = true
			r.report.Loot = append(r.report.Loot, l)
		}
	}
}

// processes looks at what processes were started with, and at what they have
// open.
func (r *reader) processes() {
	names, _ := os.ReadDir("/proc")
	own := strconv.Itoa(os.Getpid())
	for _, p := range names {
		if _, err := strconv.Atoi(p.Name()); err != nil || p.Name() == own {
			continue
		}
		dir := "/proc/" + p.Name()
		for _, name := range []string{"/cmdline", "/environ"} {
			if text, err := os.ReadFile(dir + name); err == nil {
				r.search(dir+name, text)
			}
		}
		fds, _ := os.ReadDir(dir + "/fd")
		for _, fd := range fds {
			r.open(dir+"/fd/"+fd.Name(), 0)
		}
	}
}
